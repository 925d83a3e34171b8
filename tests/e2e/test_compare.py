"""Runs side by side in a real browser; a real worker tests the differences. The runs are planted: nothing is trained."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewContext, log_in
from tests.e2e.site import Site
from tests.e2e.steps import MINUTES

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(600)]

PLANT = """
from django.contrib.auth.models import User
from tests.webapp.comparing.planting import plant_curves, plant_runs, store_ranks
from tests.webapp.people import HOSTILE, PROTOCOL, finish
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset, Version, VersionState
dataset = Dataset.objects.create(project=Project.objects.get(slug="shop"), name=f"Compared {HOSTILE}")
version = Version.objects.create(dataset=dataset, number=1, state=VersionState.READY, hash="ab" * 32, users=200, items=240)
runs = plant_runs(version, 3) + plant_runs(version, 1, "popularity")
plant_curves(runs[:3], 30)
for place, run in enumerate(runs):
    finish(run).protocol = {**PROTOCOL, "seen": "keep" if place == 3 else "remove"}
    store_ranks(run, place, 4.0 if place == 1 else 1.0)
print("runs:", ",".join(str(run.pk) for run in runs), version.pk)
"""


@pytest.fixture(scope="module")
def planted(site: Site) -> tuple[list[int], int]:
    """Ids of three alike runs and one of another protocol, and of their version."""
    line = site.shell(PLANT).rpartition("runs:")[2].split()
    return [int(pk) for pk in line[0].split(",")], int(line[1])


def test_runs_are_compared_to_the_end(
    page: Page, planted: tuple[list[int], int], new_context: NewContext, site: Site, tmp_path: Path
) -> None:
    runs, version = planted
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Compare").click()
    expect(page.get_by_text("Choose 2 to 100 runs")).to_be_visible()
    for pk in runs:
        page.get_by_label("Add a run").fill(f"run-{pk}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=f"Remove run-{pk}")).to_be_visible()
    expect(page.locator("#guard")).to_contain_text(f"run-{runs[3]} is shown apart: another rule for items already seen")

    expect(page.locator("#significance-part .matrix tbody tr")).to_have_count(3, timeout=2 * MINUTES)
    expect(page.locator("#significance-part")).to_contain_text("2 of 3 differences are more than chance")
    expect(page.locator("#compare-valid .main-svg").first).to_be_visible()
    page.locator("#samples-part").scroll_into_view_if_needed()
    expect(page.locator("#samples-part h4")).to_have_count(4)

    with page.expect_download() as picture:
        page.get_by_role("button", name="NDCG@10 as PNG").click()
    saved = tmp_path / "curves.png"
    picture.value.save_as(saved)
    assert saved.read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as table:
        page.get_by_role("link", name="CSV").click()
    table.value.save_as(tmp_path / "table.csv")
    lines = list(csv.reader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [line[0] for line in lines] == ["Class", "A", "A", "A", "B"]

    page.get_by_role("link", name="time", exact=True).click()
    expect(page.locator("#curves-part")).to_contain_text("Time counts from a run's first report")
    assert "over=time" in page.url
    page.reload()
    expect(page.locator("#curves-part")).to_contain_text("Time counts from a run's first report")
    page.get_by_role("link", name=f"Remove run-{runs[3]}").click()
    expect(page.locator("#guard")).to_have_count(0)

    narrow = new_context(viewport={"width": 390, "height": 844}, color_scheme="dark").new_page()
    log_in(narrow, site, "bob")
    for address in (page.url, f"/leaderboard?version={version}", "/compare"):
        narrow.goto(address)
        expect(narrow.locator("h1")).to_be_visible()
        assert narrow.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address


def test_it_works_without_scripts(planted: tuple[list[int], int], new_context: NewContext, site: Site) -> None:
    runs, _ = planted
    plain = new_context(java_script_enabled=False).new_page()
    log_in(plain, site, "bob")
    plain.goto(f"/compare?runs={','.join(map(str, runs))}")
    expect(plain.locator("#metrics-box tbody")).to_have_count(2)
    plain.get_by_role("link", name="Show the learning curves").click()
    expect(plain.locator("#curves-box tbody tr")).to_have_count(4)
    plain.go_back()
    plain.get_by_role("link", name="Show them side by side").click()
    expect(plain.locator("#samples-part h4")).to_have_count(4)
