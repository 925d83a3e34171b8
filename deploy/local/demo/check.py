"""CHECK=1: do the pages and REST answer, and has everything stopped afterwards?"""

import http.cookiejar
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit

import psutil
from django.contrib.auth.models import User

from deploy.local.errors import ServiceError
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token, revoke_token
from webapp.experiments.models import Run
from webapp.searches.models import Search


def check_pages(address: str, user: User, password: str, runs: Sequence[Run], search: Search) -> list[str]:
    """Log in over HTTP, open the pages of the runs and the search, ask REST for each run; returns the addresses.

    Raises ServiceError.
    """
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    _log_in(browser, address, user.username, password)
    token, text = issue_token(user, "make demo CHECK=1", days=1, scope=Scope.READ)
    checked = []
    try:
        for run in runs:
            page = f"{address}runs/{run.pk}"
            if str(run) not in _fetch(browser, page):
                raise ServiceError(f"{page} does not show {run}.")
            rest = f"{address}api/v1/runs/{run.pk}"
            request = urllib.request.Request(rest, headers={"Authorization": f"Bearer {text}"})  # noqa: S310 (our own address)
            if '"succeeded"' not in _fetch(urllib.request.build_opener(), request):
                raise ServiceError(f"{rest} does not say that the run succeeded.")
            checked += [page, rest]
    finally:
        revoke_token(token)
    page = f"{address}searches/{search.pk}"
    if "verdict-box" not in _fetch(browser, page):
        raise ServiceError(f"{page} does not show how {search} ended.")
    return [*checked, page]


def _log_in(browser: urllib.request.OpenerDirector, address: str, username: str, password: str) -> None:
    form = _fetch(browser, f"{address}login")
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    if found is None:
        raise ServiceError(f"{address}login has no form.")
    fields = {"csrfmiddlewaretoken": found[1], "username": username, "password": password, "next": "/"}
    page = _fetch(browser, f"{address}login", urllib.parse.urlencode(fields).encode())
    if 'name="password"' in page:
        raise ServiceError(f"{address}login does not accept the demo's password.")


def _fetch(browser: urllib.request.OpenerDirector, request: "str | urllib.request.Request", body: bytes | None = None) -> str:
    url = request if isinstance(request, str) else request.full_url
    try:
        with browser.open(request, body, timeout=30) as response:
            if response.status != 200:
                raise ServiceError(f"{url} answers with HTTP {response.status}.")
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            raise ServiceError(f"{url} answers with HTTP {error.code}.", "See the log of web.") from error
    except OSError as error:
        raise ServiceError(f"{url} does not answer: {error}.") from error


def our_processes() -> list[psutil.Process]:
    """All processes below this one."""
    return psutil.Process().children(recursive=True)


def check_stopped(processes: Sequence[psutil.Process], address: str) -> None:
    """Raise ServiceError if one of ``processes`` still runs, or somebody still serves ``address``."""
    left = [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    if left:
        raise ServiceError(f"Still running after the stop: {', '.join(f'{process.name()} ({process.pid})' for process in left)}.")
    place = urlsplit(address)
    with socket.socket() as probe:
        if probe.connect_ex((place.hostname or "127.0.0.1", place.port or 80)) == 0:
            raise ServiceError(f"Somebody still serves {address} after the stop.")
