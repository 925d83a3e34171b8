import numpy as np
import torch

from engine.training.machine import forget_peak, machine_kind, peak_memory

CPU = torch.device("cpu")


def test_threads_make_the_kind() -> None:
    torch.set_num_threads(1)
    assert machine_kind(CPU) == "CPU, 1 thread"
    torch.set_num_threads(2)
    assert machine_kind(CPU) == "CPU, 2 threads"


def test_the_peak_holds_what_was_let_go_again_and_can_be_forgotten() -> None:
    forget_peak(CPU)
    before = peak_memory(CPU)
    large = np.ones(200_000_000, dtype=np.uint8)
    del large
    assert peak_memory(CPU) > before + 100_000_000
    forget_peak(CPU)
    assert peak_memory(CPU) < before + 100_000_000
