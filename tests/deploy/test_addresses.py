"""A wrong setting is refused within seconds, with what to do, before anything is started or written."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.home import ROOT
from tests.deploy.conftest import SERVICES


def _up(folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name not in SERVICES}
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "up"],
        env={**kept, "DARECLAB_HOME": str(folder / "state"), **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert time.monotonic() - begin < 20
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "state").exists()
    return done


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DATABASE_URL", "nonsense", "Write it as postgresql://"),
        ("DATABASE_URL", "mysql://a:b@127.0.0.1/x", "only PostgreSQL is supported"),
        ("DATABASE_URL", "postgresql://a:b@127.0.0.1:port/x", "Write it as postgresql://"),
        ("DATABASE_URL", "postgresql://a:hush@127.0.0.1:1/x", "Start that server, correct host and port"),
        ("BROKER_URL", "pigeon://127.0.0.1", "No such transport: pigeon"),
        ("BROKER_URL", "redis://:hush@127.0.0.1:1/0", "Start that broker"),
        ("STORAGE_URL", "ftp://somewhere", "STORAGE_URL: got 'ftp://somewhere'"),
        ("PORT", "http", "PORT: got 'http'"),
        ("SECRET_KEY_FILE", "/nowhere/key", "/nowhere/key"),
    ],
)
def test_a_wrong_setting_says_what_to_do(tmp_path: Path, name: str, value: str, message: str) -> None:
    done = _up(tmp_path, **{name: value})
    assert message in done.stderr
    assert name.removesuffix("_FILE") in done.stderr or "setting" in done.stderr
    assert "hush" not in done.stderr


def test_a_wrong_password_and_a_missing_database_are_told_apart(tmp_path: Path) -> None:
    url = os.environ["DATABASE_URL"]
    password = urlsplit(url).password
    assert password
    assert "Correct user and password" in _up(tmp_path, DATABASE_URL=url.replace(password, "guess")).stderr
    assert "Create that database" in _up(tmp_path, DATABASE_URL=url + "missing").stderr


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    taken = str(urlsplit(os.environ["DATABASE_URL"]).port)
    assert f"PORT: {taken} on 127.0.0.1 is taken" in _up(tmp_path, PORT=taken).stderr
