"""Whether all that was promised is there, once, and as it was sent."""

import hashlib
from pathlib import Path

import psycopg

from tests.benchmarks.load.working import Promised


def find_lost(database: str, storage: Path, planted: int, seen: Promised) -> list[str]:
    """What is missing, there twice, or different from what was sent; ``planted`` is how many runs there were before."""
    lost = []
    with psycopg.connect(database) as connection:
        rows = {row[0] for row in connection.execute("SELECT id FROM experiments_run WHERE state = 'queued'")}
        lost += [f"run {run} was answered, but is not there" for run in seen.runs if run not in rows]
        if len(seen.runs) != len(set(seen.runs)):
            lost.append("the same run was answered to two requests")
        total = connection.execute("SELECT count(*) FROM experiments_run").fetchone()
        if total is not None and total[0] != planted + len(seen.runs):
            lost.append(f"{total[0] - planted} runs were made, {len(seen.runs)} were answered")
        for version, sent in seen.versions.items():
            parts = connection.execute(
                "SELECT p.stored FROM datasets_uploadpart p JOIN datasets_uploadfile f ON f.id = p.file_id "
                "JOIN datasets_upload u ON u.id = f.upload_id WHERE u.version_id = %s ORDER BY p.number",
                [version],
            ).fetchall()
            whole = hashlib.sha256()
            for (key,) in parts:
                whole.update((storage / key).read_bytes())
            if whole.hexdigest() != sent:
                lost.append(f"version {version}: its {len(parts)} stored parts are not what was sent")
    return lost
