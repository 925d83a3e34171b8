"""``item-knn``: neighbourhoods of items by the cosine of their columns in the matrix of users and items.

After Deshpande and Karypis, 2004 (Item-based top-N recommendation algorithms): each item keeps its ``k`` most similar ones, and
an item's score is the sum of what the history's items say of it; their normalisation of users' rows is a setting. The shrinkage
term is that of Ferrari Dacrema et al., 2019 (arXiv 1907.06902): ``s_ji = <x_j, x_i> / (|x_j| |x_i| + h)``. An item is no
neighbour of itself. Weighting by recency is an addition of ours for sequences; 1 leaves it out.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse
from torch import Tensor

from engine.data.sequences import Sequences
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.item_knn.spec import ItemKnnSpec
from engine.methods.method import Method
from engine.methods.sparse_rows import SparseRows, recent_votes

DENSE = 1 << 22
"""Similarities that are held densely at once (32 MB), before each item's neighbours are chosen."""


class Implementation(Method[ItemKnnSpec]):
    """Similarities over training rows only."""

    def fit_counts(self) -> None:
        """Find each item's neighbours."""
        items = self.context.version.counts.items
        neighbours = find_neighbours(self.context.split.train, items, self.settings, self.context.check_stop)
        self.rows = SparseRows.from_matrix(neighbours, self.context.device)

    def scorer(self) -> Score:
        """The sum of the similarities to the items of the history."""

        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            votes = recent_votes(histories, None, self.settings.recency, self.rows.values.device)
            return self.rows.sums(votes, len(histories))

        return score

    def state(self) -> dict[str, Tensor]:
        """The neighbours and their similarities."""
        return self.rows.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over neighbours."""
        self.rows = SparseRows.from_state(state, self.context.version.counts.items, self.context.device)


def find_neighbours(train: Sequences, items: int, settings: ItemKnnSpec, check_stop: Callable[[], None]) -> "sparse.csr_array":
    """Row ``j``: the similarities of item ``j`` to its nearest neighbours, `items x items`, float64."""
    matrix = _user_item_matrix(train, items, settings)
    by_item = matrix.T.tocsr()
    norms = np.sqrt((matrix * matrix).sum(axis=0))
    kept = min(settings.neighbours, items)
    block = max(1, DENSE // items)
    parts = []
    for start in range(0, items, block):
        check_stop()
        own = np.arange(start, min(start + block, items))
        products = (by_item[own] @ matrix).toarray()
        scales = norms[own, None] * norms + settings.shrinkage
        alike = np.divide(products, scales, out=np.zeros_like(products), where=scales > 0)
        alike[np.arange(len(own)), own] = 0
        nearest = np.argpartition(-alike, kept - 1, axis=1)[:, :kept]
        rows = np.repeat(np.arange(len(own)), kept)
        found = np.take_along_axis(alike, nearest, axis=1)
        parts.append(sparse.csr_array((found.ravel(), (rows, nearest.ravel())), shape=(len(own), items)))
    return sparse.vstack(parts, format="csr")


def _user_item_matrix(train: Sequences, items: int, settings: ItemKnnSpec) -> "sparse.csr_array":
    """`users x items`, float64; equal pairs summed up."""
    user = np.repeat(np.arange(len(train)), train.lengths)
    matrix = sparse.coo_array((np.ones(len(user)), (user, train.items)), shape=(len(train), items)).tocsr()
    if settings.values == "binary":
        matrix.data[:] = 1
    if settings.normalise_users:
        lengths = np.sqrt((matrix * matrix).sum(axis=1))
        matrix = sparse.diags_array(1 / np.maximum(lengths, 1e-12)) @ matrix
    return matrix.tocsr()
