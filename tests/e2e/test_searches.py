"""A search in a real browser: launched through the form, followed without a reload, to its verdict."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewContext, log_in
from tests.e2e.site import Site
from tests.e2e.steps import MINUTES, TINY, fill, section, upload

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(900)]

TRIALS = 3


def launch(page: Page, settings: dict[str, str]) -> str:
    """Through the form; returns the search's name."""
    section(page, "Searches")
    page.get_by_role("link", name="New search").click()
    for path, value in settings.items():
        fill(page, path, value)
    expect(page.locator("#estimate")).to_contain_text(f"{settings['trials']} trials")
    page.get_by_role("button", name="Launch").first.click()
    name = page.locator("h1").inner_text().split()[0]
    expect(page.get_by_text(f"{name} is launched")).to_be_visible()
    return name


def test_a_search_is_followed_to_its_verdict_and_extended(page: Page, files: Path, new_context: NewContext, site: Site) -> None:
    upload(page, "For a search", files / "interactions.csv", files / "items.csv")
    expect(page.locator(".state")).to_contain_text("ready", timeout=MINUTES)
    tiny = {f"run.{path}": value for path, value in TINY.items()}
    name = launch(page, {**tiny, "trials": str(TRIALS), "final_seeds": "1", "start": "30"})

    expect(page.locator("#going-box tbody tr").first).to_be_visible(timeout=2 * MINUTES)
    expect(page.locator("#trials-box tbody .state.succeeded").first).to_be_visible(timeout=4 * MINUTES)
    expect(page.get_by_role("heading", name=re.compile("Layer map|layer map"))).to_be_visible()
    expect(page.locator(".state").first).to_contain_text("finished", timeout=8 * MINUTES)
    expect(page.locator("#trials-box tbody .state.succeeded")).to_have_count(TRIALS)
    expect(page.locator("#verdict-box")).to_contain_text("95 % interval")
    expect(page.locator(".verdict h2")).to_have_text("Not judged, the set is too small to tell")
    expect(page.locator("#finals-box tbody tr")).to_have_count(2)
    expect(page.locator("#progress-box svg .point")).to_have_count(TRIALS)
    expect(page.locator("#pareto-box svg .point")).to_have_count(TRIALS)

    page.get_by_role("link", name=re.compile("^trial 0")).first.click()
    expect(page.locator(".layers tbody tr")).to_have_count(2)
    page.go_back()

    narrow = new_context(viewport={"width": 390, "height": 844}, color_scheme="dark").new_page()
    log_in(narrow, site, "bob")
    for address in ("/searches", page.url):
        narrow.goto(address)
        expect(narrow.locator("h1")).to_be_visible()
        assert narrow.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address
    expect(narrow.get_by_role("button", name="Extend")).to_have_count(0)

    page.get_by_label("More trials").fill("1")
    page.get_by_role("button", name="Extend").click()
    expect(page.locator("#trials-box tbody .state.succeeded")).to_have_count(TRIALS + 1, timeout=4 * MINUTES)
    expect(page.locator(".state").first).to_contain_text("finished", timeout=8 * MINUTES)

    page.get_by_label("More trials").fill("100")
    page.get_by_role("button", name="Extend").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".state").first).to_contain_text("cancelled", timeout=2 * MINUTES)
    section(page, "Searches")
    expect(page.locator("#searches-box tbody tr", has_text=name)).to_contain_text("cancelled")


def test_wrong_settings_of_a_search_are_explained_and_kept(page: Page, files: Path, faults: list[str]) -> None:
    upload(page, "For wrong searches", files / "interactions.csv", files / "items.csv")
    expect(page.locator(".state")).to_contain_text("ready", timeout=MINUTES)
    section(page, "Searches")
    page.get_by_role("link", name="New search").click()
    fill(page, "trials", "many")
    expect(page.locator("#estimate")).to_contain_text("not valid yet")
    page.get_by_role("button", name="Launch").first.click()
    expect(page.locator(".problem")).to_contain_text("must be a whole number")
    expect(page.locator('[id="trials"]')).to_have_value("many")
    assert faults
    assert all("422" in fault for fault in faults)
    faults.clear()
