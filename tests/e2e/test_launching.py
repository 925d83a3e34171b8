"""The new-run page as one types: problems beside their fields, nothing lost or moved; and what a worker says it will read."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import MINUTES, TINY, fill, section, upload

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(300)]


def test_problems_cost_and_what_the_model_sees(page: Page, files: Path) -> None:
    upload(page, "Launched", files / "interactions.csv", files / "items.csv")
    expect(page.get_by_role("link", name="New experiment")).to_be_visible(timeout=MINUTES)
    page.get_by_role("link", name="New experiment").click()
    for path, value in TINY.items():
        fill(page, path, value)
    epochs = page.locator('[id="training.epochs"]')
    epochs.fill("0")
    before = epochs.bounding_box()
    expect(page.locator("#problems-training-epochs")).to_contain_text("must be 1 or more")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(epochs).to_be_focused()
    after = epochs.bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) <= 1
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.type("3")
    expect(page.locator("#problems-training-epochs")).to_be_empty()
    expect(epochs).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#advice")).to_contain_text("by arithmetic")
    expect(page).to_have_url(re.compile("training.epochs=3"))

    page.get_by_role("button", name="Show what the model sees").click()
    expect(page.locator(".pieces")).to_be_visible(timeout=MINUTES)
    expect(page.locator("#seen")).to_contain_text("Each token sees the tokens of its own item only")
    expect(page.locator("#seen svg")).to_have_count(2)
    first = page.locator("#seen bdi.id").text_content()
    page.get_by_role("button", name="Another user").click()
    expect(page.locator("#seen bdi.id")).not_to_have_text(str(first), timeout=MINUTES)
    page.locator('input[name="preset"][value="sasrec"]').check()
    expect(page.locator('[id="method.blocks"]')).to_be_visible()
    page.get_by_role("button", name="Show what the model sees").click()
    expect(page.locator("#seen")).to_contain_text("Items are read by their numbers", timeout=MINUTES)
    page.reload()
    expect(page.locator('input[name="preset"][value="sasrec"]')).to_be_checked()
    assert page.title() != "hacked"
    section(page, "Runs")
