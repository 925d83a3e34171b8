"""The parts that an imported split puts interactions into, as people write them and as versions keep them."""

import numpy as np
import polars as pl

from engine.data.table import Table
from engine.errors import DataError

PARTS = ("train", "valid", "test")
TRAIN, VALID, TEST = (np.uint8(code) for code in range(3))


def read_parts(table: Table, column: str) -> pl.Series:
    """The codes (uint8, places in ``PARTS``) in ``column`` of ``table``, one a row.

    Raises:
        DataError: a value is no part.
    """
    text = table.frame[column].str.strip_chars().str.to_lowercase()
    codes = text.replace_strict(PARTS, list(range(len(PARTS))), default=None, return_dtype=pl.UInt8)
    wrong = codes.is_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        value = table.frame[column][row][:40]
        rest = f" ({int(wrong.sum()):,} such rows)" if wrong.sum() > 1 else ""
        raise DataError(
            f"{table.name}, line {table.line(row)}: {column} '{value}' is not train, valid or test{rest}.",
            "Correct it; or give the column another name if it is no split.",
        )
    return codes
