from pathlib import Path

import pytest

from engine.data.generated import generate
from engine.data.manifest import MANIFEST
from tests.engine.commands.test_main import engine, last_line


@pytest.mark.parametrize("form", ["parquet", "csv-raw", "recbole"])
def test_a_version_goes_out_and_comes_back(tmp_path: Path, form: str) -> None:
    generate(tmp_path / "raw", users=30, items=40, seed=2)
    made = last_line(engine("prepare", "--data", "raw", "--out", "version", cwd=tmp_path))
    written = last_line(engine("export", "--data", "version", "--format", form, "--out", "out.zip", cwd=tmp_path))
    assert (written["format"], written["version"], written["lost"]) == (form, made["version"], [])
    assert (tmp_path / "out.zip").stat().st_size == written["bytes"]
    again = last_line(engine("prepare", "--data", "out.zip", "--out", "again", cwd=tmp_path))
    assert again["version"] == made["version"]
    assert (tmp_path / "again" / MANIFEST).is_file()


def test_what_is_no_version_and_what_exists_is_refused(tmp_path: Path) -> None:
    generate(tmp_path / "raw", users=30, items=40, seed=2)
    done = engine("export", "--data", "raw", "--out", "out.zip", cwd=tmp_path)
    assert done.returncode == 2
    assert "is no prepared version" in done.stderr
    engine("prepare", "--data", "raw", "--out", "version", cwd=tmp_path)
    (tmp_path / "out.zip").write_text("mine")
    done = engine("export", "--data", "version", "--out", "out.zip", cwd=tmp_path)
    assert done.returncode == 2
    assert "exists already" in done.stderr
