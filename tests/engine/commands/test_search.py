"""What ``search`` says of bad input, as a person at a terminal meets it."""

from pathlib import Path

import pytest

from engine.commands.main import main

COLUMNS = "user_id,item_id,timestamp\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "search-nano"], "--data is missing"),
        (["--data", "."], "Give either --preset NAME or --spec FILE."),
        (["--data", ".", "--preset", "search-huge"], "search-nano"),
        (["--data", ".", "--preset", "search-nano", "--set", "space.ranks=[]"], "got no rank"),
        (["--data", ".", "--preset", "search-nano", "--set", "space.kinds=[none]"], "other than 'none'"),
        (["--data", ".", "--preset", "search-nano", "--set", "tirals=3"], "tirals: there is no such setting"),
        (["--data", ".", "--preset", "search-nano", "--set", "run.method=sasrec"], "must be darec"),
        (["--data", ".", "--preset", "search-nano", "--jobs", "0"], "--jobs 0"),
        (["--data", ".", "--spec", "missing.yaml"], "missing.yaml: cannot be read"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["search", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_budget_below_the_smallest_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"u{user},i{(user + step) % 9},{step}\n" for user in range(12) for step in range(8)]
    (tmp_path / "interactions.csv").write_text(COLUMNS + "".join(rows))
    settings = ["--set", "space.kinds=[lora]", "--set", "space.budget=10"]
    assert main(["search", "--data", str(tmp_path), "--preset", "search-nano", "--out", "out", *settings]) == 2
    told = capsys.readouterr().err
    assert "budget" in told
