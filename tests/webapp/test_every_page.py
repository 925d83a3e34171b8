"""What must hold on every page, with hostile names wherever people can give them."""

import pytest

from tests.webapp.people import People
from tests.webapp.whole import BAIT, Whole, page_names, plant_all


@pytest.fixture
def whole(people: People) -> Whole:
    return plant_all(people)


def test_none_is_forgotten(whole: Whole) -> None:
    assert page_names() - {name.partition("#")[0] for name in whole.addresses} == set()


def test_hostile_names_are_text_everywhere(whole: Whole) -> None:
    alice, visitor = whole.people.client("alice"), whole.people.client("charlie")
    shown = set()
    for name, address in whole.addresses.items():
        response = alice.get(address, follow=True)
        assert response.status_code == 200, f"{name}: {address}"
        body = response.content.decode()
        assert BAIT not in body, name
        if "&lt;script&gt;alert" in body:
            shown.add(name)
        assert visitor.get(address).status_code in (200, 302, 404), name
    # Where it does not appear at all, nothing was proved.
    assert len(shown) > len(whole.addresses) * 0.8, set(whole.addresses) - shown


def test_at_most_ten_queries_each(whole: Whole, django_assert_max_num_queries: object) -> None:
    alice = whole.people.client("alice")
    for name, address in whole.addresses.items():
        with django_assert_max_num_queries(10, info=f"{name}: {address}"):  # type: ignore[operator]
            alice.get(address)
