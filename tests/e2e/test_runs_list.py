"""The list of runs refreshes itself under the hands of somebody who is ticking rows."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(300)]
_PLANT = """
from django.contrib.auth.models import User
from django.utils import timezone
from engine.presets import get_preset
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset, Version
from webapp.experiments.models import Run
project, user, spec = Project.objects.get(slug="shop"), User.objects.get(username="alice"), get_preset("sasrec").spec()
dataset = Dataset.objects.create(project=project, name="List", created_by=user)
version = Version.objects.create(dataset=dataset, number=1, state="ready", filters={}, upload_key="", created_by=user)
now = timezone.now()
values = dict(project=project, version=version, method="sasrec", created_by=user, started_at=now)
values["spec"] = spec.model_dump(mode="json")
Run.objects.create(state="cancelled", finished_at=now, **values)
print(Run.objects.create(state="running", attempt=1, heartbeat_at=now, progress={"fraction": 0.42}, **values).pk)
"""
_CHANGE = """
from django.utils import timezone
from webapp.experiments.models import Run
Run.objects.filter(pk=%s).update(heartbeat_at=timezone.now(), %s)
"""


def test_ticks_and_focus_stay_while_rows_change(page: Page, site: Site) -> None:
    pk = int(site.shell(_PLANT))
    page.goto("/runs")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"run-{pk}", exact=True))
    box = row.get_by_role("checkbox")
    expect(row).to_contain_text("42 %")
    box.check()
    box.focus()
    site.shell(_CHANGE % (pk, 'progress={"fraction": 0.77}'))
    expect(row).to_contain_text("77 %")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    site.shell(_CHANGE % (pk, 'state="cancelled", finished_at=timezone.now()'))
    expect(row).to_contain_text("cancelled")
    expect(box).to_be_checked()
    expect(page.locator("#runs-poller[hx-get]")).to_have_count(0)
    page.get_by_label("tick all on this page").check()
    page.get_by_label("Tag", exact=True).fill("together")
    page.get_by_label("With the ticked runs").select_option("add the tag")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("now have the tag “together”.")).to_be_visible()
    page.goto(f"/runs/{pk}")
    page.get_by_label("New tag").focus()
    expect(page.locator("#known-tags option[value='together']")).to_have_count(1)
    page.get_by_role("link", name="Write notes").click()
    page.get_by_label("Notes", exact=True).fill("# Found\n\n<script>alert(1)</script>")
    expect(page.locator("#notes-preview h3")).to_have_text("Found")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#notes")).to_contain_text("<script>alert(1)</script>")
