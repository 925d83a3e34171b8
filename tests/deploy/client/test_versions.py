"""What workers make of a version is waited for; a stand-in plays the worker's part, answer by answer."""

from pathlib import Path
from typing import Any

import pytest
from darec_lab import EndedBadlyError, Version
from darec_lab.asking import ask_for_items
from darec_lab.transport import Transport
from darec_lab.versions import Datasets

from tests.deploy.client.stand_in import standing_in

QUEUED: Any = (202, {}, {"state": "making", "result": {}, "error": "", "hint": ""})
FAILED: Any = (200, {}, {"state": "failed", "result": {}, "error": "The disk is full.", "hint": "Make room."})
ASKED: Any = (202, {}, {"state": "asked", "url": "/api/v1/runs/3/recommend/9", "items": [], "error": "", "hint": ""})
ITEMS: Any = (200, {}, {**ASKED[2], "state": "answered", "items": [{"id": "i3", "title": "Comb", "score": 1.2}]})

# A dataset's model answers in words of its own.
OF_MODEL: Any = (202, {}, {"state": "asked", "url": "/api/v1/datasets/2/recommend/9", "recommended": []})
RECOMMENDED: Any = (200, {}, {**OF_MODEL[2], "state": "answered", "recommended": [{"rank": 1, "id": "i3", "title": "Comb"}]})


def quick(url: str, waits: list[float]) -> Transport:
    return Transport(url, "darec_x_y", sleep=waits.append)


def test_a_report_is_asked_for_until_it_is_made() -> None:
    waits: list[float] = []
    ready: Any = (200, {}, {"state": "ready", "result": {"findings": []}, "error": "", "hint": ""})
    with standing_in(*[QUEUED] * 6, ready, FAILED) as site, quick(site.url, waits) as transport:
        version = Version(transport, {"id": 7, "state": "ready"})
        assert version.leakage() == {"findings": []}
        with pytest.raises(EndedBadlyError, match=r"profile of version 7 is failed\. The disk is full\. Make room\."):
            version.profile()
    assert waits == [0.25, 0.5, 1.0, 2.0, 3.0, 3.0]
    assert site.requests[0][1] == "/api/v1/versions/7/leakage"


def test_an_archive_is_fetched_once_it_is_there(tmp_path: Path) -> None:
    archive: Any = (200, {"Content-Type": "application/zip"}, b"PK\x03\x04rest")
    with standing_in(QUEUED, archive, archive, FAILED) as site, quick(site.url, []) as transport:
        version = Version(transport, {"id": 7, "state": "ready"})
        assert version.download(tmp_path / "v.zip", "csv").read_bytes() == archive[2]
        with pytest.raises(EndedBadlyError, match="archive"):
            version.download(tmp_path / "w.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["v.zip"]


def test_a_question_is_waited_for_by_a_long_poll_where_there_is_one() -> None:
    waits: list[float] = []
    with standing_in(ASKED, ITEMS, OF_MODEL, RECOMMENDED) as site, quick(site.url, waits) as transport:
        assert ask_for_items(transport, "/runs/3/recommend", ["i1"], 5, 60, wait=10)[0]["title"] == "Comb"
        assert waits == []
        assert Datasets(transport).recommend(2, ["i1"])[0]["id"] == "i3"
    assert waits == [0.5]
    assert [path for _, path, _ in site.requests[:2]] == ["/api/v1/runs/3/recommend", "/api/v1/runs/3/recommend/9?wait=10"]


def test_a_question_that_cannot_be_answered_is_an_error() -> None:
    refused: Any = (200, {}, {**ASKED[2], "state": "failed", "error": "None of the items is known."})
    with (
        standing_in(refused) as site,
        quick(site.url, []) as transport,
        pytest.raises(EndedBadlyError, match="None of the items"),
    ):
        ask_for_items(transport, "/runs/3/recommend", ["x"], 5, 60)


def test_the_model_in_use_is_refreshed_and_left_with_keys_so_that_nothing_is_done_twice() -> None:
    refresh: Any = {"run": 5, "candidate": 5, "done": False}
    away: Any = (0, {}, None)
    answers: list[Any] = [away, (201, {}, refresh), (200, {}, refresh), away, (200, {}, {"run": 3})]
    with standing_in(*answers) as site, quick(site.url, []) as transport:
        datasets = Datasets(transport)
        assert datasets.refresh_model(2, acknowledge_leakage=True) == datasets.model_refresh(2) == refresh
        assert datasets.return_model(2) == {"run": 3}
    assert [(method, path) for method, path, _ in site.requests[1:]] == [
        ("POST", "/api/v1/datasets/2/model/refresh"),
        ("GET", "/api/v1/datasets/2/model/refresh"),
        ("POST", "/api/v1/datasets/2/model/return"),
        ("POST", "/api/v1/datasets/2/model/return"),
    ]
    first, second, none, third, fourth = site.keys
    assert first == second is not None is not third
    assert (none, third) == (None, fourth)
