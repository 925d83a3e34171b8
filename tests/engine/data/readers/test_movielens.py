from pathlib import Path

import pytest

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.errors import DataError
from engine.spec import FilterSpec
from tests.engine.data.builders import write_folder

RATINGS = [("1", "10", 5, 1_600_000_001), ("1", "9", 3, 1_600_000_002), ("2", "10", 4, 1_600_000_003)]
MOVIES = [("9", "Amélie (2001)", ["Comedy", "Romance"]), ("10", 'Say "Hi": Part 1, 2', ["Action"]), ("11", "Unseen", [])]
FLAGS = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|Mystery|"
    "Romance|Sci-Fi|Thriller|War|Western"
)


def write_csv(folder: Path) -> Path:
    log = "user_id,item_id,timestamp,rating\n" + "".join(f"{u},{i},{t},{r}\n" for u, i, r, t in RATINGS)
    quoted = [(i, title.replace('"', '""'), "|".join(genres)) for i, title, genres in MOVIES]
    return write_folder(folder, log, "item_id,title,categories\n" + "".join(f'{i},"{t}",{g}\n' for i, t, g in quoted))


def write_100k(folder: Path) -> Path:
    folder.mkdir()
    (folder / "u.data").write_text("".join(f"{u}\t{i}\t{r}\t{t}\n" for u, i, r, t in RATINGS))
    names = FLAGS.split("|")
    flags = {i: "|".join(str(int(name in genres)) for name in names) for i, _, genres in MOVIES}
    lines = [f"{i}|{title}|01-Jan-1995||http://example.invalid/{i}|{flags[i]}\n" for i, title, _ in MOVIES]
    (folder / "u.item").write_bytes("".join(lines).encode("latin-1"))
    return folder


def write_1m(folder: Path) -> Path:
    folder.mkdir()
    (folder / "ratings.dat").write_text("".join(f"{u}::{i}::{r}::{t}\n" for u, i, r, t in RATINGS))
    lines = [f"{i}::{title}::{'|'.join(genres)}\n" for i, title, genres in MOVIES]
    (folder / "movies.dat").write_bytes("".join(lines).encode("latin-1"))
    return folder


def write_latest(folder: Path) -> Path:
    folder.mkdir()
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n" + "".join(f"{u},{i},{r}.0,{t}\n" for u, i, r, t in RATINGS)
    )
    quoted = [(i, title.replace('"', '""'), "|".join(genres) or "(no genres listed)") for i, title, genres in MOVIES]
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "".join(f'{i},"{t}",{g}\n' for i, t, g in quoted))
    return folder


@pytest.mark.parametrize("write", [write_100k, write_1m, write_latest])
def test_the_same_data_has_the_same_hash_wherever_it_came_from(tmp_path: Path, write: object) -> None:
    assert callable(write)
    expected = prepare(read_raw(write_csv(tmp_path / "csv")), FilterSpec(core=0), tmp_path / "a")
    version = prepare(read_raw(write(tmp_path / "other")), FilterSpec(core=0), tmp_path / "b")
    assert version.titles == ['Say "Hi": Part 1, 2', "Unseen", "Amélie (2001)"]
    assert version.items["categories"].to_list() == [["Action"], [], ["Comedy", "Romance"]]
    assert version.hash == expected.hash
    assert read_raw(tmp_path / "other").notices == ()
    assert len(version.manifest.sources) == 2


def test_a_damaged_file_is_told_by_name(tmp_path: Path) -> None:
    folder = write_100k(tmp_path / "ml")
    (folder / "u.data").write_text("1 10 5 1600000001\n" * 20)
    with pytest.raises(DataError, match=r"u\.data: 20 of 20 rows do not have the 4 fields"):
        read_raw(folder)
