"""What people are told when something fails; all wording in one place."""

import enum
import logging
import secrets
import signal
from dataclasses import dataclass, field, replace
from errno import ENOMEM
from typing import Any

from engine.errors import CheckpointError, DeviceMissing, TrainingDiverged, UserError
from webapp.storage import is_disk_full, local_root
from workers.text import storable

_log = logging.getLogger(__name__)


class Kind(enum.StrEnum):
    """What sort of failure it was: pages offer what helps against it."""

    MISTAKE = "mistake"
    MEMORY = "memory"
    GPU_MEMORY = "gpu memory"
    GPU = "gpu"
    DEVICE = "device"
    DISK = "disk"
    STORAGE = "storage"
    DIVERGED = "diverged"
    CHECKPOINT = "checkpoint"
    QUOTA = "quota"
    LOST = "lost"
    OURS = "ours"


@dataclass(frozen=True)
class Failure:
    """Why something failed, for people.

    Attributes:
        message: what happened.
        hint: what to do about it; may be empty.
        reference: 8 hexadecimal digits that find a fault of ours in the log; empty for the user's mistakes.
        label, settings: a change of settings, by dotted path, that may help, and how to call it; see ``workers.remedies``.
    """

    message: str
    hint: str = ""
    reference: str = ""
    kind: Kind = Kind.OURS
    label: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """As a run stores it."""
        change = {"label": self.label, "settings": self.settings} if self.settings else {}
        return {
            "error": self.message,
            "hint": self.hint,
            "reference": self.reference,
            "remedy": {"kind": self.kind.value, **change},
        }


OUT_OF_MEMORY = Failure(
    "The computer's memory was not enough for this run.",
    "Choose a smaller training.batch_size or evaluation.batch_users, or a smaller model, and launch it again.",
    kind=Kind.MEMORY,
)
OUT_OF_GPU_MEMORY = Failure(
    "The GPU's memory was not enough for this run.",
    "Choose a smaller training.batch_size or evaluation.batch_users, a shorter window or a smaller model, and launch it again.",
    kind=Kind.GPU_MEMORY,
)
DISK_FULL = Failure(
    "The disk on which the run keeps its files is full.",
    "Tell whoever runs the server. Once there is room, resume it: what was done before the last checkpoint is kept.",
    kind=Kind.DISK,
)
STORAGE_GONE = Failure(
    "The storage in which the run keeps its files did not answer.",
    "Tell whoever runs the server. Once it answers, resume it: what was done before the last checkpoint is kept.",
    kind=Kind.STORAGE,
)
GPU_FAULT = Failure(
    "The GPU reported an error (reference {reference}).",
    "Resume it. If it happens again on the same worker, give the reference to whoever runs the server.",
    kind=Kind.GPU,
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
    if isinstance(error, UserError | CheckpointError):
        return Failure(_shown(error.message), _shown(error.hint), kind=_kind(error))
    for known, is_it in _RECOGNISED:
        if is_it(error):
            _log.warning(known.message, exc_info=error)
            return known
    reference = secrets.token_hex(4)
    _log.error("our fault, reference %s", reference, exc_info=error)
    if is_gpu_fault(error):
        return replace(GPU_FAULT, message=GPU_FAULT.message.format(reference=reference), reference=reference)
    return Failure(
        f"Something went wrong on our side (reference {reference}).",
        "Try it again; if it fails again, give the reference to whoever runs the server: the log tells more.",
        reference,
    )


def _kind(error: Exception) -> Kind:
    kinds = {TrainingDiverged: Kind.DIVERGED, DeviceMissing: Kind.DEVICE, CheckpointError: Kind.CHECKPOINT}
    return next((kind for known, kind in kinds.items() if isinstance(error, known)), Kind.MISTAKE)


def _shown(text: str) -> str:
    """``text`` as it may be shown: where this server keeps its files is nobody's business."""
    root, shown = local_root(), str(storable(text))
    return shown if root is None else shown.replace(f"{root}/", "")


def is_out_of_gpu_memory(error: Exception) -> bool:
    """Whether the memory of a GPU ran out."""
    text = str(error)
    named = type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and ("CUDA out of memory" in text or "STATUS_ALLOC_FAILED" in text))


def is_out_of_memory(error: Exception) -> bool:
    """Whether the computer's memory ran out; torch has no class of its own for that."""
    text = str(error).lower()
    unnamed = isinstance(error, RuntimeError) and ("not enough memory" in text or "can't allocate memory" in text)
    return isinstance(error, MemoryError) or unnamed or (isinstance(error, OSError) and error.errno == ENOMEM)


def is_storage_gone(error: Exception) -> bool:
    """Whether an object store could not be reached, or broke off: botocore's errors of the network, whose library is not loaded
    where the storage is a disk."""
    return any(f"{each.__module__}.{each.__name__}" in _NETWORK_ERRORS for each in type(error).__mro__)


def is_gpu_fault(error: Exception) -> bool:
    """Whether the driver of a GPU failed."""
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in ("CUDA error", "CUBLAS_STATUS", "cuDNN error"))


_NETWORK_ERRORS = ("botocore.exceptions.ConnectionError", "botocore.exceptions.HTTPClientError")
_RECOGNISED = (
    (OUT_OF_GPU_MEMORY, is_out_of_gpu_memory),
    (OUT_OF_MEMORY, is_out_of_memory),
    (DISK_FULL, is_disk_full),
    (STORAGE_GONE, is_storage_gone),
)


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
        kind=Kind.LOST,
    )
