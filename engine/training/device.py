"""Where and with how many threads torch works, chosen on purpose."""

import psutil
import torch

from engine.errors import DeviceMissing


def choose_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``; raises DeviceMissing where there is no CUDA device."""
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceMissing("training.device is cuda, but no CUDA device is here.", "Set training.device to auto or cpu.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def set_threads(threads: int) -> int:
    """Have torch use ``threads`` CPU threads; 0 takes the physical cores. Returns the number."""
    chosen = threads or psutil.cpu_count(logical=False) or 1
    torch.set_num_threads(chosen)
    return chosen


def compute_exactly(device: torch.device) -> None:
    """Have equal computations on a CPU end in equal bits, however many threads share them; call it before each run.

    Without it the gradient of ``table[index]`` adds up rows from several threads in the order in which they come. A GPU is left
    as it is: some of what runs need has no such form there, and its numbers are compared with a tolerance.
    """
    torch.use_deterministic_algorithms(device.type == "cpu")
    # Filling what is about to be overwritten would take time, and no result reads memory that nothing was written to.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
