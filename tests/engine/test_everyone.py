"""Lists for everybody: the same as one user after the other gets, in every format, batch by batch."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from engine.commands.main import main
from engine.data.version import Version
from engine.errors import RunCancelled, UserError
from engine.everyone import FORMATS, check_target, recommend_everyone
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import histories
from tests.engine.methods.runs import PRESETS, small_spec


def opened(method: str, version: Version, folder: Path) -> Recommender:
    run(small_spec(method), version, folder / "run", lambda event: None)
    return Recommender.open(folder / "run", version)


@pytest.mark.parametrize("method", sorted(PRESETS))
def test_everybody_gets_what_each_gets_alone(method: str, planted: Version, tmp_path: Path) -> None:
    recommender = opened(method, planted, tmp_path)
    done = recommend_everyone(recommender, tmp_path / "lists.parquet", "parquet", k=5, batch=7)
    frame = pl.read_parquet(tmp_path / "lists.parquet")
    assert (done.users, done.rows, done.bytes) == (len(planted.users), frame.height, (tmp_path / "lists.parquet").stat().st_size)
    assert frame["user"].unique(maintain_order=True).to_list() == planted.users
    for user in planted.users[:: max(1, len(planted.users) // 12)]:
        alone = recommender.recommend(recommender.history_of(user), 5, user)["recommended"]
        mine = frame.filter(pl.col("user") == user)
        assert mine["rank"].to_list() == list(range(1, len(alone) + 1))
        assert np.allclose(mine["score"].to_numpy(), [line["score"] for line in alone], rtol=1e-4, atol=1e-5)
        known = dict(zip(mine["item"], mine["score"], strict=True))
        cut = alone[-1]["score"] + 1e-4
        # Which of equal scores stand at the end of a list is nobody's promise.
        assert {line["id"] for line in alone if line["score"] > cut} <= set(known)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_holds_the_same_rows(form: str, planted: Version, tmp_path: Path) -> None:
    recommender = opened("markov", planted, tmp_path)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    recommend_everyone(recommender, whole, form, k=3, batch=10_000)  # type: ignore[arg-type]
    recommend_everyone(recommender, parts, form, k=3, batch=4)  # type: ignore[arg-type]
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {"parquet": pl.read_parquet, "jsonl": pl.read_ndjson}
    read = readers.get(form, pl.read_csv)
    assert read(whole).select("user", "item", "rank").equals(read(parts).select("user", "item", "rank"))
    assert read(parts).height == 3 * len(planted.users)
    assert read(parts).columns == ["user", "item", "rank", "score", *(["title"] if form == "csv" else [])]


def test_seen_items_are_kept_or_removed_as_asked(planted: Version, tmp_path: Path) -> None:
    recommender = opened("popularity", planted, tmp_path)
    pairs = set(zip(planted.user.tolist(), planted.item.tolist(), strict=True))
    users, items = ({name: index for index, name in enumerate(names)} for names in (planted.users, planted.item_ids))
    seen = {}
    for rule in ("remove", "keep", "protocol"):
        out = tmp_path / f"{rule}.parquet"
        done = recommend_everyone(recommender, out, "parquet", k=10, seen=rule)
        rows = pl.read_parquet(out)
        seen[rule] = sum((users[u], items[i]) in pairs for u, i in zip(rows["user"], rows["item"], strict=True)), done.seen
    assert seen["remove"] == (0, "remove")
    assert seen["keep"][0] > 0
    assert seen["keep"][1] == "keep"
    assert seen["protocol"] == (seen["remove"] if recommender.remove_seen else seen["keep"])


def test_lists_are_shorter_where_everything_is_seen(tmp_path: Path) -> None:
    version = histories(tmp_path / "v", [[0, 1, 2, 3], [0, 1, 2], [0, 1, 2]])
    recommender = opened("popularity", version, tmp_path)
    done = recommend_everyone(recommender, tmp_path / "a.jsonl", "jsonl", k=50, seen="remove")
    assert (done.users, done.rows) == (2, 2)


def test_no_more_than_a_batch_is_scored_at_once_and_a_stop_leaves_nothing(
    planted: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = opened("markov", planted, tmp_path)
    sizes = []
    inner = recommender.warm()

    def score(histories: Sequence[NDArray[np.int32]], users: object) -> object:
        sizes.append(len(histories))
        return inner(histories, users)  # type: ignore[arg-type]

    monkeypatch.setattr(recommender, "_scorer", score)
    recommend_everyone(recommender, tmp_path / "a.csv", "csv", k=3, batch=6)
    assert max(sizes) == 6
    assert sum(sizes) == len(planted.users)
    monkeypatch.setattr("engine.everyone.CELLS", planted.counts.items * 2)
    sizes.clear()

    def stop(done: int, total: int) -> None:
        if done >= 4:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        recommend_everyone(recommender, tmp_path / "b.csv", "csv", k=3, batch=6, on_batch=stop)
    assert sizes == [2, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "run"]


def test_formulas_are_escaped_for_people_only(tmp_path: Path) -> None:
    titles = ["=HYPERLINK(1)", "+b", "c", "d"]
    version = histories(tmp_path / "v", [[0, 1, 2], [1, 2, 3], [0, 2, 3]], titles=titles)
    recommender = opened("popularity", version, tmp_path)
    for form in ("csv", "csv-raw"):
        recommend_everyone(recommender, tmp_path / form, form, k=4, seen="keep")
    assert "'=HYPERLINK(1)" in (tmp_path / "csv").read_text(encoding="utf-8")
    assert "HYPERLINK" not in (tmp_path / "csv-raw").read_text(encoding="utf-8")


def test_the_file_must_be_new_and_its_format_known(tmp_path: Path) -> None:
    (tmp_path / "there.csv").touch()
    for name, words in (("there.csv", "exists already"), ("lists", "does not tell"), ("no/lists.csv", "no folder")):
        with pytest.raises(UserError, match=words):
            check_target(tmp_path / name, None)
    assert check_target(tmp_path / "lists", "csv-raw")[1] == "csv-raw"
    with pytest.raises(UserError, match="--out is missing"):
        check_target(None, None)


def test_the_command(planted: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened("popularity", planted, tmp_path)
    out = tmp_path / "lists.jsonl"
    assert main(["recommend", "--run", str(tmp_path / "run"), "--all", "--k", "2", "--out", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (printed["users"], printed["rows"], printed["format"]) == (len(planted.users), 2 * len(planted.users), "jsonl")
    assert json.loads(out.read_text(encoding="utf-8").splitlines()[0])["rank"] == 1
    assert main(["recommend", "--run", str(tmp_path / "run"), "--user", planted.users[0], "--out", str(out)]) == 2
