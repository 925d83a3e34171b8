"""What people are told when something fails; all wording in one place."""

import logging
import secrets
import signal
from dataclasses import dataclass

from engine.errors import UserError
from webapp.storage import local_root
from workers.text import storable

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why something failed, for people.

    Attributes:
        message: what happened.
        hint: what to do about it; may be empty.
        reference: 8 hexadecimal digits that find a fault of ours in the log; empty for the user's mistakes.
    """

    message: str
    hint: str = ""
    reference: str = ""


OUT_OF_MEMORY = Failure(
    "The computer's memory was not enough for this run.",
    "Choose a smaller training.batch_size or evaluation.batch_users, or a smaller model, and launch it again.",
)
READING_TOOK_TOO_MUCH = Failure(
    "Reading the files took too much memory or time.",
    "Upload fewer interactions or shorter texts, or have INGEST_MEMORY_MB or INGEST_CPU_SECONDS raised on this server.",
)
MAKING_TOOK_TOO_MUCH = Failure(
    "Making it took too much memory or time.",
    "Ask again when less is going on, or have INGEST_MEMORY_MB or INGEST_CPU_SECONDS raised on this server.",
)
MAKING_LOST = Failure("The process that made it ended without a result.", "Ask again; if it happens once more, tell an admin.")
ANSWERING_TOOK_TOO_MUCH = Failure(
    "Looking through this version took too much memory or time.",
    "Try it on a smaller version, or have INGEST_MEMORY_MB raised on this server.",
)
SERVING_TOOK_TOO_MUCH = Failure(
    "Loading or asking this run's model took too much memory or time.",
    "Ask again when less is going on; if it fails again, a worker of the queue serve needs more memory for this model.",
)
READING_LOST = Failure(
    "The worker that read the files was lost three times.",
    "Upload the files again; if it happens once more, show this to whoever runs the server.",
)


def explain(error: Exception) -> Failure:
    """What to tell people about ``error``. A fault of ours is logged here with its traceback, under the reference."""
    if isinstance(error, UserError):
        return Failure(_shown(error.message), _shown(error.hint))
    if is_out_of_memory(error):
        _log.warning("out of memory", exc_info=error)
        return OUT_OF_MEMORY
    reference = secrets.token_hex(4)
    _log.error("our fault, reference %s", reference, exc_info=error)
    return Failure(
        f"Something went wrong on our side (reference {reference}).",
        "Try it again; if it fails again, give the reference to whoever runs the server: the log tells more.",
        reference,
    )


def _shown(text: str) -> str:
    """``text`` as it may be shown: where this server keeps its files is nobody's business."""
    return str(storable(text)).replace(f"{local_root()}/", "")


def is_out_of_memory(error: Exception) -> bool:
    """Whether ``error`` says that memory ran out, of the computer or of a GPU; torch has no class of its own for the former."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("not enough memory" in text or "can't allocate memory" in text)


def describe_exit(code: int) -> str:
    """How a child ended, in words, from its return code (negative: the signal that killed it)."""
    if code >= 0:
        return f"its process ended with code {code} and left no result"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"its process was killed ({name})"


def lost_for_good(attempts: int, reason: str) -> Failure:
    """What a run says when its last attempt was lost too."""
    return Failure(
        f"The run was lost {attempts} times: {reason}.",
        "The computer may lack memory: choose a smaller batch size or model, and launch it again.",
    )
