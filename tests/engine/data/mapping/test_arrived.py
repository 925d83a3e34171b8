import io
import zipfile

import pytest

from engine.data.mapping.arrived import Arrived, look_at
from engine.errors import DataError

LOG = b"who,what,when\nu1,i1,1600000000\nu2,i2,1600000001\n"
OURS = b"user_id,item_id\nu1,i1\nu2,i2\n"
ITEMS = b"code,name\ni1,A soap\ni2,A tea\n"


def look(**files: tuple[str, bytes]) -> Arrived:
    return look_at({role: (name, len(data), io.BytesIO(data)) for role, (name, data) in files.items()})  # type: ignore[misc]


def packed(**entries: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return sink.getvalue()


def test_a_table_with_other_names_needs_a_mapping() -> None:
    found = look(interactions=("log.csv", LOG), items=("goods.csv", ITEMS))
    assert found.needs_mapping
    assert found.guess["interactions"].roles == {"who": "user", "what": "item", "when": "time"}
    assert found.guess["items"].column("title") == "name"
    assert not look(interactions=("log.csv", OURS)).needs_mapping


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.inter", b"user_id:token\titem_id:token\n1\t2\n", "RecBole"),
        ("r.json", b'{"reviewerID": "a", "asin": "b", "unixReviewTime": 1, "overall": 5.0}\n', "Amazon"),
        ("s.txt", b"1 2\n1 3\n2 2\n", "SASRec"),
        ("m.zip", packed(u_data=b"1\t2\t3\t4\n", u_item=b"2|T|\n"), "MovieLens"),
        ("m.zip", packed(ml__u_data=b"1\t2\t3\t4\n", ml__u_item=b"2|T|\n"), "MovieLens"),
    ],
)
def test_known_layouts_are_named(name: str, data: bytes, words: str) -> None:
    found = look(interactions=(name, data))
    assert words in found.layout
    assert not found.needs_mapping


def test_tables_in_an_archive_are_told_apart() -> None:
    log = b"customer,product,date\nu1,i1,2020-01-02\nu2,i2,2020-01-03\n"
    found = look(interactions=("all.zip", packed(data__b_csv=log, data__a_csv=ITEMS)))
    assert found.guess["interactions"].file == "data/b.csv"
    assert found.guess["items"].file == "data/a.csv"
    assert not look(interactions=("all.zip", packed(interactions_csv=OURS))).needs_mapping


def test_an_archive_and_items() -> None:
    with pytest.raises(DataError, match="there is an items file too"):
        look(interactions=("a.zip", packed(a_csv=LOG)), items=("goods.csv", ITEMS))
