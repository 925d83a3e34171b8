"""Whether a service in this container, or on this host, lives: ``python -m deploy.healthy web | node``; exit code 0 or 1.

``web`` asks the web server for /healthz. ``node`` asks the database whether a worker, beat or the reaper of this host gave a
sign of life within the last minute; where the database does not answer nobody can tell, and a new start would not help.
"""

import os
import socket
import sys
import urllib.error
import urllib.request

import psycopg

from webapp.environment import env

_SECONDS = 5
_SILENT = "select not exists(select 1 from fleet_workernode where host = %s and heartbeat_at > now() - interval '1 minute')"


def web_is_healthy(port: str) -> bool:
    """Whether /healthz answers with 200, under the first of the names that the web server answers to."""
    name = (env("ALLOWED_HOSTS") or "127.0.0.1").split(",")[0].lstrip(".*") or "127.0.0.1"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": name})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # nosec B310  # our own http address
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


def node_is_healthy() -> bool:
    """False if the database answers, and says that nothing of this host gave a sign of life within a minute."""
    try:
        with psycopg.connect(env("DATABASE_URL") or "postgresql:///dareclab", connect_timeout=_SECONDS) as connection:
            row = connection.execute(_SILENT, [socket.gethostname()]).fetchone()
    except psycopg.OperationalError:
        return True
    return row is None or not row[0]


def main(arguments: list[str]) -> int:
    """0: it lives; 1: it does not; 2: a question that is none."""
    if arguments == ["web"]:
        return 0 if web_is_healthy(os.environ.get("PORT") or "8000") else 1
    if arguments == ["node"]:
        return 0 if node_is_healthy() else 1
    print("python -m deploy.healthy web | node", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
