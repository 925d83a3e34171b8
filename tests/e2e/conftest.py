"""A real browser on a real site. Any console error, script error or failed request fails the test that caused it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright

from deploy.local.browser import HINT, find_browser
from tests.e2e.site import Site, running_site
from tests.e2e.steps import make_catalogue

_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A poll that is under way when the person goes to another page is given up by the browser; that is no failure.
_GIVEN_UP = "net::ERR_ABORTED"

NewContext = Callable[..., BrowserContext]


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """Everything runs."""
    with running_site() as running:
        yield running


@pytest.fixture(scope="package")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``interactions.csv`` and ``items.csv`` of a small catalogue with hostile titles."""
    return make_catalogue(tmp_path_factory.mktemp("catalogue"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = find_browser()
    assert path, f"there is no Chromium. {HINT}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in the browser so far; a test that provokes something on purpose empties it."""
    return []


@pytest.fixture
def new_context(browser: Browser, site: Site, faults: list[str]) -> Iterator[NewContext]:
    """Makes browser contexts that notice every fault; fails the test if there was one."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(base_url=site.address, **options)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        context.on("page", lambda page: _watch(page, site, faults))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(new_context: NewContext, site: Site) -> Page:
    """A page on which Alice is logged in."""
    opened = new_context(viewport={"width": 1360, "height": 900}).new_page()
    log_in(opened, site, site.username)
    return opened


def log_in(page: Page, site: Site, username: str) -> None:
    """Through the login form."""
    page.goto("/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site.address}/")


def _watch(page: Page, site: Site, faults: list[str]) -> None:
    def failed(request: Request) -> None:
        if request.failure != _GIVEN_UP:
            faults.append(f"{request.method} {request.url}: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            faults.append(f"{response.status} {response.url}")
        if not response.url.startswith((site.address, "data:", "blob:")):
            faults.append(f"a request to elsewhere: {response.url}")

    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", failed)
    page.on("response", answered)
