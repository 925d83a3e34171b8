from django.test import Client

from tests.webapp.people import People, finish, make_run
from webapp.accounts.models import ApiToken
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Version


def test_admin_pages_open_and_never_show_the_digest(alice: Client, people: People, version: Version) -> None:
    run = finish(make_run(version))
    token, _ = issue_token(people.alice, "sweep", None)
    pages = {
        "accounts/project": people.project.pk,
        "accounts/membership": people.alice.memberships.get(project=people.project).pk,
        "accounts/apitoken": token.pk,
        "datasets/dataset": version.dataset_id,
        "datasets/version": version.pk,
        "experiments/run": run.pk,
    }
    for path, pk in pages.items():
        for address in (f"/admin/{path}/", f"/admin/{path}/{pk}/change/"):
            response = alice.get(address)
            assert response.status_code == 200, address
            assert token.digest not in response.content.decode()


def test_runs_and_versions_are_not_typed_in_or_deleted(alice: Client, version: Version) -> None:
    run = make_run(version)
    assert alice.get("/admin/experiments/run/add/").status_code == 403
    assert alice.post(f"/admin/experiments/run/{run.pk}/delete/").status_code == 403
    assert alice.post(f"/admin/datasets/version/{version.pk}/delete/").status_code == 403


def test_tokens_are_revoked_there(alice: Client, people: People) -> None:
    token, _ = issue_token(people.bob, "lost laptop", None)
    alice.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [str(token.pk)]})
    assert ApiToken.objects.get(pk=token.pk).revoked_at is not None


def test_only_staff_enters(bob: Client) -> None:
    assert bob.get("/admin/").status_code == 302
