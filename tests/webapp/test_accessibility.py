"""axe-core on every page, light, dark and narrow: no serious or critical violation.

And no console error, nothing from elsewhere, and never a page that scrolls sideways.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from playwright.sync_api import Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from deploy.local.browser import HINT, find_browser
from tests.webapp.people import make_people
from tests.webapp.whole import plant_all

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
_BAD = ("serious", "critical")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 400, "height": 800}},
}
RULES: dict[str, list[str] | None] = {"light": None, "dark": ["color-contrast"], "narrow": ["scrollable-region-focusable"]}
"""Which of axe's rules each look is asked about: all, or what may differ from the light one."""
ATTACK = """"><svg/onload=alert(3)><img src=x onerror="alert(2)"><script>alert(1)</script>{{7*7}}"""
STILL = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets = [sheet];
}"""
"""Not a style element: the content security policy allows none, and this test sees that it is kept."""
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def addresses(_quick_settings: None, live_server: LiveServer) -> dict[str, str]:
    """Every page; and Alice's cookie under the name ``cookie``: no row is looked at once the browser's loop runs here."""
    whole = plant_all(make_people(), ATTACK)
    cookie = whole.people.client("alice").cookies[django_settings.SESSION_COOKIE_NAME].value
    return {"cookie": cookie, **whole.addresses}


@pytest.fixture
def open_page(addresses: dict[str, str], live_server: LiveServer) -> Iterator[Any]:
    """Opens a page on which Alice is signed in, in one of LOOKS."""
    path = find_browser()
    assert path, f"there is no Chromium. {HINT}"
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": addresses.pop("cookie"), "url": live_server.url}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])

        def make(look: str) -> Page:
            context = chromium.new_context(base_url=live_server.url, **LOOKS[look])
            context.add_cookies([cookie])  # type: ignore[list-item]
            return context.new_page()

        yield make
        chromium.close()


def violations(page: Page, rules: list[str] | None) -> list[str]:
    """Serious and critical ones, with the first elements that they are about."""
    # Colours that are still fading in are judged as if they were meant.
    page.evaluate(STILL)
    found = Axe().run(page, options={"runOnly": rules} if rules else None).response["violations"]
    return [
        f"{one['impact']}: {one['help']}: {[node['html'][:160] + node['failureSummary'][:200] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in _BAD
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_fault(addresses: dict[str, str], open_page: Any, live_server: LiveServer, look: str) -> None:
    page = open_page(look)
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda box: (faults.append(f"a title ran as a script: {box.message}"), box.dismiss()))
    page.on("request", lambda sent: None if sent.url.startswith((live_server.url, "data:", "blob:")) else faults.append(sent.url))
    found: dict[str, list[str]] = {}
    for name, address in addresses.items():
        page.goto(address)
        for fold in page.locator("details:not([open]) > summary").all():
            if fold.is_visible():
                fold.click()
        bad = violations(page, RULES[look]) + faults + (["scrolls sideways"] if page.evaluate(SIDEWAYS) else [])
        faults.clear()
        if bad:
            found[name] = bad
    assert found == {}
