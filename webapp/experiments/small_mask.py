"""A small picture of an attention mask without labels, as shapes for an SVG: it stands beside the tokens that it is about."""

from typing import Any

CELL = 8
"""Pixels of one token."""
_EDGE = 12
"""Pixels of the strip of item colours along both sides."""
COLOURS = 5
"""Item colours that take turns."""


def small_mask(mask: dict[str, Any]) -> dict[str, Any]:
    """Shapes of ``engine.preview.model.MaskPicture`` as JSON: rows look, columns are seen.

    A cell is drawn fuller where both tokens are of one item.
    """
    items, rows = mask["items"], mask["rows"]
    side = _EDGE + CELL * len(rows)
    return {
        "title": mask["title"],
        "sentence": mask["sentence"],
        "hidden": mask["hidden"],
        "side": side,
        "edge": _EDGE,
        "cell": CELL,
        "strip": [_strip(items[start], start, stop) for start, stop in _runs(items) if items[start] is not None],
        "rows": [_row(place, row, items, mask["labels"]) for place, row in enumerate(rows)],
        "borders": [_EDGE + CELL * start for start, _ in _runs(items)[1:]],
    }


def colour(item: int | None) -> str:
    """The name of an item's colour; "none" for tokens of no item."""
    return "none" if item is None else str(item % COLOURS)


def _strip(item: int, start: int, stop: int) -> dict[str, Any]:
    return {"at": _EDGE + CELL * start, "length": CELL * (stop - start), "colour": colour(item)}


def _row(place: int, row: str, items: list[int | None], labels: list[str]) -> dict[str, Any]:
    kinds = ["" if cell == "0" else "own" if _same(items[place], items[key]) else "other" for key, cell in enumerate(row)]
    return {
        "y": _EDGE + CELL * place,
        "words": f"Token {place + 1}, {labels[place].strip()}: sees {row.count('1')} of these {len(row)}",
        "bars": [
            {"x": _EDGE + CELL * start, "width": CELL * (stop - start), "kind": kinds[start]}
            for start, stop in _runs(kinds)
            if kinds[start]
        ],
    }


def _same(one: int | None, other: int | None) -> bool:
    return one is not None and one == other


def _runs(values: list[Any]) -> list[tuple[int, int]]:
    """Stretches of equal values: where each starts, and where it ends."""
    starts = [place for place in range(len(values)) if place == 0 or values[place] != values[place - 1]]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))
