"""When the client asks again, and when it must not. The site is a stand-in that stumbles as told."""

from typing import Any

import pytest
from darec_lab import ApiError, Client, ClientError, UnreachableError
from darec_lab.transport import Transport

from deploy.local.ports import free_port
from tests.deploy.client.stand_in import standing_in

BUSY: Any = (503, {"Retry-After": "0"}, {"error": {"code": "unavailable", "message": "Away.", "hint": ""}})
HANGS_UP: Any = (0, {}, None)
RUN: Any = (201, {}, {"id": 1, "state": "queued"})


class Waits(list[float]):
    """How long the client would have slept."""

    def transport(self, url: str) -> Transport:
        return Transport(url, "darec_x_y", sleep=self.append)


def test_a_get_is_sent_again_until_it_is_answered() -> None:
    waits = Waits()
    with standing_in(HANGS_UP, BUSY, (200, {}, {"ok": 1})) as site, waits.transport(site.url) as transport:
        assert transport.get("/runs/1") == {"ok": 1}
    assert [path for _, path, _ in site.requests] == ["/api/v1/runs/1"] * 3
    assert waits == [0.5, 0.0]
    assert site.requests[0][2]["authorization"] == "Bearer darec_x_y"


def test_the_pause_is_what_the_server_says() -> None:
    waits, refused = Waits(), {"error": {"code": "rate_limited", "message": "Too many.", "hint": ""}}
    answers = [(429, {"Retry-After": "7"}, refused), (429, {"Retry-After": "999999"}, refused), (429, {}, refused)]
    with standing_in(*answers, (200, {}, {})) as site, waits.transport(site.url) as transport:
        transport.post("/runs/1/cancel")
    assert waits == [7.0, 120.0, 2.0]


def test_it_gives_up_in_the_end() -> None:
    waits = Waits()
    with (
        standing_in(*[BUSY] * 5) as site,
        waits.transport(site.url) as transport,
        pytest.raises(ApiError, match="Away") as caught,
    ):
        transport.get("/runs")
    assert (caught.value.status, caught.value.code) == (503, "unavailable")
    assert len(site.requests) == 5


def test_what_creates_is_sent_again_under_the_same_key() -> None:
    with standing_in(HANGS_UP, BUSY, RUN, RUN) as site, Waits().transport(site.url) as transport:
        transport.post("/runs", {}, creates=True)
        transport.post("/runs", {}, creates=True)
    first, again, third, other = site.keys
    assert first
    assert first == again == third != other


def test_what_might_do_something_twice_is_not_sent_again() -> None:
    with standing_in(HANGS_UP, BUSY) as site, Waits().transport(site.url) as transport:
        with pytest.raises(UnreachableError):
            transport.post("/searches/1/extend", {"trials": 1})
        with pytest.raises(ApiError):
            transport.post("/searches/1/extend", {"trials": 1})
    assert site.keys == [None, None]


def test_an_answer_that_is_not_of_the_api_is_named() -> None:
    page: Any = (502, {}, b"<html>bad gateway")
    others: Any = [(200, {}, b"<html>welcome"), (302, {"Location": "http://elsewhere/"}, b"")]
    with standing_in(page, *others) as site, Transport(site.url, "darec_x_y", retries=0) as transport:
        for status in (502, 200, 302):
            with pytest.raises(ApiError, match=f"HTTP {status}"):
                transport.get("/runs")
    assert len(site.requests) == 3


def test_where_nobody_listens() -> None:
    waits = Waits()
    with waits.transport(f"http://127.0.0.1:{free_port()}") as transport, pytest.raises(UnreachableError, match="not answer"):
        transport.get("/runs")
    assert waits == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("url", "token"), [("lab.example.org", "darec_x"), ("http://x", ""), ("http://x", "a\nb"), ("http://x", "é")]
)
def test_what_cannot_be_an_address_or_a_token_is_said_at_once(url: str, token: str) -> None:
    with pytest.raises(ClientError):
        Client(url, token)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Any) -> None:
    cut: Any = (200, {"Content-Encoding": "identity"}, b"12345")
    refused: Any = (404, {}, {"error": {"code": "not_found", "message": "No."}})
    with standing_in(cut, refused) as site, Waits().transport(site.url) as transport:
        assert transport.save("/x", tmp_path / "new" / "x").read_bytes() == b"12345"
        with pytest.raises(ApiError):
            transport.save("/x", tmp_path / "new" / "y")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x"]
