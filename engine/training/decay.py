"""Which weights decay: matrices do; gates, norms and biases do not, nor do weights that were exempted."""

from torch import nn

_MARK = "does_not_decay"


def exempt(parameter: nn.Parameter) -> None:
    """Keep ``parameter`` from decaying: factors that rest at 1, for which 0 is not the neutral value."""
    setattr(parameter, _MARK, True)


def decays(parameter: nn.Parameter) -> bool:
    """True for matrices that were not exempted."""
    return parameter.ndim > 1 and not getattr(parameter, _MARK, False)
