import json
from pathlib import Path

import pytest
import yaml

from engine.search.folder import PLAN, SearchFolder
from engine.search.presets import search_presets
from engine.search.trial import Candidate, Proposal, Trial
from engine.study.file import read_study
from tests.benchmarks.agreement import main, spread

PLANNED = search_presets().get("search-nano").plan()


def trial(number: int, value: float | None, fidelity: float = 1.0) -> Trial:
    return Trial(number, Candidate(()), "running" if value is None else "done", value, fidelity=fidelity)


def test_the_best_the_worst_and_those_between_are_chosen() -> None:
    values = [0.5, 0.1, 0.4, 0.2, 0.3]
    trials = [trial(number, value) for number, value in enumerate(values)] + [trial(5, 0.9, 0.5), trial(6, None)]
    assert [each.value for each in spread(trials, 3)] == [0.1, 0.3, 0.5]
    assert [each.value for each in spread(trials, 9)] == sorted(values)


def test_a_search_is_planned_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = SearchFolder(tmp_path / "search")
    folder.claim(PLANNED, "v")
    shorts = (0.10, 0.12, 0.11)
    for number, (value, rank) in enumerate(zip(shorts, (2, 4, 8), strict=True)):
        architecture = [f"lora/both/{rank}"] * 4
        place = folder.trial(number)
        place.write(Proposal(Candidate.from_json({"architecture": architecture, "fields": {}}), "sobol"), 1)
        write_result(place.run, value)
    assert main(["plan", str(folder.path)]) == 0
    path = tmp_path / "full.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    study = read_study(path)
    assert [member.label for member in study.members] == ["trial-0", "trial-2", "trial-1"]
    assert {member.spec.training.minutes for member in study.members} == {PLANNED.run.training.minutes}
    assert len(yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"]) == 1
    for number, value in ((0, 0.2), (1, 0.3), (2, 0.1)):
        write_result(tmp_path / "study" / f"trial-{number}" / "seed-0", value)
    assert main(["compare", str(folder.path), str(tmp_path / "study")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tau"] == pytest.approx(1 / 3, abs=1e-4)
    assert [row["full"] for row in told["trials"]] == [0.2, 0.3, 0.1]
    assert (folder.path / PLAN).is_file()


def write_result(folder: Path, value: float) -> None:
    """A finished run's folder, as far as it is read here."""
    from engine.spec import parse_spec
    from tests.workers.searches.objective import make_result

    folder.mkdir(parents=True)
    spec = parse_spec({**PLANNED.run.model_dump(mode="json")})
    result = make_result(spec, value)
    (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
