"""The settings of data in a run: filters, split, evaluation. Loads neither polars nor torch."""

import csv
import datetime
import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import field_validator, model_validator

from engine.fields import Spec, setting

_SHARE = re.compile(r"0?\.[0-9]+")
_AN_ISO_DATE = "an ISO date such as 2020-12-31, or 2020-12-31T18:00:00 (UTC where no zone is named)"


class FilterSpec(Spec):
    """Row and k-core filters, applied when a run starts from raw data; a version has its own already."""

    core: int = setting(
        5, "keep users and items with at least this many interactions, repeatedly; 0 keeps all", "interactions", ge=0, le=1000
    )
    minimum_rating: float | None = setting(None, "drop interactions rated lower than this; empty keeps all", ge=-1e9, le=1e9)
    after: str | None = setting(None, f"keep interactions from this time on: {_AN_ISO_DATE}; only where times are real")
    before: str | None = setting(None, "keep interactions before this time, likewise")
    categories: tuple[str, ...] = setting((), "keep items that are in one of these categories; empty keeps all")
    without_categories: tuple[str, ...] = setting((), "leave out items that are in one of these categories")
    exclude_users: tuple[str, ...] = setting((), "ids of users to leave out")
    exclude_items: tuple[str, ...] = setting((), "ids of items to leave out")
    sample_users: float | None = setting(
        None,
        "keep some of the users, drawn by their ids: below 1 a share of them, from 2 on a number; empty keeps all",
        gt=0,
        le=2**31 - 1,
    )
    sample_seed: int = setting(0, "seed of the draw of users", ge=0, le=2**31 - 1)

    @field_validator("categories", "without_categories", "exclude_users", "exclude_items", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        return split_list(value)

    @field_validator("after", "before", mode="before")
    @classmethod
    def _as_moment(cls, value: Any) -> Any:
        return None if value in (None, "") else canonical_moment(value)

    @field_validator("sample_users")
    @classmethod
    def _share_or_number(cls, value: float | None) -> float | None:
        if value is not None and value >= 1 and (value < 2 or value != int(value)):
            raise ValueError(f"got {value:g}, must be a share below 1 or a whole number from 2 on")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "FilterSpec":
        if self.after and self.before and moment_seconds(self.after) >= moment_seconds(self.before):
            raise ValueError(f"after: got {self.after}, must be earlier than before ({self.before})")
        return self


class SplitSpec(Spec):
    """How targets are held out: at most one for validation and one for the test of each user."""

    kind: Literal["leave-one-out", "temporal", "user-ratio", "imported"] = setting(
        "leave-one-out",
        "leave-one-out: each user's last item tests, the one before validates; temporal: one moment for all users, after which "
        "nothing is trained on; user-ratio: some users are not trained on at all; imported: the data say it themselves",
    )
    valid_from: str = setting(
        "0.8", f"temporal: validation begins here: a share of the interactions in order of time, or {_AN_ISO_DATE}"
    )
    test_from: str = setting("0.9", "temporal: the test begins here, likewise")
    valid_users: float = setting(0.1, "user-ratio: share of the users who validate", gt=0, lt=1)
    test_users: float = setting(0.1, "user-ratio: share of the users who test", gt=0, lt=1)
    seed: int = setting(0, "user-ratio: seed of the draw of users", ge=0, le=2**31 - 1)

    @field_validator("valid_from", "test_from", mode="before")
    @classmethod
    def _share_or_moment(cls, value: Any) -> Any:
        text = str(value).strip()
        if is_share(text) and float(text) >= 1e-12:
            return f"{float(text):.12f}".rstrip("0")
        try:
            return canonical_moment(value)
        except ValueError as error:
            raise ValueError(f"got {value!r}, must be a share between 0 and 1, or {_AN_ISO_DATE}") from error

    @model_validator(mode="after")
    def _belongs_to_kind(self) -> "SplitSpec":
        for kind, names in _SETTINGS_OF.items():
            for name in names if kind != self.kind else ():
                value, default = getattr(self, name), type(self).model_fields[name].default
                if value != default:
                    raise ValueError(f"{name}: got {value} with kind {self.kind}, must be {default}: it belongs to {kind}")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> "SplitSpec":
        shares = [is_share(self.valid_from), is_share(self.test_from)]
        if shares[0] != shares[1]:
            raise ValueError(
                f"test_from: got {self.test_from} with valid_from {self.valid_from}, must both be shares, or both be times"
            )
        valid, test = (float(text) if shares[0] else moment_seconds(text) for text in (self.valid_from, self.test_from))
        if valid >= test:
            raise ValueError(f"test_from: got {self.test_from}, must be more than valid_from ({self.valid_from})")
        if self.valid_users + self.test_users >= 1:
            raise ValueError(
                f"test_users: got {self.test_users:g}, must leave users to train on beside valid_users ({self.valid_users:g})"
            )
        return self


_SETTINGS_OF = {"temporal": ("valid_from", "test_from"), "user-ratio": ("valid_users", "test_users", "seed")}


class EvaluationSpec(Spec):
    """The protocol of evaluation. Ties count half."""

    seen: Literal["auto", "remove", "keep"] = setting(
        "auto", "items of the user's history in the ranking; auto keeps them if 5 % or more of the interactions repeat a pair"
    )
    candidates: Literal["full", "imported"] = setting(
        "full",
        "what a test target is ranked among: full is every item of the catalogue; imported is the user's list in the data. "
        "Validation always ranks the whole catalogue",
    )
    test: bool = setting(
        True,
        "rank the test targets at the end too; off leaves them alone while settings are chosen, as trials of a search do",
    )
    batch_users: int = setting(256, "users scored at once", "users", ge=1, le=65536)
    samples: int = setting(8, "users whose sample recommendations are stored", "users", ge=0, le=100)


def split_list(value: Any) -> Any:
    """A list of texts: from a list, numbers in it as text; or from one text with commas or lines, quotes around a comma."""
    if isinstance(value, str):
        try:
            parts = [part.strip() for row in csv.reader(value.splitlines(), skipinitialspace=True) for part in row]
        except csv.Error as error:
            raise ValueError(f"got a list that cannot be read ({error})") from error
        return tuple(part for part in parts if part)
    if isinstance(value, int) and not isinstance(value, bool):
        return (str(value),)
    if isinstance(value, Sequence):
        return tuple(str(part) if isinstance(part, int) and not isinstance(part, bool) else part for part in value)
    return () if value is None else value


def is_share(text: str) -> bool:
    """Whether ``text`` is a share between 0 and 1 and no time."""
    return _SHARE.fullmatch(text) is not None


def canonical_moment(value: Any) -> str:
    """One spelling for each moment: ``2020-12-31`` for midnight in UTC, else ``2020-12-31T18:00:00Z``.

    Raises:
        ValueError: ``value`` is no ISO date from 1970 on, to the second.
    """
    moment = _moment(value)
    day = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    return day if moment.time() == datetime.time() else f"{day}T{moment.time().isoformat()}Z"


def moment_seconds(text: str) -> int:
    """Seconds since 1970 in UTC of what :func:`canonical_moment` gave."""
    return int(_moment(text).timestamp())


def _moment(value: Any) -> datetime.datetime:
    problem = ValueError(f"got {str(value)!r}, must be {_AN_ISO_DATE}")
    text = value.isoformat() if isinstance(value, datetime.date) else value
    if not isinstance(text, str) or not re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", text.strip()):
        raise problem
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=moment.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise problem from error
    if moment.year < 1970 or moment.microsecond:
        raise problem
    return moment
