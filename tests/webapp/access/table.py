"""The matrix as people read it: a text file with one row for each request, and a column for each person."""

import os
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent
Rows = dict[str, dict[str, str]]
"""By the request's name, and the person's."""


def read(name: str) -> Rows:
    """The table ``name``; lines that begin with ``#`` are words about it."""
    lines = [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    columns = [cell.strip() for cell in lines[0].split("|")][1:]
    rows: Rows = {}
    for line in lines[1:]:
        first, *cells = [cell.strip() for cell in line.split("|")]
        assert len(cells) == len(columns), f"{name}: this row has {len(cells)} cells: {line}"
        assert first not in rows, f"{name}: this row is there twice: {line}"
        rows[first] = dict(zip(columns, cells, strict=True))
    return rows


def compare(name: str, found: Rows, columns: Iterable[str]) -> None:
    """Fails on each difference, each row that is missing and each that is stale. ``UPDATE_MATRIX=1`` writes the table anew."""
    if os.environ.get("UPDATE_MATRIX") == "1":
        _write(name, found, list(columns))
    expected = read(name)
    wrong = [f"missing in {name}: {row}" for row in found.keys() - expected.keys()]
    wrong += [f"stale in {name}: {row}" for row in expected.keys() - found.keys()]
    for row in found.keys() & expected.keys():
        for who in columns:
            is_now, must_be = found[row][who], expected[row].get(who, "(no such column)")
            if is_now != must_be:
                wrong.append(f"{row}, as {who}: {must_be} is right, {is_now} it is")
    assert not wrong, "\n".join(sorted(wrong))


def _write(name: str, found: Rows, columns: list[str]) -> None:
    path = FOLDER / name
    words = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")] if path.exists() else []
    table = [["", *columns], *([row, *(found[row][who] for who in columns)] for row in sorted(found, key=_order))]
    widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    path.write_text("\n".join([*words, *lines]) + "\n", encoding="utf-8")


def _order(row: str) -> tuple[str, str]:
    method, _, rest = row.partition(" ")
    return rest, method
