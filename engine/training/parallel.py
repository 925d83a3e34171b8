"""Training by several processes on one machine: each takes its share of every batch, and gradients are averaged over targets.

The batches are those of one process, so the result is the same within rounding, but for what is drawn at
random for a batch (dropout, negatives, masks): each process draws that for its own share. The first process alone
evaluates, reports and writes; the others follow it step by step (``engine.training.follower``).
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import psutil
import torch
from accelerate import PartialState
from accelerate.utils import broadcast, broadcast_object_list, reduce
from torch import Tensor, nn

from engine.durable import write_whole
from engine.errors import EngineError, UserError
from engine.methods.method import Stage, StepLoss
from engine.spec import RunSpec
from engine.training.device import choose_device

READY = b"ready\n"
ORDER = ".processes.json"
_LONGEST_WAIT = timedelta(hours=6)
"""The others wait this long while the first one evaluates."""


@runtime_checkable
class Divisible(Protocol):
    """A batch that can be shared out by its rows."""

    def share(self, rank: int, size: int) -> "Divisible | None":
        """Rows ``rank``, ``rank + size``, ...; None if there are none."""


@dataclass(frozen=True)
class Group:
    """The processes of one training, as one of them sees it.

    Attributes:
        rank: 0 for the first, which leads.
        device: where this one computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def threads(self) -> int:
        """CPU threads for each, where the spec leaves them open."""
        return max(1, (psutil.cpu_count(logical=False) or 1) // self.size)

    def wait(self) -> None:
        """Go on when all are here."""
        PartialState().wait_for_everyone()

    def led(self, number: float) -> float:
        """The number that the first process has."""
        told = torch.tensor([number], dtype=torch.float64, device=self.device)
        return float(broadcast(told, from_process=0)[0])

    def led_values(self, values: dict[str, float]) -> dict[str, float]:
        """The values that the first process has."""
        told = [values]
        broadcast_object_list(told, from_process=0)
        return told[0]

    def check(self, stage: Stage) -> None:
        """Raises UserError for a stage whose batches cannot be shared out."""
        if not isinstance(stage.epoch(0).make(0), Divisible):
            raise UserError(
                f"{stage.name} cannot be trained by several processes: its batches cannot be shared out.",
                "Leave out --processes.",
            )

    def step(self, stage: Stage, batch: object, parameters: list[nn.Parameter]) -> StepLoss:
        """Leave in ``parameters`` the gradient of the whole batch's loss, computed together; returns that loss.

        Raises TypeError for a batch of a stage that ``check`` refuses.
        """
        if not isinstance(batch, Divisible):
            raise TypeError(f"a batch of {stage.name} cannot be shared out")
        part = batch.share(self.rank, self.size)
        summed, targets = 0.0, 0
        if part is not None:
            loss = stage.loss(part)
            (loss.value * loss.targets).backward()
            summed, targets = float(loss.value.detach()) * loss.targets, loss.targets
        # What no process has a gradient for must stay without one: AdamW would decay it.
        has = [0.0 if parameter.grad is None else 1.0 for parameter in parameters]
        head = torch.tensor([summed, float(targets), *has], dtype=torch.float64, device=self.device)
        head = _sum(head)
        total = float(head[1])
        flat = torch.cat([_flat(parameter) for parameter in parameters])
        flat = _sum(flat) / total
        position = 0
        for parameter, known in zip(parameters, head[2:].tolist(), strict=True):
            gradient = flat[position : position + parameter.numel()].view_as(parameter).to(parameter.dtype)
            parameter.grad = gradient if known else None
            position += parameter.numel()
        return StepLoss(head[0] / total, int(total))


def _sum(tensor: Tensor) -> Tensor:
    summed = reduce(tensor, reduction="sum")
    if not isinstance(summed, Tensor):
        raise TypeError("the sum of tensors is no tensor")
    return summed


def _flat(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        return torch.zeros(parameter.numel(), device=parameter.device)
    return parameter.grad.detach().reshape(-1).float()


def join(rank: int, size: int, port: int, device: str) -> Group:
    """Meet the other processes on this machine at ``port``; blocks until all are there."""
    meeting = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ.update({name: str(number) for name, number in meeting.items()}, MASTER_ADDR="127.0.0.1")
    cpu = choose_device(device).type == "cpu"
    PartialState(cpu=cpu, backend="gloo" if cpu else "nccl", timeout=_LONGEST_WAIT)
    return Group(rank, size, torch.device("cpu") if cpu else torch.device("cuda", rank))


@contextmanager
def processes(count: int, spec: RunSpec, version: Path, workdir: Path) -> Iterator[Group]:
    """Start ``count - 1`` followers for a run and lead them.

    Raises UserError where there are fewer GPUs than processes, EngineError if a follower does not start.
    """
    if choose_device(spec.training.device).type == "cuda" and torch.cuda.device_count() < count:
        raise UserError(
            f"--processes: got {count}, but there are {torch.cuda.device_count()} GPUs.",
            "One process for each GPU, or set training.device to cpu.",
        )
    workdir.mkdir(parents=True, exist_ok=True)
    order = workdir / ORDER
    port = _free_port()
    write_whole(order, spec.model_dump_json())
    followers: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(1, count):
            command = [sys.executable, "-m", "engine.training.follower", str(rank), str(count), str(port)]
            command += [str(version), str(workdir)]
            followers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
        for rank, follower in enumerate(followers, 1):
            if follower.stdout is None or follower.stdout.readline() != READY:
                raise EngineError(f"Process {rank} of {count} did not start.", "Its error stands above.")
        yield join(0, count, port, spec.training.device)
    finally:
        for follower in followers:
            _end(follower)
        order.unlink(missing_ok=True)
        if PartialState._shared_state:
            PartialState().destroy_process_group()
            PartialState._reset_state()


def _end(follower: "subprocess.Popen[bytes]") -> None:
    """What has not ended by itself, because we failed, would wait for us for hours."""
    try:
        follower.wait(1)
    except subprocess.TimeoutExpired:
        follower.kill()
        follower.wait()
    if follower.stdout is not None:
        follower.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def nothing(_: Any) -> None:
    """The report of a process that has nothing to say."""
