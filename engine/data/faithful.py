"""What has to be written differently so that a version, written down and read again, is the same version."""

import polars as pl


def milliseconds_apart(rows: pl.DataFrame) -> pl.Series | None:
    """Milliseconds, int32, that keep rows apart which are equal in all, and all rows in their order; None: no rows are equal.

    A version holds whole seconds, so rows that came with milliseconds may equal each other in it, and a reader drops equal rows.

    Args:
        rows: ``user``, ``item``, ``timestamp``, ``weight``, as a version has them: sorted by user and time.
    """
    follows = pl.lit(True)
    for name in ("user", "timestamp"):
        follows &= pl.col(name) == pl.col(name).shift(1)
    tied = rows.select(follows.fill_null(False)).to_series()
    # Equal rows are among those that share user and time with a neighbour: mostly few.
    close = tied | tied.shift(-1, fill_value=False)
    some = rows.select("user", "item", "timestamp", "weight").filter(close)
    repeated = ~some.select(pl.struct(pl.all()).is_first_distinct()).to_series()
    if not repeated.any():
        return None
    before = some.select("user", "timestamp", again=repeated.cast(pl.Int32)).select(
        pl.col("again").cum_sum().over("user", "timestamp")
    )
    apart = pl.Series("fraction", [0], dtype=pl.Int32).new_from_index(0, rows.height)
    return apart.scatter(close.arg_true(), before.to_series())


def own_titles(items: pl.DataFrame) -> pl.DataFrame:
    """``items`` with empty titles where the id stands in: the reader puts it there again, as it is."""
    return items.with_columns(title=pl.when(pl.col("title") == pl.col("id")).then(pl.lit("")).otherwise("title"))
