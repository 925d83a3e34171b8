"""One file as a table, whatever it is by content: delimited text, JSON Lines or Parquet, perhaps packed by gzip."""

from pathlib import Path

from engine.data.content import content_kind
from engine.data.jsonl import read_jsonl
from engine.data.parquet import read_parquet
from engine.data.table import Table, read_table
from engine.data.text import read_text


def read_file(path: Path) -> tuple[Table, str]:
    """The table in ``path`` and the SHA-256 of the file; raises DataError as the reader of its kind does."""
    kind = content_kind(path)
    if kind == "parquet":
        return read_parquet(path)
    text = read_text(path)
    return (read_jsonl(text) if kind == "json" else read_table(text)), text.sha256
