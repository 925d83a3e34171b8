"""The columns of an upload as a form: a role for each, how the file is read, and the effect on the first rows."""

import hashlib
from contextlib import ExitStack
from typing import Any, cast

from django.http import QueryDict

from engine.data.mapping.model import (
    DELIMITERS,
    ENCODINGS,
    ITEM_ROLES,
    LOG_ROLES,
    FileMapping,
    FileRole,
    Mapping,
    Role,
    parse_mapping,
)
from engine.errors import DataError, SpecError
from webapp.datasets.models import SavedMapping, Upload, UploadFile
from webapp.datasets.pieces import open_file

WORDS: dict[Role, str] = {
    "user": "user",
    "item": "item",
    "time": "time",
    "rating": "rating",
    "title": "title",
    "categories": "categories",
    "description": "description",
    "text": "other text",
    "ignore": "not used",
}
_TITLES: dict[FileRole, str] = {"interactions": "Interactions", "items": "Items"}


def look(upload: Upload, said: Mapping | None) -> Any:
    """What the uploaded files are (``engine.data.mapping.arrived.Arrived``); raises DataError if they are of no use."""
    # Not loaded with the pages: it brings polars along.
    from engine.data.mapping.arrived import look_at

    with ExitStack() as stack:
        files = {
            cast(FileRole, file.role): (file.name, file.size, stack.enter_context(open_file(file))) for file in _files(upload)
        }
        return look_at(files, said)


def describe(upload: Upload, data: QueryDict | None = None) -> dict[str, Any]:
    """What the page of columns shows.

    Args:
        data: the form as it was sent; None shows the guess.

    Returns:
        ``layout``, or ``parts`` with the columns of each file; ``mapping`` as JSON (None: there is nothing to say, or it is
        not complete yet), ``problem`` with what is not right yet, ``likes`` with mappings that can be used again.

    Raises:
        DataError: a file is of no use.
    """
    arrived = look(upload, None)
    if arrived.layout:
        return {"layout": arrived.layout, "parts": [], "mapping": None, "problem": "", "likes": []}
    chosen = {role: one.model_dump(mode="json") for role, one in arrived.guess.items()}
    if data is None and upload.mapping and set(upload.mapping) >= set(chosen):
        chosen = {role: upload.mapping[role] or one for role, one in chosen.items()}
        arrived = look(upload, _loose(chosen))
    if data is not None:
        for role in chosen:
            _read_settings(data, role, chosen[role])
        arrived = look(upload, _loose(chosen))
        for role, one in arrived.guess.items():
            chosen[role]["roles"] = _roles(data, role, list(arrived.heads[role].columns), dict(one.roles))
        if liked := data.get("like"):
            _apply(upload, liked, chosen)
    problem, mapping = "", None
    try:
        mapping = parse_mapping(chosen).model_dump(mode="json")
    except SpecError as error:
        problem = "; ".join(text for _, text in error.problems)
    parts = [_part(role, arrived, chosen[role]) for role in arrived.heads]
    untouched = all(chosen[role] == one.model_dump(mode="json") for role, one in arrived.guess.items())
    likes = SavedMapping.objects.filter(dataset__project=upload.project).select_related("dataset").order_by("dataset__name")
    return {
        "layout": "",
        "parts": parts,
        "mapping": None if untouched and not arrived.needs_mapping else mapping,
        "problem": problem,
        "likes": [{"pk": like.dataset_id, "name": like.dataset.name} for like in likes],
    }


def _files(upload: Upload) -> list[UploadFile]:
    return list(upload.files.order_by("role"))


def _loose(chosen: dict[str, Any]) -> Mapping:
    """How the files are read, whatever the roles are."""
    # What stands between categories is judged with the roles: it changes nothing of how lines become columns.
    empty = {role: {**one, "roles": {}, "separator": FileMapping().separator} for role, one in chosen.items()}
    empty["interactions"]["roles"] = {"column 1": "user", "column 2": "item"}
    if "items" in empty:
        empty["items"]["roles"] = {"column 1": "item"}
    return parse_mapping(empty)


