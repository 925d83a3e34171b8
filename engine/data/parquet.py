"""Parquet as a table of text columns: what each cell would be in a CSV file, times as seconds since 1970.

Arrow's own reader is used, which is made for files of unknown origin; what comes out is counted, and texts are verified.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as kinds

from engine.data.table import Table
from engine.data.text import LARGEST_RATIO, expansion_limit, read_bytes
from engine.errors import DataError

_ROWS = 2**16
_MOST_COLUMNS = 1000
_SINGLE = (
    kinds.is_string,
    kinds.is_large_string,
    kinds.is_string_view,
    kinds.is_integer,
    kinds.is_floating,
    kinds.is_boolean,
    kinds.is_decimal,
    kinds.is_timestamp,
    kinds.is_date,
    kinds.is_null,
)
_DAMAGE = (
    pa.ArrowException,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    MemoryError,
    NotImplementedError,
)
_AGAIN = "Write the table again, or save it as CSV."


def read_parquet(path: Path) -> tuple[Table, str]:
    """Read ``path`` (perhaps packed by gzip); returns the table, whose rows are numbered from 1, and the file's SHA-256.

    Numbers become their shortest text, times and dates seconds since 1970 (with milliseconds if there are any), lists of single
    values their members joined by ``|``, null nothing. Columns of other kinds are left out with a notice.

    Raises:
        DataError: the file is damaged, no Parquet, has no column that can be used, or expands beyond the limit.
    """
    data, digest = read_bytes(path)
    try:
        source = pq.ParquetFile(pa.BufferReader(data))
        schema = source.schema_arrow
        _refuse_odd_columns(path.name, schema)
        names = [field.name for field in schema if _is_single(field.type) or _is_list(field.type)]
        batches = _counted(path.name, source, names, expansion_limit(len(data)))
        frame = pl.concat([_as_text(batch) for batch in batches] or [pl.DataFrame(schema=dict.fromkeys(names, pl.String))])
    except _DAMAGE as error:
        what = str(error).partition("\n")[0][:200]
        raise DataError(f"{path.name}: the Parquet file is incomplete or damaged ({what}).", _AGAIN) from error
    notices = []
    if left_out := [field.name for field in schema if field.name not in names]:
        notices.append(f"{path.name}: columns left out, they hold neither single values nor lists: {', '.join(left_out)}.")
    if naive := [field.name for field in schema if kinds.is_timestamp(field.type) and field.type.tz is None]:
        notices.append(f"{path.name}: times without a time zone were read as UTC: {', '.join(naive)}.")
    lists = frozenset(field.name for field in schema if _is_list(field.type))
    return Table(path.name, frame, None, 1, notices=tuple(notices), lists=lists), digest


def first_rows(name: str, stream: BinaryIO, rows: int) -> pl.DataFrame:
    """The first rows of the Parquet file in ``stream``, which can seek, as :func:`read_parquet` gives them.

    Raises:
        DataError: the file is damaged, no Parquet, or has no column that can be used.
    """
    try:
        source = pq.ParquetFile(pa.PythonFile(stream, mode="r"))
        _refuse_odd_columns(name, source.schema_arrow)
        names = [field.name for field in source.schema_arrow if _is_single(field.type) or _is_list(field.type)]
        for batch in source.iter_batches(rows, columns=names):
            batch.validate(full=True)
            return _as_text(batch)
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    except _DAMAGE as error:
        what = str(error).partition("\n")[0][:200]
        raise DataError(f"{name}: the Parquet file is incomplete or damaged ({what}).", _AGAIN) from error


def _refuse_odd_columns(name: str, schema: pa.Schema) -> None:
    twice = sorted({field.name for field in schema if schema.names.count(field.name) > 1}) if len(schema) <= _MOST_COLUMNS else []
    if twice:
        raise DataError(f"{name}: the column {twice[0]!r} stands there twice.", "Rename or remove one of them.")
    if not 0 < len(schema) <= _MOST_COLUMNS or not any(_is_single(field.type) for field in schema):
        raise DataError(f"{name}: {len(schema):,} columns, of which none or too many can be used.", _AGAIN)


def _is_single(kind: pa.DataType) -> bool:
    return any(test(kind.value_type if kinds.is_dictionary(kind) else kind) for test in _SINGLE)


def _is_list(kind: pa.DataType) -> bool:
    return (kinds.is_list(kind) or kinds.is_large_list(kind)) and _is_single(kind.value_type)


def _counted(name: str, source: pq.ParquetFile, names: list[str], limit: int) -> Iterator[pa.RecordBatch]:
    """The rows in blocks; a row counts a byte at least, for rows of nothing cost a file nothing."""
    come = 0
    for batch in source.iter_batches(_ROWS, columns=names):
        batch.validate(full=True)
        come += batch.nbytes + batch.num_rows
        if come > limit:
            raise DataError(f"{name} expands to more than the limit of {LARGEST_RATIO} times its size.", "Upload it as CSV.")
        yield batch


def _as_text(batch: pa.RecordBatch) -> pl.DataFrame:
    """The cells as text; metadata of columns stays behind: it need not be UTF-8 in a damaged file, and polars panics at it."""
    kinds_of = [pa.list_(field.type.value_type) if _is_list(field.type) else field.type for field in batch.schema]
    columns = [column.cast(kind) for column, kind in zip(batch.columns, kinds_of, strict=True)]
    frame = pl.from_arrow(pa.RecordBatch.from_arrays(columns, names=batch.schema.names))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a batch has columns
    return frame.select(_text(name, kind) for name, kind in frame.schema.items())


def _text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.List):
        return column.list.eval(pl.element().cast(pl.String)).list.join("|", ignore_nulls=True).fill_null("")
    if kind.is_temporal():
        milliseconds = column.dt.epoch("ms")
        fraction = pl.concat_str(pl.lit("."), (milliseconds % 1000).cast(pl.String).str.zfill(3))
        column = (milliseconds // 1000).cast(pl.String) + pl.when(milliseconds % 1000 > 0).then(fraction).otherwise(pl.lit(""))
    return column.cast(pl.String).fill_null("").alias(name)
