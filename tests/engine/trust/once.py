"""A process that runs subjects one after the other and writes down what came out, to the bit.

``python -m tests.engine.trust.once JOB``: JOB is a file of JSON with ``version`` (a folder), ``subjects`` (in this order),
``settings``, ``runs`` (a folder), ``spoil`` (leave the process's own chance and threads in disorder before each run) and ``out``
(a file). Nothing here is a test: it is what the tests start.
"""

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.data.version import Version, read_version
from engine.run import run
from tests.engine.methods.test_behaviour import comparable
from tests.engine.trust.subjects import Settings, spec_of

FILES = ("ranks_valid.parquet", "ranks_test.parquet", "model/model.safetensors")


def outcome(subject: str, settings: Settings, version: Version, folder: Path) -> dict[str, Any]:
    """All numbers of a run but its times, and a hash of each user's ranks and of the weights."""
    result = run(spec_of(subject, settings), version, folder, lambda event: None)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    return {"result": json.loads(json.dumps(comparable(result), default=str)), **files}


def spoil() -> None:
    """What another run might have left behind in this process."""
    random.seed(13)
    np.random.seed(13)
    torch.manual_seed(13)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(False)
    torch.rand(3)


def main(path: str) -> int:
    """Do the job; see above."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    version, found = read_version(Path(job["version"])), {}
    for number, subject in enumerate(job["subjects"]):
        if job["spoil"]:
            spoil()
        found[subject] = outcome(subject, job["settings"], version, Path(job["runs"]) / str(number))
    Path(job["out"]).write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
