"""How long the rest of a stage will take, from how fast it went while this process looked."""


class Pace:
    """The pace of one stage in this process: an earlier attempt may have run on a faster machine."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def whole(self, done: float, seconds: float) -> float | None:
        """Seconds that all of the stage takes at this pace; None until there is something to measure.

        Args:
            done: how far the stage is, 0 to 1.
            seconds: the training's clock.
        """
        if self._first is None:
            self._first = (done, seconds)
        begin, since = self._first
        return (seconds - since) / (done - begin) if done > begin and seconds > since else None
