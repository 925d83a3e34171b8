import datetime
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from engine.errors import UserError
from tests.webapp.people import People
from webapp.accounts.invitations import accept, find_invitation, invite, revoke
from webapp.accounts.models import Invitation, Role
from webapp.audit.models import AuditEntry


def test_a_link_makes_somebody_elsewhere_a_member(alice: Client, charlie: Client, people: People) -> None:
    page = f"/projects/{people.project.pk}"
    body = alice.post(page, {"action": "invite", "role": "researcher", "days": "7", "note": "for Charlie"}).content.decode()
    found = re.search(r"http://testserver(/join/\w+[\w-]*)<", body)
    assert found
    assert found[1].rpartition("_")[2] not in alice.get(page).content.decode()
    shown = charlie.get(found[1])
    assert "alice invites you" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    response = charlie.post(found[1], follow=True)
    assert "Welcome to Shop" in response.content.decode()
    assert people.project.memberships.get(user=people.charlie).role == Role.RESEARCHER
    assert AuditEntry.objects.get(action="member.joined").after == {"member": "charlie", "role": "researcher"}
    assert "3" in str(alice.get(page).context["place"].people)


def test_a_visitor_makes_an_account_and_joins(visitor: Client, people: People) -> None:
    _, secret = invite(people.project, people.alice, Role.VIEWER, 7)
    assert "Make the account and join" in visitor.get(f"/join/{secret}").content.decode()
    fields = {"username": "dora", "password1": "12345678", "password2": "12345678"}
    refused = visitor.post(f"/join/{secret}", fields)
    assert refused.status_code == 422
    assert not User.objects.filter(username="dora").exists()
    fields |= {"password1": "a good one 77", "password2": "a good one 77"}
    response = visitor.post(f"/join/{secret}", fields, follow=True)
    assert "Welcome to Shop" in response.content.decode()
    dora = User.objects.get(username="dora")
    assert {str(project) for project in dora.projects.all()} == {"Shop", "dora's project"}


def test_a_site_may_keep_visitors_from_making_accounts(visitor: Client, people: People, settings: Settings) -> None:
    settings.INVITATIONS_MAKE_ACCOUNTS = False
    _, secret = invite(people.project, people.alice, Role.VIEWER, 7)
    assert "Make the account" not in visitor.get(f"/join/{secret}").content.decode()
    fields = {"username": "dora", "password1": "a good one 77", "password2": "a good one 77"}
    assert visitor.post(f"/join/{secret}", fields).status_code == 422
    assert not User.objects.filter(username="dora").exists()


def test_a_link_for_one_person_works_once(people: People) -> None:
    dora = User.objects.create_user("dora")
    _, secret = invite(people.project, people.alice, Role.VIEWER, 7, single_use=True)
    first = find_invitation(secret)
    accept(first, people.charlie)
    with pytest.raises(UserError, match="used up"):
        find_invitation(secret)
    with pytest.raises(UserError, match="used up"):
        accept(first, dora)
    assert not people.project.memberships.filter(user=dora).exists()


def test_nobody_loses_a_role_by_a_link_and_nothing_is_used_up(people: People) -> None:
    invitation, secret = invite(people.project, people.alice, Role.VIEWER, 7, single_use=True)
    assert accept(invitation, people.alice).role == Role.ADMIN
    assert find_invitation(secret).uses == 0
    more, _ = invite(people.project, people.alice, Role.CURATOR, 7)
    accept(more, people.bob)
    assert people.project.memberships.get(user=people.bob).role == Role.CURATOR


def test_links_that_are_revoked_old_or_changed_do_not_work(visitor: Client, people: People) -> None:
    good, secret = invite(people.project, people.alice, Role.ADMIN, 7)
    revoked, gone = invite(people.project, people.alice, Role.ADMIN, 7)
    revoke(revoked, people.alice)
    _, old = invite(people.project, people.alice, Role.ADMIN, 7)
    Invitation.objects.filter(lookup=old.partition("_")[0]).update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    for text in (gone, old, f"{good.lookup}_wrong", f"{secret}x", "nothing", "_"):
        response = visitor.get(f"/join/{text}")
        assert response.status_code == 404, text
        assert "Ask whoever sent it" in response.content.decode()
    assert secret.partition("_")[2] not in str(Invitation.objects.values_list("digest", flat=True))


def test_there_is_a_limit_of_open_links(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.accounts.invitations._MOST_OPEN", 1)
    invite(people.project, people.alice, Role.VIEWER, 1)
    with pytest.raises(UserError, match="open invitations already"):
        invite(people.project, people.alice, Role.VIEWER, 1)


def test_an_admin_revokes_on_the_page(alice: Client, people: People) -> None:
    invitation, _ = invite(people.project, people.alice, Role.VIEWER, 7, "for Dora")
    page = f"/projects/{people.project.pk}"
    assert "for Dora" in alice.get(page).content.decode()
    alice.post(page, {"action": "revoke", "invitation": invitation.pk})
    assert "for Dora" not in alice.get(page).content.decode()
    assert alice.post(page, {"action": "revoke", "invitation": 10**12}).status_code == 404
