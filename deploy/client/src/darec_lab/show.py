"""Results on stdout: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from darec_lab.progress import plain


def show(rows: list[dict[str, Any]], as_json: bool, values: Any, names: Sequence[str] = ()) -> None:
    """Print rows as a table, or ``values`` as JSON; ``names`` are the columns, else those of the rows."""
    if as_json:
        show_json(values)
        return
    columns = list(names or dict.fromkeys(name for row in rows for name in row))
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        for line in (columns, *cells):
            print("\t".join(line))
        return
    table = Table()
    for name in columns:
        table.add_column(Text(plain(name)), overflow="fold")
    for line in cells:
        # Text, not markup: what people wrote means nothing here.
        table.add_row(*(Text(cell) for cell in line))
    Console(file=sys.stdout).print(table)


def show_json(values: Any) -> None:
    """Print JSON; characters beyond ASCII are escaped, so that none reaches the terminal raw."""
    print(json.dumps(values, indent=2))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return plain(", ".join(str(one) for one in value))
    return plain(value)
