"""Which token sees which, as shapes for an SVG that the server writes, with the table that says the same.

Rows are the tokens that look, columns the tokens that are looked at, both in the order of the sequence.
"""

from collections.abc import Sequence
from typing import Any

from webapp.display import count
from webapp.experiments.models import Run

NO_ITEM = -1
"""The item number of tokens that belong to no item: instruction, soft tokens."""
MODE_WORDS = {
    "union": "Each token sees all tokens before it, and all tokens of its own item, later ones too.",
    "causal": "Each token sees itself and the tokens before it, whichever item they belong to.",
    "per_layer": "Lower layers: each token sees its own item alone. Upper layers: all tokens before it, and all of its own item.",
    "two_level": "Lower layers: each token sees its own item alone. Upper layers: one state an item, each sees those before it.",
    "per_head": "One half of the attention heads sees the token's own item alone, the other half all tokens before it.",
}
KEYS = (("own", "a token of its own item"), ("later", "a later token of its own item"), ("before", "an earlier token of others"))
_CELL = 18
_LABELS, _TOP, _EDGE = 168, 20, 4
_LONGEST_LABEL = 22
_SMALL = 12


def mask_picture(rows: Sequence[Sequence[bool]], labels: Sequence[str], items: Sequence[int]) -> dict[str, Any]:
    """What ``experiments/parts/mask.html`` draws.

    Args:
        rows: `tokens x tokens`; row q holds which tokens token q sees.
        labels: what each token says; hostile text.
        items: the number of the item that each token belongs to, from 0, or -1 for none.

    Returns:
        ``width``, ``height``; ``areas`` (kind of ``KEYS`` and a path for it), ``ticks`` (labels beside the rows), ``frames``
        (a square around each item), ``keys``, ``words`` and ``table`` (token, item, the numbers of the tokens seen).
    """
    size = _CELL if len(rows) <= 2 * _SMALL else _SMALL
    side = size * len(rows)
    seen = {(query, key) for query, row in enumerate(rows) for key, value in enumerate(row) if value}
    areas = {name: "" for name, _ in KEYS}
    for query, row in enumerate(rows):
        for start, stop, kind in _stretches(query, row, items):
            areas[kind] += (
                f"M{_LABELS + start * size},{_TOP + query * size}h{(stop - start) * size}v{size}h-{(stop - start) * size}z"
            )
    later = sum(1 for query, key in seen if key > query)
    return {
        "width": _LABELS + side + _EDGE,
        "height": _TOP + side + _EDGE,
        "left": _LABELS,
        "top": _TOP,
        "side": side,
        "areas": [(kind, path) for kind, path in areas.items() if path],
        "grid": "".join(_line(size, side, number) for number in range(len(rows) + 1)),
        "ticks": [_tick(size, number, label, items[number]) for number, label in enumerate(labels)],
        "frames": _frames(size, items),
        "columns": [(_LABELS + (first + last + 1) * size / 2, _name(item)) for item, first, last in _blocks(items)],
        "keys": [(kind, words) for kind, words in KEYS if areas[kind]],
        "words": f"{count(len(rows))} tokens of {count(len({item for item in items if item >= 0}))} items: {count(len(seen))} of "
        f"{count(len(rows) ** 2)} pairs are seen, {count(later)} of them look ahead within an item.",
        "table": [
            {"number": number + 1, "token": label, "item": _name(items[number]), "sees": _ranges(rows[number])}
            for number, label in enumerate(labels)
        ],
    }


def mask_part(run: Run) -> dict[str, Any] | None:
    """The mask of the run, each part as a picture; None where there is none."""
    if not run.mask:
        return None
    words = MODE_WORDS.get(run.mask["mask"], "")
    return {
        "name": run.mask["mask"],
        "words": words,
        "history": run.mask["history"],
        "parts": [
            {
                "title": part["title"],
                "picture": mask_picture([[sign == "1" for sign in row] for row in part["rows"]], part["tokens"], part["items"]),
                "caption": "Rows look, columns are looked at.",
            }
            for part in run.mask["parts"]
        ],
    }


def _stretches(query: int, row: Sequence[bool], items: Sequence[int]) -> list[tuple[int, int, str]]:
    """(first, behind the last, kind) of neighbours of one kind."""
    found: list[tuple[int, int, str]] = []
    for key, value in enumerate(row):
        if not value:
            continue
        own = items[key] == items[query] and items[key] != NO_ITEM
        kind = "own" if key == query or (own and key < query) else "later" if key > query else "before"
        if found and found[-1][1] == key and found[-1][2] == kind:
            found[-1] = (found[-1][0], key + 1, kind)
        else:
            found.append((key, key + 1, kind))
    return found


def _blocks(items: Sequence[int]) -> list[tuple[int, int, int]]:
    """(item, first token, last token) of each stretch of tokens of one item."""
    found: list[tuple[int, int, int]] = []
    for number, item in enumerate(items):
        if found and found[-1][0] == item:
            found[-1] = (item, found[-1][1], number)
        else:
            found.append((item, number, number))
    return found


def _frames(size: int, items: Sequence[int]) -> list[dict[str, int]]:
    return [
        {"x": _LABELS + first * size, "y": _TOP + first * size, "side": (last - first + 1) * size}
        for item, first, last in _blocks(items)
        if item != NO_ITEM
    ]


def _tick(size: int, number: int, label: str, item: int) -> dict[str, Any]:
    short = label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
    return {"y": _TOP + number * size + round(size * 0.72), "text": short, "whole": label, "item": _name(item)}


def _line(size: int, side: int, number: int) -> str:
    at = number * size
    return f"M{_LABELS},{_TOP + at}h{side}M{_LABELS + at},{_TOP}v{side}"


def _name(item: int) -> str:
    return "" if item == NO_ITEM else f"{item + 1}"


def _ranges(row: Sequence[bool]) -> str:
    """``1-3, 7``: the numbers (from 1) of the tokens seen."""
    parts: list[list[int]] = []
    for number, value in enumerate(row, 1):
        if value and parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        elif value:
            parts.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)
