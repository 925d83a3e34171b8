"""``bpr-mf``: a vector for each user and each item; known items score higher than unknown ones."""

from engine.collaborative.bpr_mf import BprMfModel
from engine.methods.bpr_mf.spec import BprMfSpec
from engine.methods.method import Context
from engine.methods.pairwise import PairwiseMethod


class Implementation(PairwiseMethod[BprMfSpec]):
    """The plain model, without biases, as the paper writes it; negatives are drawn uniformly."""

    title = "matrix factorisation"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.by_vector = self.settings.users == "vector"
        items = context.version.counts.items
        self.network = BprMfModel(items, self.settings, context.split.train, user_vectors=True).to(context.device)
