"""Ranks as text, a piece at a time."""

from collections.abc import Iterator
from typing import Any

from django.core.files.storage import default_storage

_ROWS = 50_000


def csv_pieces(key: str) -> Iterator[bytes]:
    """The stored table of ranks ``key`` as CSV: ``user,rank``. All numbers; nothing of it is anybody's text."""
    # Only who asks for it pays for loading it.
    import polars as pl

    with default_storage.open(key) as stream:
        table: Any = pl.read_parquet(stream.read())
    yield (",".join(table.columns) + "\n").encode()
    for part in table.iter_slices(_ROWS):
        yield part.write_csv(include_header=False).encode()
