"""The one query about a run, prepared on connections that are kept."""

import pytest
from django.db import connection

from tests.webapp.people import make_people, make_run, make_version
from webapp.accounts.tokens import issue_token, lookup_of
from webapp.api import told

pytestmark = pytest.mark.django_db(transaction=True)


def _prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return int(cursor.fetchone()[0])


@pytest.fixture
def values() -> dict[str, object]:
    """A run, and a token of somebody who may see it."""
    people = make_people()
    return {"run": make_run(make_version(people)).pk, "lookup": lookup_of(issue_token(people.bob, "test", 1)[1])}


def test_it_is_prepared_once_and_answers_alike(values: dict[str, object]) -> None:
    for _ in range(8):
        assert told._row_prepared(values) == told._row(values) is not None
    assert told._row_prepared({**values, "run": 2**62}) is told._row({**values, "run": 2**62}) is None
    assert _prepared() <= 2, "one for each size of number"
    assert connection.connection.prepare_threshold is None, "nothing else is prepared"


def test_where_what_was_prepared_is_gone_it_is_asked_plainly(values: dict[str, object]) -> None:
    expected = told._row_prepared(values)
    with connection.cursor() as cursor:
        # As if a pooler had given us another connection: ours does not know of it.
        cursor.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    assert _prepared() == 0
    assert told._row_prepared(values) == expected is not None


def test_only_connections_that_are_kept_prepare(values: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(told, "_row", lambda given: asked.append("plainly"))
    monkeypatch.setattr(told, "_row_prepared", lambda given: asked.append("prepared"))
    bearer = f"darec_{values['lookup']}_x"
    assert told.look_at(bearer, 1) is None
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", {"min_size": 1})
    assert told.look_at(bearer, 1) is None
    assert asked == ["plainly", "prepared"]
