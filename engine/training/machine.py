"""What a run was computed on, and the most memory that it held: what the cost of the next one is estimated from."""

import torch

from engine.memory import forget_process_peak, process_peak


def machine_kind(device: torch.device) -> str:
    """``CPU, 2 threads``, or the name of the CUDA device: runs of one kind cost about the same."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def forget_peak(device: torch.device) -> None:
    """Count the peak of ``device``'s memory, or of this process's, anew from here."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        forget_process_peak()


def peak_memory(device: torch.device) -> int:
    """The most bytes held at any time since ``forget_peak``: of the CUDA device's memory, or of this process's."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else process_peak()
