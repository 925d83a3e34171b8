"""Cells that people open in a spreadsheet: none may begin as a formula does."""

import polars as pl

from engine.data.formulas import FORMULA


def without_formulas(text: pl.Expr) -> pl.Expr:
    """``text`` with an apostrophe before what a spreadsheet might take for a formula: then it is shown as it stands.

    Numbers below zero get one too: a program cannot tell them from ``-1+cmd|...``. Do not use it where the file is read back.
    """
    return pl.when(text.str.contains(FORMULA)).then(text.str.replace("^", "'")).otherwise(text)
