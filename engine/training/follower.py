"""A process that trains along: ``python -m engine.training.follower RANK SIZE PORT VERSION WORKDIR``, started by
``engine.training.parallel.processes``. It evaluates nothing, reports nothing and writes nothing."""

import json
import signal
import sys
from pathlib import Path

import torch

from engine.data.version import read_version
from engine.errors import EngineError, RunCancelled
from engine.methods import METHODS
from engine.methods.method import Context, Stage
from engine.plain_text import one_line
from engine.run import never, split_and_candidates
from engine.spec import parse_spec
from engine.training.device import compute_exactly, set_threads
from engine.training.parallel import ORDER, READY, join, nothing
from engine.training.progress import ProgressReporter
from engine.training.trainer import Trainer


def main(arguments: list[str]) -> int:
    """Follow the first process to the end of the training; 0 also where that was cancelled."""
    rank, size, port = (int(text) for text in arguments[:3])
    folder, workdir = Path(arguments[3]), Path(arguments[4])
    # Ctrl-C reaches all processes of a terminal: the first one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spec = parse_spec(json.loads((workdir / ORDER).read_text(encoding="utf-8")))
    version = read_version(folder)
    split, _ = split_and_candidates(spec, version)
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    group = join(rank, size, port, spec.training.device)
    set_threads(spec.training.threads or group.threads)
    compute_exactly(group.device)
    torch.manual_seed(spec.training.seed)
    context = Context(spec, version, split, group.device, workdir, nothing)
    method = METHODS.get(spec.method.id).load()(context)
    method.fit_counts()
    trainer = Trainer(method, context, _no_metrics, ProgressReporter(nothing), never, group=group)
    try:
        trainer.run()
    except RunCancelled:
        return 0
    except EngineError as error:
        print(one_line(f"process {rank}: {error}"), file=sys.stderr)
        return 1
    return 0


def _no_metrics(stage: Stage) -> dict[str, float]:
    del stage
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
