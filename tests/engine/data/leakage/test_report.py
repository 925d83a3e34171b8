from pathlib import Path

import pytest

from engine.data.leakage import LeakageReport, leakage_report
from engine.data.leakage.model import share
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.spec import FilterSpec
from tests.engine.data.leakage.made import checks, clean_rows, found, made, report


def test_a_clean_version_has_no_finding_and_says_what_was_looked_at(tmp_path: Path) -> None:
    version = made(tmp_path / "v", columns={"brand": {"i1": "Acme"}})
    told = report(version)
    assert told.findings == []
    assert len(told.clean) == 11
    assert (told.version, told.split, told.users) == (version.hash, "leave-one-out", 60)
    assert told.split_hash == leave_one_out(version).hash


def test_nothing_is_said_about_times_that_are_positions(tmp_path: Path) -> None:
    told = report(made(tmp_path / "v", time="position"))
    assert any("mere positions" in sentence for sentence in told.untold)
    assert not any("later" in sentence or "first appeared" in sentence for sentence in told.clean)
    late = [(user, item, time + 20_000 * (user < "u5")) for user, item, time in clean_rows()]
    assert "future-training-test" not in checks(report(made(tmp_path / "w", late, time="position")))


def test_the_most_serious_comes_first_and_the_report_survives_json(tmp_path: Path) -> None:
    rows = [(user, item, time + 20_000 * (user < "u5")) for user, item, time in clean_rows()]
    split = {item: "test" if index % 2 else "train" for index, (_, item, _) in enumerate(rows)}
    told = report(made(tmp_path / "v", rows, columns={"part": split}))
    ranks = [("serious", "warning", "info").index(finding.severity) for finding in told.findings]
    assert ranks == sorted(ranks)
    assert len(ranks) > 1
    assert LeakageReport.model_validate_json(told.model_dump_json()) == told


def test_movielens(shared_data: Path, tmp_path: Path) -> None:
    version = prepare(read_raw(shared_data / "ml-100k"), FilterSpec(core=5), tmp_path / "v")
    told = leakage_report(version, leave_one_out(version))
    assert checks(told) == ["future-training-test", "future-training-validation", "popularity-over-test"]
    early = found(told, "future-training-test")
    assert (early.count, early.of, early.severity) == (942, 943, "warning")
    assert "nearly 100 %" in early.title
    assert not told.serious


@pytest.mark.parametrize(
    ("count", "of", "text"),
    [
        (0, 0, "0 %"),
        (0, 5, "0 %"),
        (1, 100_000, "less than 0.01 %"),
        (3, 700, "0.43 %"),
        (38, 100, "38 %"),
        (942, 943, "nearly 100 %"),
        (5, 5, "100 %"),
    ],
)
def test_shares(count: int, of: int, text: str) -> None:
    assert share(count, of) == text
