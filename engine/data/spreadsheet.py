"""Cells that people open in a spreadsheet: none may begin as a formula does."""

import polars as pl

FORMULA = "^\\s*[-=+@\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]"
"""A sign that begins a formula, full width too, even behind blanks; or a tab or line end, which some programs skip."""


def without_formulas(text: pl.Expr) -> pl.Expr:
    """``text`` with an apostrophe before what a spreadsheet might take for a formula: then it is shown as it stands.

    Numbers below zero get one too: a program cannot tell them from ``-1+cmd|...``. Do not use it where the file is read back.
    """
    return pl.when(text.str.contains(FORMULA)).then(text.str.replace("^", "'")).otherwise(text)
