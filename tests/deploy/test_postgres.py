"""The embedded Postgres: closed to others, and safe against what a kill leaves behind."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from deploy.local import unprivileged
from deploy.local.postgres import Postgres, programs
from tests.deploy.conftest import OrdinaryUser
from tests.support.processes import alive, tree, wait_until

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("postgres")
    yield folder
    Postgres(folder).remove()


@pytest.fixture
def postgres(folder: Path) -> Iterator[Postgres]:
    postgres = Postgres(folder, durable=False)
    postgres.start()
    yield postgres
    postgres.stop()


def test_it_keeps_its_data_and_ends_at_stop(folder: Path) -> None:
    postgres = Postgres(folder, durable=False)
    with psycopg.connect(postgres.start()) as connection:
        connection.execute("create table if not exists kept (number integer)")
        connection.execute("insert into kept values (42)")
    assert postgres.process is not None
    assert postgres.process.pid is not None
    processes = tree(postgres.process.pid)
    postgres.stop()
    assert alive(processes) == []
    again = Postgres(folder, durable=False)
    with psycopg.connect(again.start()) as connection:
        assert connection.execute("select number from kept").fetchone() == (42,)
    again.stop()


def test_a_wrong_password_is_refused_and_the_right_one_is_secret(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://dareclab:guess@127.0.0.1:{postgres.port}/dareclab")
    assert stat.S_IMODE((postgres.folder / "password").stat().st_mode) == 0o600


def test_it_listens_on_loopback_only_and_not_as_root(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)
        row = connection.execute("select pg_backend_pid()").fetchone()
    assert row is not None
    assert postgres.process is not None
    assert postgres.process.pid is not None
    server = psutil.Process(postgres.process.pid).children()[0]
    assert server.uids().effective != 0


def test_data_survive_a_kill(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("create table survivor (number integer)")
    assert postgres.process is not None
    assert postgres.process.pid is not None
    processes = tree(postgres.process.pid)
    processes[0].kill()
    again = Postgres(postgres.folder, durable=False)
    with psycopg.connect(again.start()) as connection:
        connection.execute("drop table survivor")
    again.stop()
    wait_until(lambda: not alive(processes))


def test_a_server_that_was_left_running_is_replaced(postgres: Postgres) -> None:
    left = psutil.Process(postgres.process.pid or 0) if postgres.process else None
    again = Postgres(postgres.folder, durable=False)
    psycopg.connect(again.start()).close()
    assert left is not None
    wait_until(lambda: not alive([left]))
    again.stop()


def test_a_stale_pid_file_is_not_believed(folder: Path) -> None:
    first = Postgres(folder, durable=False)
    first.start()
    first.stop()
    data = next(path.parent for path in _cluster(folder).rglob("PG_VERSION") if path.parent.name == "data")
    # A live process that is no server, of the user that the server runs as.
    account = {"user": pwd.getpwnam(unprivileged.USER).pw_uid, "group": 65534, "extra_groups": []} if AS_ROOT else {}
    with subprocess.Popen(["sleep", "60"], **account) as other:  # type: ignore[call-overload]
        (data / "postmaster.pid").write_text(f"{other.pid}\n{data}\n0\n1\n\n127.0.0.1\n0 0\n")
        again = Postgres(folder, durable=False)
        try:
            psycopg.connect(again.start()).close()
            assert other.poll() is None
        finally:
            again.stop()
            other.kill()


def _cluster(folder: Path) -> Path:
    return unprivileged.server_home(folder)


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user, who may not reach the folder")
def test_a_closed_parent_folder_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = Postgres(closed / "postgres", durable=False)
    elsewhere = unprivileged.own_folder(closed / "postgres")
    try:
        psycopg.connect(postgres.start()).close()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert (elsewhere / "cluster" / "data" / "PG_VERSION").is_file()
        assert stat.S_IMODE((elsewhere / "cluster").stat().st_mode) == 0o700
    finally:
        postgres.remove()
    assert not elsewhere.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user, who may not reach the programs")
def test_programs_out_of_reach_are_copied_and_work(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    package = programs().parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(
            package.with_name(name), closed / name, symlinks=True, ignore=shutil.ignore_patterns("include", "pginstall")
        )
    closed.chmod(0o700)
    state = tmp_path / "state"
    try:
        copy = unprivileged.server_programs(closed / package.name / programs().name, state)
        assert not copy.is_relative_to(closed)
        nobody = pwd.getpwnam(unprivileged.USER)
        command = [str(copy / "bin" / "initdb"), "--version"]
        done = subprocess.run(command, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], capture_output=True, check=False)
        assert done.stdout.startswith(b"initdb (PostgreSQL) 18"), done.stderr
        assert unprivileged.server_programs(closed / package.name / programs().name, state) == copy
    finally:
        unprivileged.remove_own_folder(state)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


ORDINARY = """
import sys
from pathlib import Path
import psycopg, redis
from deploy.local.postgres import Postgres, programs
from deploy.local.redis import Redis
postgres, broker = Postgres(Path(sys.argv[1]) / "postgres", durable=False), Redis(Path(sys.argv[1]) / "redis")
psycopg.connect(postgres.start()).close()
redis.Redis.from_url(broker.start()).ping()
broker.stop()
postgres.stop()
print("fine")
"""


@pytest.mark.skipif(not AS_ROOT, reason="this test becomes an ordinary user; all others run as one already")
def test_an_ordinary_user_can_do_the_same(ordinary_user: OrdinaryUser) -> None:
    done = ordinary_user.run([sys.executable, "-c", ORDINARY, str(ordinary_user.home)])
    assert done.stdout == "fine\n", done.stderr
