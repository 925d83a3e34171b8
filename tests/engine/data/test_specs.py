import datetime
from typing import Any

import pytest

from engine.data.specs import SplitSpec
from engine.errors import SpecError
from engine.presets import get_preset
from engine.spec import parse_assignment


def split(**settings: Any) -> SplitSpec:
    return get_preset("popularity").spec({f"split.{name}": value for name, value in settings.items()}).split


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (0.75, "0.75"),
        (".75", "0.75"),
        ("0.750", "0.75"),
        ("0.00001", "0.00001"),
        ("2020-12-31", "2020-12-31"),
        (datetime.date(2020, 12, 31), "2020-12-31"),
        ("2020-12-31T18:00:00+01:00", "2020-12-31T17:00:00Z"),
    ],
)
def test_a_cut_is_a_share_or_a_date(written: Any, kept: str) -> None:
    later = "0.9" if "-" not in kept else "2021-06-01"
    assert split(kind="temporal", valid_from=written, test_from=later).valid_from == kept


def test_cuts_come_from_the_command_line() -> None:
    settings = dict(
        parse_assignment(text)
        for text in ("split.kind=temporal", "split.valid_from=2020-01-01", "split.test_from=2020-02-01T12:00:00")
    )
    found = get_preset("popularity").spec(settings).split
    assert (found.valid_from, found.test_from) == ("2020-01-01", "2020-02-01T12:00:00Z")


@pytest.mark.parametrize(
    ("settings", "path", "problem"),
    [
        ({"kind": "temporal", "valid_from": 1.5}, "split.valid_from", "got 1.5, must be a share between 0 and 1, or an ISO date"),
        ({"kind": "temporal", "valid_from": 0}, "split.valid_from", "got 0, must be a share"),
        ({"kind": "temporal", "valid_from": 0.9}, "split", "test_from: got 0.9, must be more than valid_from (0.9)"),
        (
            {"kind": "temporal", "valid_from": "2020-01-01"},
            "split",
            "test_from: got 0.9 with valid_from 2020-01-01, must both be shares, or both be times",
        ),
        (
            {"kind": "user-ratio", "valid_users": 0.5, "test_users": 0.5},
            "split",
            "test_users: got 0.5, must leave users to train on beside valid_users (0.5)",
        ),
        ({"kind": "user-ratio", "test_users": 0}, "split.test_users", "got 0, must be more than 0"),
        ({"valid_from": 0.7}, "split", "valid_from: got 0.7 with kind leave-one-out, must be 0.8: it belongs to temporal"),
        ({"kind": "temporal", "seed": 3}, "split", "seed: got 3 with kind temporal, must be 0: it belongs to user-ratio"),
        ({"kind": "random"}, "split.kind", "got 'random', must be"),
        ({"kind": "temporal", "share_of": "time"}, "split.share_of", ""),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], path: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        split(**settings)
    assert any(where == path and problem in what for where, what in caught.value.problems), caught.value.problems


def test_settings_left_at_their_default_fit_every_kind() -> None:
    for kind in ("leave-one-out", "temporal", "user-ratio", "imported"):
        assert SplitSpec.model_validate(SplitSpec.model_validate({"kind": kind}).model_dump()).kind == kind


def test_a_form_gets_every_setting() -> None:
    fields = {field.path: field for field in get_preset("popularity").spec().fields()}
    assert fields["split.kind"].choices == ("leave-one-out", "temporal", "user-ratio", "imported")
    assert (fields["split.valid_from"].kind, fields["split.valid_from"].default) == ("text", "0.8")
    assert fields["evaluation.candidates"].choices == ("full", "imported")
