"""A run that fails, one that is cancelled, and what a person does about it: in a real browser, on the real thing."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewContext, log_in
from tests.e2e.site import Site
from tests.e2e.steps import MINUTES, upload
from tests.e2e.test_journey import launch, wait_for_success

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(600)]

LONG = {"training.epochs": "5000", "training.patience": "5000", "training.threads": "1"}


def state(page: Page, word: str) -> None:
    expect(page.locator(".state").first).to_contain_text(word, timeout=2 * MINUTES)


def name_of(page: Page) -> str:
    return page.locator("h1").inner_text().split()[0]


def test_a_failed_run_is_retried_with_what_it_suggests_and_then_extended(page: Page, files: Path) -> None:
    upload(page, "Watched catalogue", files / "interactions.csv", files / "items.csv")
    state(page, "ready")
    launch(page, "sasrec", {"training.epochs": "2", "training.device": "cuda"})
    state(page, "failed")
    panel = page.locator("#ended")
    expect(panel).to_contain_text("no CUDA device is here")
    expect(panel).to_contain_text("Where: ")
    panel.get_by_role("link", name="Retry on any device").click()
    expect(page.locator('[name="training.device"]')).to_have_value("auto")
    page.get_by_role("button", name="Launch").first.click()
    wait_for_success(page)
    short = name_of(page)

    page.get_by_role("link", name="Extend").click()
    page.get_by_label("Epochs").fill("4")
    page.get_by_label("Patience").fill("40")
    page.get_by_role("button", name="Extend").click()
    expect(page.locator(".message.success")).to_contain_text(f"goes on where {short} ended.")
    wait_for_success(page)
    page.get_by_text(re.compile(r"^Epochs \d")).click()
    expect(page.locator("#epochs tbody tr")).to_have_count(4)
    expect(page.locator("#to-continued")).to_have_text(short)


def test_a_cancelled_run_is_resumed_and_seen_from_elsewhere(page: Page, new_context: NewContext, site: Site) -> None:
    name = launch(page, "sasrec", LONG)
    expect(page.locator("#curve .main-svg").first).to_be_visible(timeout=MINUTES)
    expect(page.locator("#live")).to_contain_text("ETA")
    page.reload()
    expect(page.locator("#curve .main-svg").first).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    state(page, "cancelled")
    resume = page.get_by_role("button", name=re.compile(r"^Resume at step [\d,]+ of epoch [\d,]+$"))
    step = re.findall(r"step ([\d,]+)", resume.inner_text())[0]
    resume.click()
    expect(page.locator(".message.success")).to_contain_text(f"It resumes at step {step} of epoch")

    other = new_context(viewport={"width": 400, "height": 800}).new_page()
    log_in(other, site, site.username)
    other.goto(page.url)
    expect(other.locator("h1")).to_contain_text(name)
    expect(other.locator("#attempts tbody tr")).to_have_count(2, timeout=MINUTES)
    other.goto(f"{page.url}/log?text=going+on")
    expect(other.locator("#log-lines")).to_contain_text(f"step {step} of epoch", timeout=MINUTES)
    expect(other.locator("#log-lines mark").first).to_have_text("going on")
    with other.expect_download() as download:
        other.get_by_role("link", name="Download what is found").click()
    assert "going on from step-" in download.value.path().read_text(encoding="utf-8")

    page.get_by_role("button", name="Cancel").click()
    state(page, "cancelled")
