"""Settings from the environment, checked before anything is started or written."""

import importlib
import os
from typing import Any

import dj_database_url
import psycopg
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.exceptions import OperationalError

from deploy.local.errors import SetupError
from deploy.local.ports import free_port, is_free
from webapp.environment import env

OLDEST_POSTGRES = 14
CONNECT_SECONDS = 5
DEFAULT_PORT = 8000


def check_settings() -> None:
    """Check every setting that Django reads; raises SetupError."""
    try:
        importlib.import_module("webapp.settings")
    except ImproperlyConfigured as error:
        raise SetupError(str(error)) from error
    except FileNotFoundError as error:
        raise SetupError(f"A setting names a file that is not there: {error.filename}.", "Correct the variable.") from error


def database_url() -> str | None:
    """DATABASE_URL if it is set and a server answers there; None if it is not set. Raises SetupError."""
    url = env("DATABASE_URL")
    if not url:
        return None
    settings = importlib.import_module("webapp.settings").DATABASES["default"]
    place = f"database {settings['NAME']!r} at {settings['HOST'] or 'the local socket'}:{settings['PORT'] or 5432}"
    if settings["USER"]:
        place += f" as user {settings['USER']!r}"
    try:
        connection = _connect(settings)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0].removeprefix("connection is bad: ").rstrip(".")
        raise SetupError(f"DATABASE_URL: no connection to {place}: {reason}.", _database_hint(reason)) from error
    with connection:
        version = connection.info.server_version // 10_000
    if version < OLDEST_POSTGRES:
        raise SetupError(f"DATABASE_URL: {place} is PostgreSQL {version}; {OLDEST_POSTGRES} or newer is needed.")
    return url


def has_accounts(url: str) -> bool:
    """Whether anybody could log in to the lab whose database is at ``url``."""
    with _connect(dict(dj_database_url.parse(url))) as connection:
        return connection.execute("select 1 from auth_user limit 1").fetchone() is not None


def _connect(settings: dict[str, Any]) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(
        dbname=settings["NAME"],
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
        user=settings["USER"] or None,
        password=settings["PASSWORD"] or None,
        connect_timeout=CONNECT_SECONDS,
        **settings.get("OPTIONS", {}),
    )


def _database_hint(reason: str) -> str:
    leave = "or unset DATABASE_URL to use the embedded PostgreSQL."
    if "authentication failed" in reason or "no password" in reason or "pg_hba" in reason:
        return f"Correct user and password in it, {leave}"
    if "does not exist" in reason:
        return f"Create that database or role, or correct the name, {leave}"
    return f"Start that server, correct host and port, {leave}"


def broker_url() -> str | None:
    """BROKER_URL if it is set and a broker answers there; None if it is not set. Raises SetupError."""
    url = env("BROKER_URL")
    if not url:
        return None
    shape = "Write it as redis://:password@host:6379/0 or amqp://user:password@host:5672/name"
    leave = "or unset BROKER_URL to use the embedded Redis."
    try:
        options = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}
        with Connection(url, connect_timeout=CONNECT_SECONDS, transport_options=options) as probe:
            probe.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_SECONDS)
    except (KeyError, ValueError) as error:
        raise SetupError(f"BROKER_URL: {error.args[0]}.", f"{shape}, {leave}") from error
    except OperationalError as error:
        raise SetupError(
            f"BROKER_URL: no connection: {str(error).rstrip('.')}.", f"Start that broker, correct the address, {leave}"
        ) from error
    return url


def web_port() -> int:
    """PORT, which must be free; else 8000, or a free one if that is taken. Raises SetupError."""
    text = os.environ.get("PORT", "")
    if not text:
        return free_port(DEFAULT_PORT)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SetupError(f"PORT: got {text!r}, must be a number from 1 to 65535.")
    if not is_free(int(text)):
        raise SetupError(f"PORT: {text} on 127.0.0.1 is taken by another program.", "Choose another one, or unset PORT.")
    return int(text)
