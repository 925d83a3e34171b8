"""What every answer says about itself: policies that keep what is hostile from running, framing and listening."""

import subprocess

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.test.utils import override_settings

from tests.webapp.people import People
from tests.webapp.test_settings import python

SAID = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DIRECTIVES = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PATHS = ("/", "/login", "/runs/999999", "/api/v1/runs", "/api/v1/docs", "/admin/", "/healthz", "/metrics", "/join/nothing_at-all")
PRODUCTION = {
    "HTTPS": "1",
    "DEBUG": "0",
    "ALLOWED_HOSTS": "lab.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://lab.example.org",
    "SECRET_KEY": "a-key-that-nobody-guesses-4711-0815-of-more-than-fifty-characters",
}
_ASK = (
    "import django; from django.conf import settings\n"
    "settings.STORAGES['staticfiles']['BACKEND'] = 'django.contrib.staticfiles.storage.StaticFilesStorage'\n"
    "django.setup()\n"
    "from django.test import Client\n"
    "client = Client(headers={'X-Forwarded-Proto': 'https', 'Host': 'lab.example.org'})\n"
)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_says_it(people: People, path: str) -> None:
    for client in (Client(), people.client("bob"), people.client("alice")):
        answer = client.get(path)
        for name, value in SAID.items():
            assert answer[name] == value, f"{path}: {name}"
        policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
        assert {name: policy[name] for name in DIRECTIVES} == DIRECTIVES, path
        assert "unsafe" not in answer["Content-Security-Policy"], path
        assert not set(policy) - {*DIRECTIVES, "style-src"}, path


def test_answers_that_refuse_say_it_too(people: People) -> None:
    for answer in (
        Client(enforce_csrf_checks=True).post("/login"),
        Client().get("/", headers={"Host": "evil.example"}),
        Client().delete("/login"),
    ):
        assert answer.status_code in (400, 403, 405)
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_cookies_are_neither_for_scripts_nor_for_other_sites(people: People) -> None:
    visitor = Client()
    visitor.get("/login")
    visitor.post("/login", {"username": "alice", "password": "alice-secret-1"})
    assert set(visitor.cookies) == {"csrftoken", "sessionid", "known_device"}
    for name, cookie in visitor.cookies.items():
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax"), name


def test_over_https_cookies_are_secure_and_browsers_are_told_to_stay(db: None) -> None:
    code = _ASK + (
        "answer = client.get('/login')\n"
        "print(answer.status_code, answer.cookies['csrftoken']['secure'], answer['Strict-Transport-Security'])\n"
        "from django.conf import settings; print(settings.SESSION_COOKIE_SECURE)\n"
        "plain = Client(headers={'Host': 'lab.example.org'})\n"
        "print(plain.get('/login').status_code, plain.get('/login')['Location'], plain.get('/healthz').status_code)\n"
    )
    assert _said(code) == ["200 True max-age=31536000", "True", "301 https://lab.example.org/login 200"]
    assert "max-age=60" in _said(code, HSTS_SECONDS="60")[0]


def _said(code: str, **more: str) -> list[str]:
    done = python(code, **PRODUCTION, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_django_knows_no_warning_for_production() -> None:
    code = "from django.core.management import execute_from_command_line\n"
    code += "execute_from_command_line(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
    done = python(code, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert "WARNING" not in done.stderr
    assert set(django_settings.SILENCED_SYSTEM_CHECKS) == {"security.W005", "security.W021"}


@pytest.mark.parametrize("key", ["short", "a" * 80])
def test_a_key_that_can_be_guessed_is_refused_and_not_shown(key: str) -> None:
    done: subprocess.CompletedProcess[str] = python("import webapp.settings", SECRET_KEY=key)
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr.splitlines()[-1]
    assert "secrets.token_urlsafe(50)" in done.stderr
    assert key not in done.stderr.splitlines()[-1].replace("SECRET_KEY", "")


def test_where_the_proxy_speaks_https_a_forged_header_from_outside_is_its_business(people: People) -> None:
    """Without HTTPS=1 the header means nothing: cookies of a plain site stay usable."""
    answer = Client(headers={"X-Forwarded-Proto": "https"}).get("/login")
    assert not answer.wsgi_request.is_secure()
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert Client(headers={"X-Forwarded-Proto": "https"}).get("/login").wsgi_request.is_secure()
