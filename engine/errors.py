"""The error tree of the engine: each error says what happened, and what to do about it."""


class EngineError(Exception):
    """An error with a message for people.

    Args:
        message: what happened, and where.
        hint: what to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UserError(EngineError):
    """A mistake that the person who asked can mend (exit code 2, a 4xx answer, a "failed" run with a hint)."""


class DataError(UserError):
    """The data given cannot be used as it is: a missing column, an empty file, too few users."""


class SpecError(UserError):
    """A spec that does not validate.

    Args:
        problems: pairs of the dotted path of a field and what is wrong with it.
    """

    def __init__(self, problems: list[tuple[str, str]], hint: str = "") -> None:
        text = "; ".join(f"{path}: {problem}" if path else problem for path, problem in problems)
        super().__init__(text, hint)
        self.problems = problems


class TrainingDiverged(UserError):
    """The loss is no number any more: the steps were too large."""


class DeviceMissing(UserError):
    """The device that was asked for is not on this machine."""


class CheckpointError(EngineError):
    """A checkpoint that is incomplete, damaged, or was written by another spec or version."""


class RunCancelled(EngineError):
    """The run was asked to stop, and did so at a checkpoint."""

    def __init__(self, message: str = "The run was cancelled.", hint: str = "") -> None:
        super().__init__(message, hint)
