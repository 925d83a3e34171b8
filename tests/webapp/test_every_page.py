"""What must hold on every page, with hostile names wherever people can give them."""

import csv
from pathlib import Path

import pytest
from django.utils.html import escape

from tests.webapp.people import HOSTILE, People
from tests.webapp.whole import FILES, file_addresses, page_names, plant_all

_SHOWN_AT_LEAST = 0.8
"""On so large a part of the pages the name must appear: where it does not, nothing is proved."""


def test_none_is_forgotten(people: People) -> None:
    assert page_names() - {name.partition("#")[0] for name in plant_all(people).addresses} == set()


def test_files_are_no_pages_and_hold_no_formulas(people: People) -> None:
    whole = plant_all(people, "=HYPERLINK(1)")
    alice = people.client("alice")
    files = file_addresses(whole)
    assert {name.partition("#")[0] for name in files} == FILES - {"run-file"}
    for name, address in files.items():
        response = alice.get(address)
        assert response.status_code == 200, name
        assert not response["Content-Type"].startswith("text/html"), name
        body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
        if name.endswith("csv"):
            assert b"\n=HYPER" not in body
            assert b",=HYPER" not in body
            assert b"=HYPER" in body


def test_hostile_names_are_text_everywhere(people: People) -> None:
    check_all_pages(people, HOSTILE)


@pytest.mark.parametrize("number", range(5))
def test_the_titles_of_the_shared_file_are_text_everywhere(people: People, shared_data: Path, number: int) -> None:
    with (shared_data / "malformed" / "22_script_titles_items.csv").open(encoding="utf-8", newline="") as file:
        title = [row["title"] for row in csv.DictReader(file)][number]
    assert set(title) & set("<{&")
    check_all_pages(people, title)


def check_all_pages(people: People, title: str) -> None:
    """Each page answers, has ``title`` as text if at all, and is closed to a stranger."""
    whole = plant_all(people, title)
    alice, stranger = people.client("alice"), people.client("charlie")
    escaped, shown = {escape(title), title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}, set()
    for name, address in whole.addresses.items():
        response = alice.get(address, follow=True)
        assert response.status_code == 200, f"{name}: {address}"
        body = response.content.decode()
        if title not in escaped:
            assert title not in body, name
        assert "49 ${" not in body, name
        if any(form in body for form in escaped):
            shown.add(name)
        assert stranger.get(address).status_code in (200, 302, 404), name
    assert len(shown) > len(whole.addresses) * _SHOWN_AT_LEAST, set(whole.addresses) - shown


def test_at_most_ten_queries_each(people: People, django_assert_max_num_queries: object) -> None:
    whole = plant_all(people)
    alice = people.client("alice")
    for name, address in whole.addresses.items():
        with django_assert_max_num_queries(10, info=f"{name}: {address}"):  # type: ignore[operator]
            alice.get(address)
