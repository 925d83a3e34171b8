"""Edits from an uploaded list: each line is checked and named where it is wrong, before anything is changed."""

import csv
from dataclasses import dataclass, field
from typing import Any

from webapp.curation.drafts import NewEdit
from webapp.curation.models import CatalogueItem, EditKind
from webapp.datasets.models import Version

MOST_LINES = 20_000
MOST_CHARACTERS = 1_000_000
COLUMNS = ("item_id", "title", "categories", "description", "merge_into", "exclude", "user_id")
_TEXTS = ("title", "categories", "description")
_YES, _NO = ("yes", "true", "1"), ("", "no", "false", "0")


@dataclass
class EditList:
    """What a list says: ``edits`` that can be taken over, ``problems`` as (line, what is wrong), ``lines`` read."""

    edits: list[NewEdit] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    lines: int = 0


def read_list(version: Version, text: str) -> EditList:
    """Read a CSV text with a header of some of ``COLUMNS``; an empty cell leaves things as they are.

    Args:
        version: whose items have been copied into Postgres: unknown item ids are wrong. Users are not checked here.
    """
    result = EditList()
    if len(text) > MOST_CHARACTERS:
        result.problems.append((1, f"the list has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read at once"))
        return result
    rows = _rows(text, result)
    if result.problems:
        return result
    result.lines = len(rows)
    known = _known_items(version, rows)
    seen: dict[tuple[str, str], int] = {}
    for line, row in rows:
        try:
            edits = _edits(row, known)
            for edit in edits:
                if edit.key in seen:
                    raise ValueError(f"{edit.target!r} is on line {seen[edit.key]} already")
        except ValueError as error:
            result.problems.append((line, str(error)))
            continue
        seen.update({edit.key: line for edit in edits})
        result.edits += edits
    return result


def _rows(text: str, result: EditList) -> list[tuple[int, dict[str, str]]]:
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    header: list[str] = []
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if not header:
                header = [value.lower() for value in values]
                _check_header(header, line, result)
                if result.problems:
                    return []
            elif len(values) != len(header):
                result.problems.append((line, f"{len(values)} cells under a header of {len(header)}"))
            else:
                rows.append((line, dict(zip(header, values, strict=True))))
            if len(rows) > MOST_LINES:
                result.problems.append((line, f"more than {MOST_LINES:,} lines; send the list in parts"))
                return []
    except csv.Error as error:
        result.problems.append((reader.line_num, f"the line cannot be read ({error})"))
    if not rows and not result.problems:
        result.problems.append((1, f"there is no line below a header; columns are {', '.join(COLUMNS)}"))
    return rows


def _check_header(header: list[str], line: int, result: EditList) -> None:
    if unknown := [name for name in header if name not in COLUMNS]:
        result.problems.append((line, f"unknown columns: {', '.join(unknown)}; known are {', '.join(COLUMNS)}"))
    elif len(set(header)) < len(header):
        result.problems.append((line, "a column is there twice"))
    elif not {"item_id", "user_id"} & set(header):
        result.problems.append((line, "there is neither a column item_id nor user_id"))


def _known_items(version: Version, rows: list[tuple[int, dict[str, str]]]) -> set[str]:
    named = {row.get(name, "") for _, row in rows for name in ("item_id", "merge_into")}
    return set(CatalogueItem.objects.filter(version=version, item_id__in=named).values_list("item_id", flat=True))


def _edits(row: dict[str, str], known: set[str]) -> list[NewEdit]:
    """The edits of one line; raises ValueError in words."""
    item, user, into = (row.get(name, "") for name in ("item_id", "user_id", "merge_into"))
    texts: dict[str, Any] = {name: row[name] for name in _TEXTS if row.get(name)}
    exclude = row.get("exclude", "").lower()
    if exclude not in (*_YES, *_NO):
        raise ValueError(f"exclude is {exclude!r}, must be yes or empty")
    if bool(item) == bool(user):
        raise ValueError("both an item and a user" if item else "neither an item_id nor a user_id")
    if user:
        if texts or into or exclude not in _YES:
            raise ValueError("a user can only be left out: exclude must be yes, and nothing else set")
        return [NewEdit(EditKind.EXCLUDE_USER, user)]
    if unknown := [one for one in (item, into) if one and one not in known]:
        raise ValueError(f"there is no item {unknown[0]!r} in this version")
    if sum([bool(texts), bool(into), exclude in _YES]) != 1:
        raise ValueError("must either change texts, or merge_into, or exclude")
    if into:
        if into == item:
            raise ValueError("an item cannot be merged into itself")
        return [NewEdit(EditKind.MERGE, item, {"into": into})]
    if exclude in _YES:
        return [NewEdit(EditKind.EXCLUDE_ITEM, item)]
    if "categories" in texts:
        texts["categories"] = split_categories(texts["categories"])
    return [NewEdit(EditKind.CHANGE, item, texts)]


def split_categories(text: str) -> list[str]:
    """``Bath | Soap`` as a list, without empty and repeated ones."""
    return list(dict.fromkeys(part.strip() for part in text.split("|") if part.strip()))