def _read_settings(data: QueryDict, role: str, one: dict[str, Any]) -> None:
    """Take over header, delimiter, encoding and separator, as far as they are known ones."""
    if f"{role}-columns" not in data:
        return
    delimiter = {"tab": "\t", "blank": " "}.get(data.get(f"{role}-delimiter", ""), data.get(f"{role}-delimiter"))
    encoding = data.get(f"{role}-encoding")
    one["header"] = data.get(f"{role}-header") == "yes"
    one["delimiter"] = delimiter if delimiter in DELIMITERS else None
    one["encoding"] = encoding if encoding in ENCODINGS else None
    one["separator"] = data.get(f"{role}-separator") or one["separator"]


def _roles(data: QueryDict, role: str, columns: list[str], guess: dict[str, str]) -> dict[str, str]:
    """The roles that were sent, if they are about these very columns; else the guess."""
    if data.get(f"{role}-columns") != _fingerprint(columns):
        return guess
    allowed = _allowed(role)
    sent = [data.get(f"{role}-{place}", "") for place in range(len(columns))]
    return {name: given if given in allowed else guess[name] for name, given in zip(columns, sent, strict=True)}


def _apply(upload: Upload, liked: str, chosen: dict[str, Any]) -> None:
    """Put the roles of a saved mapping on the columns that have the same names."""
    pk = int(liked) if liked.isdecimal() and len(liked) < 19 else 0
    saved = SavedMapping.objects.filter(dataset__project=upload.project, dataset_id=pk).first()
    if saved is None:
        return
    for role, one in chosen.items():
        known = (saved.mapping.get(role) or {}).get("roles", {})
        if set(known) & set(one["roles"]):
            rest = "ignore"
            one["roles"] = {name: known.get(name, rest) for name in one["roles"]}
            one["separator"] = saved.mapping[role]["separator"]


def _part(role: FileRole, arrived: Any, one: dict[str, Any]) -> dict[str, Any]:
    from engine.data.mapping.guess import guess_columns
    from engine.data.mapping.preview import preview

    head = arrived.heads[role]
    try:
        meaning = FileMapping.model_validate(one)
    except ValueError:
        # Two columns of one role, perhaps: shown without an effect, the problem stands above.
        meaning = FileMapping()
    shown = preview(head, meaning)
    guesses = guess_columns(head, role, texts="items" not in arrived.heads)
    columns = [
        {
            "name": guess.column,
            "kind": guess.kind,
            "reason": guess.reason if one["roles"].get(guess.column) == guess.role else "chosen by you",
            "role": one["roles"].get(guess.column, "ignore"),
        }
        for guess in guesses
    ]
    return {
        "role": role,
        "title": _TITLES[role],
        "name": head.name,
        "kind": {"text": "text with fields", "json": "JSON Lines", "parquet": "Parquet"}[head.kind],
        "is_text": head.kind == "text",
        "detected": {"delimiter": DELIMITERS.get(head.delimiter, ""), "encoding": head.encoding},
        "fingerprint": _fingerprint(list(head.columns)),
        "columns": columns,
        "roles": [(name, WORDS[name]) for name in _allowed(role)],
        "rows": [{"line": line, "wrong": wrong, "cells": cells} for line, wrong, cells in shown.rows],
        "problems": shown.problems,
        "delimiters": [({"\t": "tab", " ": "blank"}.get(sign, sign), word) for sign, word in DELIMITERS.items()],
        "delimiter": {"\t": "tab", " ": "blank"}.get(one["delimiter"], one["delimiter"]),
        "encodings": ENCODINGS,
        "encoding": one["encoding"],
        "header": one["header"],
        "separator": one["separator"],
        "has_categories": "categories" in one["roles"].values(),
    }


def _allowed(role: str) -> tuple[Role, ...]:
    return ITEM_ROLES if role == "items" else LOG_ROLES


def _fingerprint(columns: list[str]) -> str:
    return hashlib.sha256("\0".join(columns).encode()).hexdigest()[:16]


def require_mapping(described: dict[str, Any]) -> dict[str, Any] | None:
    """The mapping to go on with, if one is needed; raises DataError if it is not complete."""
    if described["problem"]:
        raise DataError(f"The columns are not complete: {described['problem']}.", "Choose what each column means.")
    found: dict[str, Any] | None = described["mapping"]
    return found
