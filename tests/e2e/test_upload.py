"""The upload wizard in a real browser: good files, bad ones, a lost connection, a reload, and one cancelled half-way."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import NewContext, log_in
from tests.e2e.site import Site
from tests.e2e.steps import HOSTILE, MINUTES, choose_files

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(600)]
_LEFT = (
    "from webapp.datasets.models import *; from webapp.storage import local_root; root = local_root(); "
    "print(Dataset.objects.count(), Version.objects.count(), Upload.objects.count(), UploadPart.objects.count(), "
    "sum(path.is_file() for path in root.rglob('*')) if root.exists() else 0)"
)
PARTS = re.compile(r".*/datasets/uploads/[0-9a-f-]+/interactions/\d+$")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.tsv"
    rows = [f"c{row % 20}\ts{row % 12}\t{HOSTILE} {row % 12}\t2021-03-{row % 28 + 1:02}\n" for row in range(400)]
    path.write_text("customer\tsku\tlabel\tbought\n" + "".join(rows) + "c1\ts1\n", encoding="utf-8")
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Three parts."""
    path = tmp_path / "large.csv"
    rows = b"".join(b"u%d,i%d,%d\n" % (row % 999, row % 500, row) for row in range(1_300_000))
    path.write_bytes(b"user_id,item_id,timestamp\n" + rows)
    assert path.stat().st_size > 16 * 2**20
    return path


@pytest.fixture
def nothing_new(site: Site) -> Iterator[None]:
    """Rows and files are as they were before, once a worker has seen, at its next heartbeat, that its version is gone."""
    before = site.shell(_LEFT)
    yield
    deadline = time.monotonic() + 60
    while (left := site.shell(_LEFT)) != before:
        assert time.monotonic() < deadline, (before, left)


def test_from_a_file_with_other_names_to_a_version(page: Page, good: Path, faults: list[str]) -> None:
    choose_files(page, "Clicks", good, None)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Clicks: what the columns mean")).to_be_visible()
    expect(page.get_by_label("customer", exact=True)).to_have_value("user")
    expect(page.get_by_label("sku", exact=True)).to_have_value("item")
    expect(page.get_by_label("label", exact=True)).to_have_value("title")
    expect(page.locator(".preview tbody tr")).to_have_count(200)
    expect(page.locator(".preview tbody tr").first).to_contain_text("2021-03-01 00:00:00")
    assert "hacked" not in page.title()

    page.get_by_label("customer", exact=True).select_option("ignore")
    expect(page.get_by_text("Not complete yet: interactions: no column is the user")).to_be_visible()
    page.get_by_label("customer", exact=True).select_option("user")
    expect(page.get_by_text("Not complete yet")).to_have_count(0)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Core").fill("2")
    page.get_by_role("button", name="Create the version").click()
    expect(page.locator(".state")).to_contain_text("ready", timeout=2 * MINUTES)
    expect(page.locator(".figures")).to_contain_text("20 users")
    page.get_by_role("link", name=re.compile("^Report")).click()
    expect(page.locator("table")).to_contain_text("too few fields")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rows left out").click()
    assert "402" in Path(download.value.path()).read_text(encoding="utf-8")
    faults[:] = [fault for fault in faults if "left-out.csv" not in fault]


def test_a_bad_file_is_explained_and_taken_away(page: Page, tmp_path: Path, nothing_new: None) -> None:
    bad = tmp_path / "picture.csv"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\0")
    choose_files(page, "Bad", bad, None)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".failure")).to_contain_text("picture.csv: this is not a text file, but a PNG picture")
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_text("nothing of it is kept")).to_be_visible()


def test_what_a_worker_refuses_is_explained_and_discarded(page: Page, tmp_path: Path, nothing_new: None) -> None:
    bad = tmp_path / "times.csv"
    bad.write_text("user_id,item_id,timestamp\n" + "u1,i1,1600000000\n" * 300 + "u2,i2,yesterday\n", encoding="utf-8")
    choose_files(page, "Bad times", bad, None)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Create the version").click()
    expect(page.locator(".failure")).to_contain_text("times.csv, line 302: timestamp 'yesterday'", timeout=2 * MINUTES)
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("nothing of it is kept")).to_be_visible()


def test_cancelled_half_way(page: Page, large: Path, nothing_new: None) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.url.endswith("/2"):
            held.append(route)
        else:
            route.continue_()

    page.route(PARTS, hold)
    choose_files(page, "Cancelled", large, None)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#upload-progress")).to_contain_text("MB")
    _wait(page, lambda: bool(held))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#upload-problem")).to_contain_text("cancelled; nothing of it is kept")
    page.unroute_all(behavior="ignoreErrors")


def test_it_goes_on_after_a_lost_connection_and_a_reload(page: Page, large: Path, faults: list[str], nothing_new: None) -> None:
    sent: list[str] = []
    cut: list[str] = []

    def cut_once(route: Route) -> None:
        sent.append(route.request.url[-1])
        if (route.request.url.endswith("/1") and len(cut) < 1) or (route.request.url.endswith("/2") and len(cut) < 3):
            cut.append(route.request.url)
            route.abort("connectionfailed")
        else:
            route.continue_()

    page.route(PARTS, cut_once)
    choose_files(page, "Resumed", large, None)
    page.get_by_role("button", name="Upload").click()
    _wait(page, lambda: len(cut) >= 2)
    page.reload()
    expect(page.locator("#upload-resume")).to_contain_text("large.csv; 2 of 3 parts are there")
    cut.append("enough")
    before = len(sent)
    choose_files(page, "Resumed", large, None, go=False)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Resumed: what the columns mean")).to_be_visible(timeout=MINUTES)
    assert sent[before:] == ["2"]
    assert sent[:before].count("1") == 2
    # The connections that we have cut.
    faults[:] = [fault for fault in faults if "ERR_CONNECTION_FAILED" not in fault]
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Create the version").click()
    # Whether it waits, is read or is ready by now: cancelled while it is under way.
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("nothing of it is kept")).to_be_visible()


def test_narrow_and_without_a_script(new_context: NewContext, site: Site, good: Path) -> None:
    page = new_context(java_script_enabled=False, viewport={"width": 400, "height": 844}).new_page()
    log_in(page, site, site.username)
    choose_files(page, "No script", good, None)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="No script: what the columns mean")).to_be_visible()
    page.get_by_label("customer", exact=True).select_option("ignore")
    page.get_by_role("button", name="Show the effect").click()
    expect(page.get_by_text("Not complete yet")).to_be_visible()
    width = page.locator("body").bounding_box()
    assert width is not None
    assert width["width"] <= 400
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_text("nothing of it is kept")).to_be_visible()


def _wait(page: Page, done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
