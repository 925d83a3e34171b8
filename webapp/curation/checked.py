"""Edits that a script sends: each is checked, and named where it is wrong, before anything is changed."""

from collections.abc import Sequence
from typing import Any

from engine.errors import SpecError
from webapp.curation.drafts import NewEdit
from webapp.curation.models import CatalogueItem, EditKind
from webapp.datasets.models import Version

_HINT = "Nothing was changed. Send the list again without these."
_TEXTS = ("title", "categories", "description")
_SAID = 20
"""So many problems are told at most."""


def check_edits(version: Version, edits: Sequence[tuple[EditKind, str, dict[str, Any]]]) -> list[NewEdit]:
    """Edits for ``put_edits``, from kind, target and values, of which those that are None are not there.

    Args:
        version: whose items have been copied into Postgres. Whether a user exists, only the worker can say.

    Raises:
        SpecError: which edits are wrong (``edits.3``, from 0) and why.
    """
    named = {target for kind, target, _ in edits if kind != EditKind.EXCLUDE_USER}
    named |= {str(values["into"]) for kind, _, values in edits if kind == EditKind.MERGE and values.get("into")}
    items = CatalogueItem.objects.filter(version=version, item_id__in=named)
    known = set(items.values_list("item_id", flat=True))
    good: list[NewEdit] = []
    problems: list[tuple[str, str]] = []
    seen: dict[tuple[str, str], int] = {}
    for place, (kind, target, values) in enumerate(edits):
        given = {name: value for name, value in values.items() if value is not None}
        problem = _problem(kind, target, given, known)
        if not problem and (first := seen.setdefault((kind, target), place)) != place:
            problem = f"edits.{first} is of the same kind and target"
        if problem:
            problems.append((f"edits.{place}", problem))
        good.append(NewEdit(kind, target, _cleaned(given)))
    if problems:
        raise SpecError(problems[:_SAID], _HINT)
    return good


def _problem(kind: EditKind, target: str, values: dict[str, Any], known: set[str]) -> str:
    if kind != EditKind.EXCLUDE_USER and target not in known:
        return f"there is no item {target!r} in this version"
    allowed = {EditKind.CHANGE: set(_TEXTS), EditKind.MERGE: {"into"}}.get(kind, set())
    if extra := sorted(set(values) - allowed):
        return f"{kind.value} takes no {', '.join(extra)}"
    if kind == EditKind.CHANGE and not values:
        return f"a change needs one of {', '.join(_TEXTS)}"
    if kind == EditKind.MERGE:
        into = values.get("into")
        if into is None:
            return "a merge needs into, the id of the item that stays"
        if into == target:
            return "an item cannot be merged into itself"
        if into not in known:
            return f"there is no item {into!r} in this version"
    return ""


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    cleaned = dict(values)
    for name in ("title", "description"):
        if name in cleaned:
            cleaned[name] = cleaned[name].replace("\r\n", "\n").strip()
    if "categories" in cleaned:
        parts = (part.strip() for part in cleaned["categories"])
        cleaned["categories"] = list(dict.fromkeys(part for part in parts if part))
    return cleaned
