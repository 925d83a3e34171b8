"""polars, for those who want DataFrames: the extra ``darec-lab-client[polars]``."""

import io
from typing import TYPE_CHECKING, Any

from darec_lab.errors import ClientError

if TYPE_CHECKING:
    import polars as pl


def frame(rows: list[dict[str, Any]], schema: dict[str, Any] | None = None) -> "pl.DataFrame":
    """Rows as a DataFrame; a ``schema`` gives the columns and types, also where there are no rows."""
    made: pl.DataFrame = _polars().DataFrame(rows, schema=schema, infer_schema_length=None)
    return made


def read_parquet(content: bytes) -> "pl.DataFrame":
    """A Parquet file as a DataFrame."""
    made: pl.DataFrame = _polars().read_parquet(io.BytesIO(content))
    return made


def _polars() -> Any:
    try:
        import polars
    except ImportError as error:
        raise ClientError("DataFrames need polars.", "pip install 'darec-lab-client[polars]'") from error
    return polars
