"""Same spec, same version, same seed, same kind of machine: the same numbers, ranks and weights to the last bit, on a CPU.

All subjects run in two processes that share nothing but the version: another order of runs (so each comes after others in a
process that is warm, with what they left behind), another hash seed, folder, cache and number of threads of the libraries. The
runs themselves have two threads, and so large batches that torch does share the work out: rows of a gradient that several threads
add up are where bits went astray. How many threads a run has is part of the kind of machine, and of its bits.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from deploy.local.home import ROOT
from engine.data.version import Version
from engine.training.device import compute_exactly
from tests.engine.conftest import write_version
from tests.engine.trust.once import FILES, outcome
from tests.engine.trust.subjects import ASKED, ONE_OF_EACH, has_chance, spec_of
from tests.engine.trust.worlds import mixed, rows_of, titles_of, version_of

Outcomes = dict[str, dict[str, Any]]
THREADED = {"training.threads": 2, "training.batch_size": 4096, "training.epochs": 1}
USERS, ITEMS = 140, 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """Large enough for batches of more than 1,024 targets of 32 numbers each, from where on torch shares rows out."""
    return version_of(tmp_path_factory.mktemp("world"), rows_of(mixed(3, USERS, ITEMS, 13)), ITEMS)


def started(folder: Path, version: Version, order: list[str], settings: dict[str, Any], spoil: bool, **more: str) -> Outcomes:
    """What a fresh process finds."""
    folder.mkdir()
    job = {"version": str(version.path), "subjects": order, "settings": settings, "spoil": spoil}
    job |= {"runs": str(folder / "runs"), "out": str(folder / "out.json")}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    # threads that wait for work let others have the core: this machine may have fewer cores than these processes threads
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DARECLAB_CACHE": str(folder / "cache"), "OMP_WAIT_POLICY": "PASSIVE"}
    environment |= more
    command = [sys.executable, "-m", "tests.engine.trust.once", str(folder / "job.json")]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: Outcomes = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def both(world: Version, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcomes, Outcomes]:
    """Two processes at once, the second one in the opposite order."""
    folder, names = tmp_path_factory.mktemp("processes"), ASKED
    with ThreadPoolExecutor() as pool:
        one = pool.submit(
            started,
            folder / "one",
            world,
            names,
            THREADED,
            False,
            PYTHONHASHSEED="1",
            OMP_NUM_THREADS="1",
            POLARS_MAX_THREADS="1",
        )
        other = pool.submit(
            started, folder / "other", world, names[::-1], THREADED, True, PYTHONHASHSEED="2", OMP_NUM_THREADS="4"
        )
        return one.result(), other.result()


@pytest.mark.parametrize("subject", ASKED)
def test_two_processes_find_the_same_bits(subject: str, both: tuple[Outcomes, Outcomes]) -> None:
    one, other = (outcomes[subject] for outcomes in both)
    assert one["result"] == other["result"]
    assert [name for name in FILES if one[name] != other[name]] == []


@pytest.mark.parametrize("subject", ONE_OF_EACH)
def test_the_seed_is_all_that_chance_hangs_on(
    subject: str, world: Version, both: tuple[Outcomes, Outcomes], tmp_path: Path
) -> None:
    """This process agrees with the two above; another seed gives other weights where there is chance, and none where not."""
    again = outcome(subject, THREADED, world, tmp_path / "again")
    assert {name: again[name] for name in FILES} == {name: both[0][subject][name] for name in FILES}
    other = outcome(subject, {**THREADED, "training.seed": 1}, world, tmp_path / "other")
    weights = FILES[-1]
    assert (other[weights] != again[weights]) == has_chance(spec_of(subject))


@pytest.mark.parametrize("subject", ONE_OF_EACH)
def test_rows_written_in_another_order_are_the_same_run(subject: str, tmp_path: Path) -> None:
    """Rows of several users mixed by time instead of user by user, and the items the other way round: one hash, one outcome."""
    rows, titles = rows_of(mixed(4, 60, 30, 9)), titles_of(30)
    plain = write_version(tmp_path / "plain", rows, titles)
    shuffled = write_version(tmp_path / "shuffled", sorted(rows, key=lambda row: row[2]), dict(reversed(titles.items())))
    assert plain.hash == shuffled.hash
    settings = {"training.threads": 1}
    found = [outcome(subject, settings, version, version.path.parent / "run") for version in (plain, shuffled)]
    assert found[0] == found[1]


def test_a_gradient_that_threads_share_is_the_same_each_time() -> None:
    """The fault itself: without ``compute_exactly`` two threads add the rows of an index's gradient in any order."""
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(50, 64, generator=generator, requires_grad=True)
    index = torch.randint(0, 50, (20_000,), generator=generator)
    weights = torch.randn(20_000, 64, generator=generator)
    torch.set_num_threads(2)

    def gradient() -> torch.Tensor:
        (found,) = torch.autograd.grad((table[index] * weights).sum(), table)
        return found

    compute_exactly(torch.device("cpu"))
    first = gradient()
    assert all(torch.equal(first, gradient()) for _ in range(20))
    assert torch.are_deterministic_algorithms_enabled()
