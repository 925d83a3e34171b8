"""``gru4rec``: gated recurrent units over the last items; alone, or as an ensemble."""

from torch import Tensor

from engine.collaborative.gru4rec import Gru4recNetwork
from engine.methods.ensemble import EnsembleMethod
from engine.methods.gru4rec.spec import Gru4recSpec


class Implementation(EnsembleMethod[Gru4recSpec, Gru4recNetwork]):
    """Trained with the network's own loss, at every position of each window."""

    title = "GRU4Rec"

    def build(self, proposal: Tensor) -> Gru4recNetwork:
        """A network of the settings' shape."""
        return Gru4recNetwork(self.items, self.settings, self.settings, proposal)
