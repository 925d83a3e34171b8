"""The workers page of a running site, and the notice of what has ended, in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.site import Site

_RUN = """
from django.contrib.auth.models import User
from engine.data.generated import generate
from django.core.files.base import ContentFile
from pathlib import Path
import tempfile
from webapp.datasets.actions import create_dataset, create_version
from webapp.accounts.models import Project
user, project = User.objects.get(username="alice"), Project.objects.get(slug="shop")
with tempfile.TemporaryDirectory() as folder:
    generate(Path(folder), users=40, items=60, seed=1)
    names = {path.name.partition(".")[0]: path for path in Path(folder).iterdir()}
    files = [ContentFile(names[name].read_bytes(), names[name].name) for name in ("interactions", "items")]
    version = create_version(create_dataset(project, user, "Told"), user, *files, {"core": 0})
print(version.pk)
"""


@pytest.mark.browser
@pytest.mark.services
def test_workers_are_there_and_an_end_is_told(page: Page, site: Site) -> None:
    page.get_by_role("link", name="Workers", exact=True).click()
    for queue in ("io", "gpu"):
        expect(page.get_by_role("article", name=re.compile(f"^{queue}-"))).to_contain_text("listens to")
    expect(page.get_by_text("reaper: finds what was lost")).to_be_visible()
    expect(page.get_by_text("beat: looks after")).to_be_visible()
    expect(page.get_by_text("Not there")).to_have_count(0)
    # Refreshed while one looks.
    with page.expect_response(lambda answer: answer.url.endswith("/workers") and answer.status == 200):
        pass
    site.shell(_RUN)
    page.goto("/notices")
    told = page.get_by_role("link", name="Told v1 is ready")
    for _ in range(60):
        if told.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(told).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"^Notices, [1-9]\d* unread"))).to_be_visible()
    page.get_by_role("button", name="Mark all read").click()
    expect(page.get_by_role("link", name="Notices, 0 unread")).to_be_visible()
    told.click()
    expect(page.get_by_role("heading", name=re.compile("Told"))).to_be_visible()
