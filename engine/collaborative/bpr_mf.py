"""Matrix factorisation with the BPR loss (Rendle et al., 2009, arXiv 1205.2618)."""

from torch import Tensor

from engine.collaborative.history_mean import HistoryMeanModel


class BprMfModel(HistoryMeanModel):
    """Free vectors for items, and for users where they are asked for."""

    def catalogue(self, dropped: Tensor | None = None) -> Tensor:
        """The table of item vectors; there is no graph to drop edges from."""
        return self.item_table

    def user_vectors(self) -> tuple[Tensor, Tensor]:
        """Both tables."""
        if self.user_table is None:
            raise ValueError("this model was made without user vectors")
        return self.user_table, self.item_table
