"""The base of methods whose learned state is one module."""

from typing import TypeVar

from torch import Tensor, nn

from engine.methods.method import Method
from engine.methods.spec import MethodSpec
from engine.methods.state import load_module_state, module_state

S = TypeVar("S", bound=MethodSpec)


class NetworkMethod(Method[S]):
    """Saves and loads one module.

    Attributes:
        network: what is trained and saved; on the run's device.
    """

    network: nn.Module

    def state(self) -> dict[str, Tensor]:
        """The network's weights."""
        return module_state(self.network)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over weights."""
        load_module_state(self.network, state)
        self.network.eval()
