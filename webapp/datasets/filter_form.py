"""The form of a new version by filters, made from the filters' spec; lists of ids can come as a file."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from engine.errors import SpecError
from engine.fields import describe_fields
from engine.spec import FilterSpec
from webapp.datasets.actions import parse_filters
from webapp.datasets.deriving import NO_FILTERS
from webapp.display import size
from webapp.experiments.form import FormField, text

LISTS = ("exclude_users", "exclude_items")
LIST_LIMIT_BYTES = 2_000_000
_LABELS = {
    "core": "k-core",
    "after": "From",
    "before": "Before",
    "categories": "Only categories",
    "without_categories": "Without categories",
    "sample_users": "Sample of users",
    "sample_seed": "Seed of the sample",
}


class FilterField(FormField):
    """One filter."""

    @property
    def label(self) -> str:
        """``core`` -> ``k-core``."""
        return _LABELS.get(self.description.path, super().label)

    @property
    def help(self) -> str:
        """A line of help."""
        return self.description.description

    @property
    def long(self) -> bool:
        """Whether it takes several lines, and may come as a file."""
        return self.description.path in LISTS


class FilterForm:
    """The filters of a new version.

    Args:
        values: posted values by name, as text; None shows ``shown``.
        files: posted files: ``exclude_users_file``, ``exclude_items_file``, one id a line.
        shown: filters to start from.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        files: "Mapping[str, UploadedFile[Any]] | None" = None,
        shown: FilterSpec = NO_FILTERS,
    ) -> None:
        self.problems: list[str] = []
        self.fields: list[FilterField] = []
        starts = {known.path: text(known.default) for known in describe_fields(NO_FILTERS)}
        for known in describe_fields(shown):
            lines = "\n".join(_quoted(one) for one in getattr(shown, known.name)) if known.name in LISTS else text(known.default)
            value = lines if values is None else values.get(known.name, "").replace("\r\n", "\n").replace("\x00", "").strip()
            # A form's empty box is no list of one empty id.
            description = dataclasses.replace(known, default=starts[known.path])
            self.fields.append(FilterField(description, value, starts[known.path]))
        for member in self.fields:
            if file := (files or {}).get(f"{member.description.name}_file"):
                self._add_list(member, file)

    def filters(self) -> FilterSpec | None:
        """The filters, or None: then the problems are at their fields."""
        if self._wrong:
            return None
        try:
            return parse_filters({member.description.name: _value(member) for member in self.fields})
        except SpecError as error:
            self._blame(error.problems)
            return None

    @property
    def _wrong(self) -> bool:
        return bool(self.problems or any(member.problems for member in self.fields))

    def _add_list(self, member: FilterField, file: "UploadedFile[Any]") -> None:
        if (file.size or 0) > LIST_LIMIT_BYTES:
            member.problems.append(f"the list has {size(file.size or 0)}; at most {size(LIST_LIMIT_BYTES)} are allowed")
            return
        try:
            lines = file.read().decode("utf-8-sig").replace("\x00", "").splitlines()
        except UnicodeDecodeError:
            member.problems.append("the list is no UTF-8 text; save it as UTF-8, one id a line")
            return
        ids = [_quoted(line.strip()) for line in lines if line.strip()]
        member.value = "\n".join([member.value, *ids] if member.value else ids)

    def _blame(self, problems: list[tuple[str, str]]) -> None:
        for path, problem in problems:
            name, colon, rest = problem.partition(": ")
            # A check of two filters is reported at their group, and names the field first.
            places = [(path, problem), (name, rest)] if colon else [(path, problem)]
            known = {member.description.name: member for member in self.fields}
            place = next(((known[field.split(".")[0]], words) for field, words in places if field.split(".")[0] in known), None)
            where, words = (place[0].problems, place[1]) if place else (self.problems, problem)
            if words not in where:
                where.append(words)


def _value(member: FilterField) -> Any:
    known, value = member.description, member.value
    if known.kind == "list":
        return value
    if value == "" and known.optional:
        return None
    if known.kind in ("integer", "number"):
        try:
            return int(value) if known.kind == "integer" else float(value)
        except ValueError:
            return value
    return value


def _quoted(one: str) -> str:
    """An id with a comma or a quote stands in quotes, so that it is read back as one."""
    return '"' + one.replace('"', '""') + '"' if any(sign in one for sign in ',"') else one
