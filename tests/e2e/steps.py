"""What a person does on several pages, and the files that are uploaded."""

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from engine.data.generated import generate

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">{{ 7*7 }}"
MINUTES = 60_000
# The smallest nano that still has two layers: what is tested here is the way, not the quality.
TINY = {
    "training.epochs": "2",
    "method.nano.layers": "2",
    "method.nano.dimensions": "32",
    "method.nano.heads": "2",
    "method.nano.warmup_steps": "5",
}


def make_catalogue(folder: Path) -> Path:
    """A small generated catalogue, in which every fifth title is hostile."""
    generate(folder, users=120, items=60)
    items = folder / "items.csv"
    with items.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    for row in rows[::5]:
        row["title"] = f"{HOSTILE} {row['title']}"
    with items.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def section(page: Page, name: str) -> None:
    """Go to a section by the navigation."""
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=name).click()
    # What scripts do is there once they are.
    page.wait_for_load_state("load")


def choose_files(page: Page, name: str, interactions: Path, items: Path | None, go: bool = True) -> None:
    """Fill in the first step of the upload, after going there if need be."""
    if go:
        section(page, "Datasets")
        page.get_by_role("link", name="Upload").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Interactions").set_input_files(interactions)
    if items:
        page.get_by_label("Items").set_input_files(items)


def upload(page: Page, name: str, interactions: Path, items: Path | None) -> None:
    """Upload a data set with our column names through the three steps."""
    choose_files(page, name, interactions, items)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Core").fill("3")
    page.get_by_role("button", name="Create the version").click()


def fill(page: Page, path: str, value: str) -> None:
    """Change a setting, unfolding its group if need be; one that has the value already stays as it is."""
    field = page.locator(f'[id="{path}"]')
    if not field.is_visible():
        for group in page.locator("details.group", has=field).all():
            if group.get_attribute("open") is None:
                group.locator("> summary").click()
    if field.input_value() == value:
        return
    if field.evaluate("box => box.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
    field.blur()
    expect(page.locator(".field.changed", has=field)).to_be_visible()
