import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from engine.commands.main import main
from engine.data.mapping.guess import guess_mapping
from engine.data.mapping.head import read_head
from engine.data.mapping.model import Mapping, load_mapping, parse_mapping
from engine.data.mapping.read import read_mapped
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.errors import DataError, SpecError, UserError
from engine.spec import FilterSpec

LOG = "who;what;when;unused\n" + "".join(f"u{row % 3};i{row % 4};{1_600_000_000 + row};x\n" for row in range(24))
OURS = LOG.replace("who;what;when;unused", "user_id;item_id;timestamp;unused")
ITEMS = "code,name,genres\n" + "".join(f'i{row},Item {row},"a, b{row}"\n' for row in range(4))
MAPPING = {
    "interactions": {"roles": {"who": "user", "what": "item", "when": "time"}},
    "items": {"roles": {"code": "item", "name": "title", "genres": "categories"}, "separator": ", "},
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    (tmp_path / "goods.csv").write_text(ITEMS, encoding="utf-8")
    return tmp_path / "log.csv", tmp_path / "goods.csv"


def test_the_same_rows_under_other_names_are_the_same_version(files: tuple[Path, Path], tmp_path: Path) -> None:
    steps: list[str] = []
    raw = read_mapped(*files, parse_mapping(MAPPING), steps.append)
    assert steps == ["reading", "checking"]
    assert raw.items["categories"][0].to_list() == ["a", "b0"]
    assert any("columns not used, as the mapping says: unused" in notice for notice in raw.notices)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "interactions.csv").write_text(OURS, encoding="utf-8")
    items = ITEMS.replace("code,name,genres", "item_id,title,categories").replace(", ", "|")
    (tmp_path / "ours" / "items.csv").write_text(items, encoding="utf-8")
    own = prepare(read_raw(tmp_path / "ours"), FilterSpec(core=0), tmp_path / "a")
    assert prepare(raw, FilterSpec(core=0), tmp_path / "b").hash == own.hash


def test_a_guess_reads_what_it_has_guessed(files: tuple[Path, Path]) -> None:
    heads = [read_head(path.name, io.BytesIO(path.read_bytes())) for path in files]
    guesses = [guess_mapping(heads[0], "interactions"), guess_mapping(heads[1], "items")]
    raw = read_mapped(*files, Mapping(interactions=guesses[0], items=guesses[1]))
    assert raw.interactions.height == 24
    assert raw.items["title"].to_list() == [f"Item {row}" for row in range(4)]


def test_texts_within_the_log(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("u,i,name\na,x,\na,x,Soap\nb,x,Other soap\nb,y,Tea\n" + "b,y,Tea\n" * 20 + "b,y\n", encoding="utf-8")
    raw = read_mapped(path, None, parse_mapping({"interactions": {"roles": {"u": "user", "i": "item", "name": "title"}}}))
    assert raw.items.select("id", "title").rows() == [("x", "Soap"), ("y", "Tea")]
    assert any("1 items have several different texts" in notice for notice in raw.notices)
    assert raw.time == "order"
    assert raw.rejected.select("file", "line").rows() == [("one.csv", 26)]


def test_files_in_an_archive(files: tuple[Path, Path], tmp_path: Path) -> None:
    archive = tmp_path / "both.zip"
    with zipfile.ZipFile(archive, "w") as sink:
        for path in files:
            sink.write(path, f"data/{path.name}")
    places = {"interactions": "data/log.csv", "items": "data/goods.csv"}
    named = {part: {**MAPPING[part], "file": place} for part, place in places.items()}
    raw = read_mapped(archive, None, parse_mapping(named))
    assert set(raw.sources) == {"both.zip", "both.zip/log.csv", "both.zip/goods.csv"}
    assert raw.interactions.height == 24
    with pytest.raises(DataError, match=re.escape("holds no file 'other.csv', but data/goods.csv")):
        read_mapped(archive, None, parse_mapping({"interactions": {**MAPPING["interactions"], "file": "other.csv"}}))


def test_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "bare.txt"
    path.write_text("1|10|5\n1|11|4\n2|10|3\n", encoding="utf-8")
    roles = {"column 1": "user", "column 2": "item", "column 3": "rating"}
    raw = read_mapped(path, None, parse_mapping({"interactions": {"roles": roles, "header": False, "delimiter": "|"}}))
    assert raw.interactions["weight"].to_list() == [5, 4, 3]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"interactions": {"roles": {"a": "user"}}}, "no column is the item"),
        ({"interactions": {"roles": {"a": "user", "b": "user", "c": "item"}}}, "user is given to 2 columns"),
        ({"interactions": {"roles": {"a": "person"}}}, "roles"),
        ({**MAPPING, "items": {"roles": {"a": "title"}}}, "items: no column is the item"),
        ({**MAPPING, "items": {"roles": {"a": "item", "b": "rating"}}}, "no column can be the rating there"),
        ({**MAPPING, "interactions": {"roles": {"a": "user", "b": "item", "c": "title"}}}, "take it from one of them"),
        ({"interactions": {"roles": {"a": "user", "b": "item"}, "delimiter": "x"}}, "delimiter"),
    ],
)
def test_what_is_no_mapping(values: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        parse_mapping(values)


def test_a_column_that_is_not_there(files: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match="required column `where` is missing; found: who, what, when, unused"):
        read_mapped(files[0], None, parse_mapping({"interactions": {"roles": {"who": "user", "where": "item"}}}))


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_prepare_takes_a_mapping_file(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], dump: Callable[..., str]
) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(dump({"interactions": MAPPING["interactions"]}), encoding="utf-8")
    assert main(["prepare", "--data", str(files[0]), "--mapping", str(path), "--out", str(tmp_path / "version")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["data"] == {"users": 3, "items": 4, "interactions": 24}


def test_a_file_that_holds_no_mapping(tmp_path: Path) -> None:
    for text in ("- a", "{", "x: ["):
        (tmp_path / "m").write_text(text, encoding="utf-8")
        with pytest.raises(UserError):
            load_mapping(tmp_path / "m")
    with pytest.raises(UserError, match="cannot be read"):
        load_mapping(tmp_path / "none")
