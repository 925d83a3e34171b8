"""The base of every method's settings. No torch here."""

from typing import TYPE_CHECKING

from engine.fields import Spec

if TYPE_CHECKING:
    from engine.spec import RunSpec


class MethodSpec(Spec):
    """Settings of one method. A subclass fixes ``id`` to its own: ``id: Literal["sasrec"] = "sasrec"``."""

    id: str

    def check(self, run: "RunSpec") -> None:
        """Refuse, with a ValueError, what the other parts of the run's spec do not allow for this method."""
