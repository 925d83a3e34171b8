"""The whole story on a real data set: upload, launch, watch, reload, cancel, resume, results, search, compare, try it.

And what a person can do who has no mouse.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.site import Site
from tests.e2e.steps import MINUTES, TINY, section, upload
from tests.e2e.test_journey import launch, wait_for_success
from tests.e2e.test_searches import launch as launch_search

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(1200)]

FIGURES = re.compile(r"^\.\d{4}\.\d{4} to \.\d{4}$")
SHORT = {"training.epochs": "6", "training.patience": "6", "method.dimensions": "32"}


def watch(page: Page) -> None:
    """Live, and after a reload in the middle."""
    expect(page.locator("#curve .main-svg").first).to_be_visible(timeout=2 * MINUTES)
    expect(page.locator("#live")).to_contain_text("ETA")
    expect(page.locator("#live")).to_contain_text("last sign of life")
    page.reload()
    expect(page.locator("#curve .main-svg").first).to_be_visible()


def cancel_and_resume(page: Page) -> None:
    """It ends at a checkpoint, and goes on from there."""
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".state").first).to_contain_text("cancelled", timeout=2 * MINUTES)
    page.get_by_role("button", name=re.compile("^Resume at step")).click()
    expect(page.locator(".message.success")).to_contain_text("It resumes at step")


def search(page: Page) -> None:
    """Two trials, the verdict, and the winner trained in full by a button."""
    tiny = {f"run.{path}": value for path, value in TINY.items()}
    launch_search(page, {**tiny, "run.training.minutes": "0.5", "trials": "2", "final_seeds": "1", "start": "30"})
    expect(page.locator("#trials-box tbody .state.succeeded")).to_have_count(2, timeout=6 * MINUTES)
    expect(page.locator(".state").first).to_contain_text("finished", timeout=8 * MINUTES)
    expect(page.locator("#verdict-box")).to_contain_text("95 % interval")
    page.get_by_role("link", name="The best", exact=True).click()
    expect(page.locator(".map thead tr").first.locator("th[scope=col]")).to_have_count(1)
    page.get_by_role("button", name="Train the winner in full").click()
    expect(page.locator(".message.success")).to_contain_text("a full training of the architecture of trial")
    page.get_by_role("button", name="Cancel").click()


def compare(page: Page, names: list[str]) -> None:
    """Through the list of runs: ticked, side by side, and what is more than chance."""
    section(page, "Runs")
    for name in names:
        page.get_by_role("checkbox", name=re.compile(f"{name}\\b")).check()
    page.get_by_label("With the ticked runs").select_option(label="compare")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("h1")).to_contain_text("Compare")
    expect(page.locator("#metrics-box tbody tr")).to_have_count(len(names) + 1)
    expect(page.get_by_role("heading", name="Is it more than chance?")).to_be_visible()
    expect(page.locator("#significance-part")).to_contain_text(re.compile("corrected", re.IGNORECASE), timeout=2 * MINUTES)
    expect(page.get_by_role("heading", name="Recommendations for the same users")).to_be_visible()


def test_the_whole_story_on_a_real_data_set(page: Page, shared_data: Path) -> None:
    folder = shared_data / "ml-100k"
    upload(page, "MovieLens 100K", folder / "interactions.csv.gz", folder / "items.csv.gz")
    expect(page.locator(".state").first).to_contain_text("ready", timeout=2 * MINUTES)

    first = launch(page, "sasrec", SHORT)
    watch(page)
    cancel_and_resume(page)
    wait_for_success(page)
    expect(page.locator(".metrics .main")).to_have_text(FIGURES)
    expect(page.locator(".sample").first.locator(".ten li")).to_have_count(10)
    page.get_by_role("link", name=re.compile("^Misses")).click()
    expect(page.locator(".sample .position.hit")).to_have_count(0)

    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Find items by title").press_sequentially("star wars")
    page.locator(".found button").first.click()
    expect(page.locator(".picked .chip")).to_contain_text("Star Wars")
    expect(page.locator(".answer tbody tr")).to_have_count(10)

    second = launch(page, "popularity")
    wait_for_success(page)
    compare(page, [first, second])
    section(page, "Datasets")
    search(page)


def tab_to(page: Page, matches: str) -> None:
    """Press Tab until what has the focus matches the CSS selector ``matches``."""
    for _ in range(300):
        if page.evaluate("matches => document.activeElement.matches(matches)", matches):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {matches} on {page.url}")


def press_button(page: Page, words: str) -> None:
    """Go to the button or link with these words by the keyboard, and press it."""
    for _ in range(300):
        if page.evaluate("words => document.activeElement.textContent.trim() === words", words):
            page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {words!r} on {page.url}")


def test_by_keyboard_alone(new_context: Callable[..., object], site: Site, files: Path) -> None:
    page: Page = new_context(viewport={"width": 1360, "height": 900}).new_page()  # type: ignore[attr-defined]
    keys = page.keyboard
    page.goto("/login")
    tab_to(page, "#id_username")
    keys.type(site.username)
    tab_to(page, "#id_password")
    keys.type(site.password)
    keys.press("Enter")
    page.wait_for_url(f"{site.address}/")

    keys.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    # A data set comes by the system's own dialog, which no browser test reaches: the path around it is the keyboard's.
    keys.press("g")
    keys.press("d")
    page.wait_for_url("**/datasets")
    tab_to(page, "a[href='/datasets/new']")
    keys.press("Enter")
    page.wait_for_url("**/datasets/new")
    page.get_by_label("Interactions").set_input_files(files / "interactions.csv")
    page.get_by_label("Items").set_input_files(files / "items.csv")
    tab_to(page, "#id_name")
    keys.type("Typed")
    keys.press("Enter")
    page.wait_for_url("**/columns")
    press_button(page, "Continue")
    page.wait_for_url("**/start")
    press_button(page, "Create the version")
    expect(page.locator(".state").first).to_contain_text("ready", timeout=MINUTES)

    keys.press("n")
    page.wait_for_url("**/runs/new**")
    tab_to(page, "input[name=preset]")
    while not page.evaluate("document.activeElement.value === 'popularity'"):
        keys.press("ArrowDown")
    expect(page.locator("#settings h2")).to_contain_text("popularity")
    press_button(page, "Launch")
    expect(page.locator(".message.success")).to_contain_text("is queued.")
    name = page.locator("h1").inner_text().split()[0]
    wait_for_success(page)

    tab_to(page, "main a[href$='/try']")
    keys.press("Enter")
    page.wait_for_url("**/try")
    tab_to(page, "#main input[type=search], #main input[name=q]")
    keys.type("part 1")
    expect(page.locator(".found li").first).to_be_visible(timeout=MINUTES)
    tab_to(page, ".found button")
    keys.press("Enter")
    expect(page.locator(".answer tbody tr")).to_have_count(10)

    keys.press("g")
    keys.press("r")
    page.wait_for_url("**/runs")
    keys.press("j")
    assert page.evaluate("document.activeElement.textContent").strip().startswith("run-")
    keys.press("j")
    keys.press("k")
    keys.press("Enter")
    expect(page.locator("h1")).to_contain_text(name)
    # Shortcuts are there once the page's scripts are.
    page.wait_for_load_state("load")
    keys.press("/")
    expect(page.locator("#find")).to_be_focused()
    keys.type(name)
    keys.press("Enter")
    page.wait_for_url("**/runs/*")
    expect(page.locator("h1")).to_contain_text(name)
