from pathlib import Path

import pytest

from engine.study.file import read_study
from tests.benchmarks.tuning import DATA, study_file, tuning_study


@pytest.mark.parametrize("data", DATA)
def test_every_method_has_as_many_configurations_and_minutes(data: str, tmp_path: Path) -> None:
    path = tmp_path / "tune.yaml"
    path.write_text(study_file(tuning_study(data)), encoding="utf-8")
    study = read_study(path)
    assert study.seeds == (0,)
    assert len(study.members) == 3 * 10
    assert {member.spec.training.minutes for member in study.members} == {DATA[data].minutes}
    assert {member.spec.training.clock for member in study.members} == {"processor"}
    assert len({member.spec.model_dump_json() for member in study.members}) == len(study.members)
