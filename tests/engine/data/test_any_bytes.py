"""No byte string makes a reader crash or hang: it is read, or refused with a DataError."""

import gzip
import io
import tempfile
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.raw import RawData
from engine.data.read import read_raw
from engine.errors import DataError

CSV = (
    b"user_id,item_id,timestamp,rating\nu1,i1,1600000000,5\n"
    b'"u ""2""",i2,2020-12-31T10:00:00Z,3.5\r\nu2,"i\n3",1600000000123,\nu1,\xc3\xa9,1600000002,1\n'
)
JSONL = (
    b'{"user_id": "u1", "item_id": 7, "timestamp": 1600000000, "tags": ["a", "b"]}\n'
    b'{"user_id": "u2", "item_id": "\\u00e9", "timestamp": 1.6e9, "tags": null}\n\n'
    b'{"user_id": "u1", "item_id": 8, "timestamp": "2020-12-31"}\n'
)
RECBOLE = b"user_id:token\titem_id:token\ttimestamp:float\nu1\ti1\t1600000000\nu2\ti2\t1600000001.5\n"
SASREC = b"1 2\n1 3\n2 2\n2 10\n"
MAGIC = [
    b"",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"user_id,item_id,timestamp,rating\n",
    b"user_id;item_id;timestamp\n",
    b"user_id:token\titem_id:token\n",
    b'{"user_id": "u", "item_id": ',
    b"1 2\n",
    b"\x1f\x8b\x08\x00",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PAR1",
]
MOST_SECONDS = 10
"""Processor time that a few hundred bytes may take; they take milliseconds."""
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shop/interactions.csv", content)
        archive.writestr("shop/items.csv", b"item_id,title\ni1,One\n")
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    rows = {
        "user_id": ["u1", "u2", "u1"],
        "item_id": [1, 2, 3],
        "timestamp": [1_600_000_000, 1_600_000_001, None],
        "tags": [["a"], [], None],
    }
    pl.DataFrame(rows).with_columns(pl.col("timestamp").fill_null(1_600_000_009)).write_parquet(stream)
    return stream.getvalue()


VALID = {
    "csv": CSV,
    "csv-utf16": CSV.decode().encode("utf-16"),
    "jsonl": JSONL,
    "recbole": RECBOLE,
    "sasrec": SASREC,
    "gzip": gzip.compress(CSV, mtime=0),
    "gzip-jsonl": gzip.compress(JSONL, mtime=0),
    "zip": zipped(CSV),
    "parquet": parquet(),
}


def read_or_refuse(content: bytes, name: str = "upload") -> RawData | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        start = time.process_time()
        try:
            raw = read_raw(path)
        except DataError:
            return None
        finally:
            assert time.process_time() - start < MOST_SECONDS
    assert raw.interactions.height
    assert not raw.interactions.select("user", "item", "timestamp").null_count().sum_horizontal().item()
    assert set(raw.interactions["item"].unique().cast(pl.String)) <= set(raw.items["id"])
    return raw


def name_of(kind: str) -> str:
    """RecBole's files are known by their names, all others by their content."""
    return "upload.inter" if kind == "recbole" else "upload"


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid file with some of its bytes changed, taken out, put in, or doubled."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(start + draw(st.integers(0, 8)), len(content))
        content[start:end] = draw(st.one_of(st.binary(max_size=8), st.just(bytes(content[start:]))))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@pytest.mark.parametrize("kind", VALID)
def test_the_valid_files_are_read(kind: str) -> None:
    assert read_or_refuse(VALID[kind], name_of(kind)) is not None


@given(st.sampled_from(MAGIC), st.binary(max_size=300))
@MANY
def test_any_bytes(magic: bytes, rest: bytes) -> None:
    read_or_refuse(magic + rest)


@given(st.sampled_from(MAGIC), st.text('uid1,;\t"\r\n:{}[] .e-é\x00', max_size=120))
@MANY
def test_any_text(magic: bytes, rest: str) -> None:
    read_or_refuse(magic + rest.encode())


@pytest.mark.parametrize("kind", VALID)
@given(st.data())
@MANY
def test_damaged_files(kind: str, data: st.DataObject) -> None:
    read_or_refuse(data.draw(mutated(VALID[kind])), name_of(kind))


@pytest.mark.parametrize("packed", [gzip.compress, zipped])
@given(st.data())
@settings(MANY, max_examples=50)
def test_damaged_files_in_sound_packages(packed: object, data: st.DataObject) -> None:
    assert callable(packed)
    read_or_refuse(packed(data.draw(mutated(CSV))))
