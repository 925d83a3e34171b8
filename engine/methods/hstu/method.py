"""``hstu``: pointwise gated attention over the last items; alone, or as an ensemble."""

from torch import Tensor

from engine.collaborative.hstu import HstuNetwork
from engine.methods.ensemble import EnsembleMethod
from engine.methods.hstu.spec import HstuSpec


class Implementation(EnsembleMethod[HstuSpec, HstuNetwork]):
    """Trained with the network's own loss, at every position of each window."""

    title = "HSTU"

    def build(self, proposal: Tensor) -> HstuNetwork:
        """A network of the settings' shape."""
        return HstuNetwork(self.items, self.settings, self.settings, proposal)
