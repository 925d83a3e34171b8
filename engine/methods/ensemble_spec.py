"""Settings of methods that may be an ensemble of networks of one kind. No torch here."""

from engine.blend.spec import BlendSpec
from engine.fields import setting
from engine.methods.spec import MethodSpec


class EnsembleSpec(MethodSpec):
    """How many networks there are, and how their scores become one."""

    members: int = setting(
        1, "networks trained one after the other, ranking by the sum of their standardised scores", "networks", ge=1, le=16
    )
    blend: BlendSpec = BlendSpec()
