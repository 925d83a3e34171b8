import hashlib
import hmac
import ipaddress

import pytest
from pytest_django import Settings

from engine.errors import UserError
from webapp.notices.webhooks import Webhook, is_public, read_webhook, resolve, sign


@pytest.mark.parametrize(
    "number",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
    ],
)  # fmt: skip
def test_inner_numbers_are_not_public(number: str) -> None:
    assert not is_public(ipaddress.ip_address(number))


@pytest.mark.parametrize("number", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_numbers_of_the_internet_are(number: str) -> None:
    assert is_public(ipaddress.ip_address(number))


def test_an_address_is_taken_apart() -> None:
    assert read_webhook("https://hook.example.org:8443/a/b?c=d#e") == Webhook(True, "hook.example.org", 8443, "/a/b?c=d")
    assert read_webhook("https://hook.example.org").target == "/"


def test_a_name_of_this_machine_is_refused_when_it_is_resolved(settings: Settings) -> None:
    with pytest.raises(UserError, match="not a public one"):
        resolve(read_webhook("https://localhost/"))
    settings.WEBHOOK_PRIVATE = True
    assert resolve(read_webhook("https://localhost/")) in ("127.0.0.1", "::1")
    assert read_webhook("http://localhost:8000/").port == 8000
    with pytest.raises(UserError, match="must begin with https"):
        read_webhook("http://example.org/")


@pytest.mark.parametrize(
    "url", ["https://exa mple.org/", "https://example.org/\r\nX: y", "https://exämple.org/", "https://" + "a" * 500]
)
def test_odd_signs_are_refused(url: str) -> None:
    with pytest.raises(UserError):
        read_webhook(url)


def test_the_signature_is_over_time_and_body() -> None:
    expected = hmac.new(b"secret", b'17.{"a": 1}', hashlib.sha256).hexdigest()
    assert sign("secret", 17, b'{"a": 1}') == f"sha256={expected}"
