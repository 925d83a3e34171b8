from django.test import Client

from tests.webapp.people import HOSTILE, People, make_group, make_run, make_version
from tests.webapp.searches.planting import make_search
from webapp.datasets.models import Version


def test_a_number_leads_there_at_once(alice: Client, charlie: Client, version: Version) -> None:
    run = make_run(version)
    for words in (f"run-{run.pk}", str(run.pk), f"Run {run.pk}"):
        assert alice.get("/search", {"q": words})["Location"] == f"/runs/{run.pk}"
    assert charlie.get("/search", {"q": f"run-{run.pk}"}).status_code == 200
    group = make_group(version)
    assert alice.get("/search", {"q": f"ablation-{group.pk}"})["Location"] == f"/groups/{group.pk}"
    search = make_search(version)
    assert alice.get("/search", {"q": f"search {search.number}"})["Location"] == f"/searches/{search.pk}"
    assert "is named like that" in alice.get("/search", {"q": "run-999999999999999999"}).content.decode()


def test_names_are_found_in_all_projects_of_the_user_alone(alice: Client, charlie: Client, people: People) -> None:
    version = make_version(people, f"Beauty {HOSTILE}")
    make_run(version)
    body = alice.get("/search", {"q": "beauty"}).content.decode()
    assert "<script>alert" not in body
    assert body.count('class="whole"') == 2
    assert "is named like that" in charlie.get("/search", {"q": "beauty"}).content.decode()
    assert "Shop" in alice.get("/search", {"q": "shop"}).content.decode()
    assert "Type what you look for" in alice.get("/search", {"q": " \x00 "}).content.decode()


def test_few_queries(alice: Client, version: Version, django_assert_max_num_queries: object) -> None:
    for _ in range(12):
        make_run(version)
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        alice.get("/search", {"q": "sasrec"})
