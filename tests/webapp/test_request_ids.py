"""Each answer names its request, and so does the log."""

import logging

import pytest
from django.test import Client

from webapp.logs.formatting import PlainFormatter
from webapp.request_ids import current_request_id


@pytest.mark.parametrize("given", ["abc", "a" * 64, "7f3e-12.x_Y"])
def test_a_sane_id_is_kept(visitor: Client, given: str) -> None:
    assert visitor.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a\tb", "ü", "-a", "<script>", "a;b"])
def test_others_are_replaced(visitor: Client, given: str) -> None:
    made = visitor.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert len(made) == 32
    assert made != visitor.get("/healthz")["X-Request-ID"]


def test_every_answer_has_one(visitor: Client, alice: Client) -> None:
    for response in (visitor.get("/"), visitor.get("/nothing"), alice.get("/"), visitor.get("/api/v1/runs")):
        assert response["X-Request-ID"]


def test_the_log_names_it(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    def broken(*arguments: object) -> None:
        raise RuntimeError("broken on purpose")

    handler = Keeper()
    handler.setFormatter(PlainFormatter())
    logging.getLogger().addHandler(handler)
    try:
        monkeypatch.setattr("webapp.home.overview", broken)
        alice.raise_request_exception = False
        alice.get("/", headers={"X-Request-ID": "my-id"})
        alice.get("/nothing", headers={"X-Request-ID": "other-id"})
        logging.getLogger("after").warning("said")
    finally:
        logging.getLogger().removeHandler(handler)
    assert any("ERROR webapp.failures [my-id]: reference " in line for line in lines)
    assert any(line.endswith("WARNING django.request [other-id]: Not Found: /nothing") for line in lines)
    assert any(line.endswith("WARNING after: said") for line in lines)
    assert current_request_id() == ""
