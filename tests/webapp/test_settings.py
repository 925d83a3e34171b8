"""Settings, models and imports, each looked at in a fresh process where that matters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from webapp.settings import mail_settings

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "webapp.settings", **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_problem_is_known_to_django() -> None:
    call_command("check", fail_level="WARNING")


def test_pages_load_neither_torch_nor_workers() -> None:
    code = (
        "import sys, django; django.setup(); import webapp.urls\n"
        "heavy = {'torch', 'transformers', 'peft', 'botorch', 'workers', 'polars'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"DATABASE_URL": "nonsense"}, "postgresql://user:password@host:5432/name"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "only PostgreSQL is supported"),
        ({"STORAGE_URL": "ftp://x"}, "must be file:///folder or s3://bucket/prefix"),
        ({"DEBUG": "perhaps"}, "DEBUG: got 'perhaps', must be 1 or 0"),
        ({"EMAIL_URL": "imap://user:hush@host"}, "EMAIL_URL: must be smtp://user:password@host:587?tls=1"),
        ({"METRICS_ALLOW": "everybody"}, "METRICS_ALLOW: 'everybody' does not appear to be an IPv4 or IPv6 network"),
        ({"API_RATE_PER_MINUTE": "many"}, "API_RATE_PER_MINUTE: got 'many', must be a whole number"),
        ({"UPLOAD_LIMIT_MB": "much"}, "UPLOAD_LIMIT_MB: got 'much', must be a whole number"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_must_be(variables: dict[str, str], words: str) -> None:
    done = python("import webapp.settings", **variables)
    assert done.returncode != 0
    assert words in done.stderr.splitlines()[-1]
    assert "hush" not in done.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://me%40x:s%3Acret@mail.example.org?tls=1", ("mail.example.org", 587, "me@x", "s:cret", True, False)),
        ("smtps://mail.example.org", ("mail.example.org", 465, "", "", False, True)),
        ("smtp://mail.example.org:2525", ("mail.example.org", 2525, "", "", False, False)),
        ("", ("", 25, "", "", False, False)),
    ],
)
def test_the_mail_server_is_read_from_one_address(url: str, expected: tuple[object, ...]) -> None:
    assert tuple(mail_settings(url).values()) == expected


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file, long enough to be a key of a web site\n", encoding="utf-8")
    done = python(
        "import os; del os.environ['SECRET_KEY']; import webapp.settings; print(webapp.settings.SECRET_KEY)",
        SECRET_KEY_FILE=str(tmp_path / "key"),
    )
    assert done.stdout.strip() == "from a file, long enough to be a key of a web site"


def test_the_key_of_the_storage_comes_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of the bucket\n", encoding="utf-8")
    known = {"STORAGE_URL": "s3://bucket/prefix", "AWS_ACCESS_KEY_ID": "known"}
    code = "import webapp.settings; print(webapp.settings.STORAGES['default']['OPTIONS'].get('secret_key'))"
    assert python(code, **known, AWS_SECRET_ACCESS_KEY_FILE=str(tmp_path / "key")).stdout.strip() == "of the bucket"
    assert python(code, **known).stdout.strip() == "None"


def test_connections_are_kept_only_where_that_is_asked_for() -> None:
    code = (
        "import django; django.setup(); from django.db import connection\n"
        "for _ in range(2):\n"
        "    connection.ensure_connection(); print(connection.connection.info.backend_pid); connection.close()\n"
        "print(connection.pool is not None); connection.close_pool()"
    )
    # One alone: of several, the pool gives out any.
    kept, fresh = python(code, DATABASE_POOL="1"), python(code, DATABASE_POOL="0")
    first, second, pooled = kept.stdout.split()
    assert (first == second, pooled) == (True, "True"), kept.stderr
    first, second, pooled = fresh.stdout.split()
    assert (first == second, pooled) == (False, "False"), fresh.stderr
