import polars as pl
import pytest

from engine.data.spreadsheet import without_formulas


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\rx", "\uff1d1", "\n=1"])
def test_what_may_be_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert pl.select(without_formulas(pl.lit(cell))).item() == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "1-1", "u1,=1", "'=1", "Toy Story (1995)"])
def test_all_else_stays_as_it_is(cell: str) -> None:
    assert pl.select(without_formulas(pl.lit(cell))).item() == cell
