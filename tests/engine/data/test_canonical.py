"""The hash against a second, plain implementation of its definition."""

import hashlib
import struct
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.data.canonical import version_hash

USER, ITEM = np.array([0, 0, 1], np.int32), np.array([0, 1, 1], np.int32)
TIME, WEIGHT = np.array([5, 2**40, 7]), np.array([1, 0.5, 3], np.float32)
SCHEMA = {"id": pl.String, "title": pl.String, "categories": pl.List(pl.String), "description": pl.String, "brand": pl.String}
words = st.text(st.characters(codec="utf-8"), max_size=5)
entries = st.fixed_dictionaries({name: st.lists(words, max_size=3) if name == "categories" else words for name in SCHEMA})


def label(name: str, count: int) -> bytes:
    return struct.pack("<I", len(name)) + name.encode() + struct.pack("<Q", count)


def texts(name: str, values: list[str]) -> bytes:
    stored = [value.encode() for value in values]
    return label(name, len(stored)) + struct.pack(f"<{len(stored)}I", *map(len, stored)) + b"".join(stored)


def plain_hash(users: list[str], items: list[dict[str, Any]]) -> str:
    stream = b"darec-lab version 1\n" + texts("users", users)
    for name in SCHEMA:
        values = [entry[name] for entry in items]
        if name == "categories":
            stream += label("categories per item", len(values)) + struct.pack(f"<{len(values)}I", *map(len, values))
            values = [category for value in values for category in value]
        stream += texts(name, values)
    for name, code, array in (("user", "i", USER), ("item", "i", ITEM), ("timestamp", "q", TIME), ("weight", "f", WEIGHT)):
        stream += label(name, len(array)) + struct.pack(f"<{len(array)}{code}", *array.tolist())
    return hashlib.sha256(stream).hexdigest()


@given(st.lists(words, min_size=2, max_size=3), st.lists(entries, min_size=1, max_size=4))
def test_the_hash_is_that_of_its_definition(users: list[str], items: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(items, schema=SCHEMA)
    assert version_hash(users, frame, USER, ITEM, TIME, WEIGHT) == plain_hash(users, items)
    assert version_hash(users, frame.select(reversed(frame.columns)), USER, ITEM, TIME, WEIGHT) == plain_hash(users, items)
