"""The console command against a real site."""

import json
from pathlib import Path

import pytest
from darec_lab.command import main
from darec_lab.commands import pairs

from tests.deploy.client.test_run import with_files
from tests.webapp.api.live import token_of
from tests.webapp.people import People, finish, make_run, make_version
from webapp.experiments.models import Run


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, address: str, people: People) -> None:
    monkeypatch.setenv("DAREC_LAB_URL", address)
    monkeypatch.setenv("DAREC_LAB_TOKEN", token_of(people.alice))


@pytest.fixture
def row(people: People) -> Run:
    return make_run(make_version(people, name="\x1b]0;owned\x07Beauty"), tags=["[red]x"])


def test_runs_are_launched_listed_and_watched(row: Run, capsys: pytest.CaptureFixture[str]) -> None:
    version = str(row.version_id)
    assert main(["launch", version, "popularity", "--set", "training.seed=2", "--acknowledge-leakage", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["spec"]["training"]["seed"] == 2
    assert main(["list", "--state", "queued"]) == 0
    table = capsys.readouterr().out
    assert "[red]x" in table
    assert "\x1b" not in table
    assert main(["list", "--json", "--most", "1"]) == 0
    assert [run["id"] for run in json.loads(capsys.readouterr().out)] == [made["id"]]
    finish(row)
    assert main(["watch", str(row.pk)]) == 0
    said = capsys.readouterr()
    assert "0.0571" in said.out


def test_scripts_get_nothing_but_ids(row: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["launch", str(row.version_id), "popularity", "--acknowledge-leakage", "--quiet"]) == 0
    made = capsys.readouterr().out.strip()
    assert Run.objects.filter(pk=made, preset="popularity").exists()
    assert main(["list", "--quiet"]) == 0
    assert capsys.readouterr().out.split() == [made, str(row.pk)]
    with pytest.raises(SystemExit):
        main(["list", "--quiet", "--json"])


def test_an_upload_is_queued(row: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("user_id,item_id,timestamp\nu1,i1,1\n")
    assert main(["upload", str(file), "--filter", "core=2", "--no-wait", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["state"] == "queued"
    assert "--resume" in said.err


def test_files_are_pulled_and_runs_compared(row: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_files(row)
    other = finish(make_run(row.version), 0.03)
    out = tmp_path / "pulled"
    assert main(["pull", str(row.pk), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"ranks_test.parquet", "result.json"}
    capsys.readouterr()
    assert main(["compare", str(row.pk), str(other.pk), "--fast", "--columns", "test.ndcg@10"]) == 0
    assert "0.0571" in capsys.readouterr().out
    assert main(["compare", str(row.pk), str(other.pk), "--fast", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["classes"][0]["runs"]) == 2


def test_exit_codes(row: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "987654"]) == 1
    assert "(request " in capsys.readouterr().err
    assert main(["watch", str(row.pk), "--timeout", "0"]) == 5
    Run.objects.filter(pk=row.pk).update(state="failed", error="No memory.")
    assert main(["watch", str(row.pk)]) == 4
    assert main(["launch", str(row.version_id), "popularity", "--set", "nonsense"]) == 2
    assert main(["upload", str(tmp_path / "none.csv")]) == 2
    token = tmp_path / "token"
    token.write_text("darec_wrong_wrong\n")
    capsys.readouterr()
    assert main(["list", "--token-file", str(token)]) == 1
    assert "token is missing, unknown" in capsys.readouterr().err
    monkeypatch.delenv("DAREC_LAB_TOKEN")
    assert main(["list"]) == 2
    with pytest.raises(SystemExit, match="2"):
        main(["nonsense"])


def test_settings_are_json_where_they_can_be() -> None:
    found = pairs(["a.b=2", "c=x=y", "d=[1, 2]", "e=NaN", "f="])
    assert found == {"a.b": 2, "c": "x=y", "d": [1, 2], "e": "NaN", "f": ""}
