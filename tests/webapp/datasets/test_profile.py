from django.test import Client

from tests.webapp.datasets.profiles import made_profile
from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.models import Question, Version


def address(version: Version) -> str:
    return f"/datasets/{version.dataset_id}/versions/{version.number}"


def test_numbers_charts_and_tables(bob: Client, people: People) -> None:
    version = make_version(people, profile=made_profile(HOSTILE))
    body = bob.get(address(version)).content.decode()
    for text in ("Sequence lengths", "Popularity curve", "Gini", "Ties in time", "Gaps in a user", "Cold items", "As a table"):
        assert text in body, text
    assert body.count('<svg class="plot"') == body.count('role="img"') == 6
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body
    assert "Make the profile" not in body


def test_a_version_without_profile_has_a_button(alice: Client, bob: Client, version: Version) -> None:
    assert "Make the profile" in alice.get(address(version)).content.decode()
    assert "Make the profile" not in bob.get(address(version)).content.decode()
    response = alice.post(f"{address(version)}/profile")
    assert response.status_code == 302
    question = Question.objects.get()
    assert (question.version, question.kind, question.state) == (version, "profile", "asked")
    body = alice.get(address(version)).content.decode()
    assert "A worker counts and measures" in body
    assert 'hx-trigger="every 2s"' in body


def test_polling_ends_with_the_profile_or_the_failure(alice: Client, version: Version) -> None:
    alice.post(f"{address(version)}/profile")
    poll = {"HX-Request": "true"}
    assert alice.get(address(version), headers=poll).status_code == 200
    Question.objects.update(state="failed", error="The disk is gone.", hint="Mend it.")
    response = alice.get(address(version), headers=poll)
    assert response.status_code == 286
    body = response.content.decode()
    assert body.index("The disk is gone.") < body.index("Mend it.") < body.index("Make the profile")


def test_roles(bob: Client, charlie: Client, version: Version) -> None:
    assert bob.post(f"{address(version)}/profile").status_code == 403
    assert charlie.post(f"{address(version)}/profile").status_code == 404
    assert not Question.objects.exists()


def test_what_is_known_or_not_ready_is_not_asked(alice: Client, people: People) -> None:
    known, queued = make_version(people, profile=made_profile()), make_version(people, state="queued")
    for version in (known, queued):
        assert alice.post(f"{address(version)}/profile").status_code == 302
    assert not Question.objects.exists()
