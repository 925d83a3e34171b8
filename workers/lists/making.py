"""Writing the lists for every user inside a child process: one file, streamed, then put into the storage."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

from engine.errors import RunCancelled, UserError
from webapp.datasets.models import HEAVY_OF_VERSION, VersionState
from webapp.delivering.models import ListFormat, UserLists
from webapp.environment import env
from webapp.experiments.models import RunState
from webapp.storage import fetch_folder, publish_folder
from workers.database import DATABASE_DOWN
from workers.failures import SERVING_TOOK_TOO_MUCH, explain, is_out_of_memory
from workers.lists.states import beat, fail, finish, held

if TYPE_CHECKING:
    from engine.recommend import Recommender

_log = logging.getLogger(__name__)
_TELL = 1.0
"""Seconds between two writes of the progress."""


def make_lists(pk: int, attempt: int, scratch: Path, key: str) -> None:
    """Make the file of the claimed row ``pk``, and write its final state.

    Args:
        scratch: an empty folder.
        key: storage folder for the file.
    """
    lists = held(pk, attempt).select_related("run__version").defer(*(f"run__{name}" for name in HEAVY_OF_VERSION)).first()
    if lists is None:
        _log.info("lists %d, attempt %d: gone, or somebody else's by now", pk, attempt)
        return
    try:
        values = _made(lists, attempt, scratch, key)
    except RunCancelled:
        _log.info("lists %d, attempt %d: gone meanwhile", pk, attempt)
    except DATABASE_DOWN:
        # Whoever supervises has them made again.
        raise
    except Exception as error:
        fail(pk, attempt, SERVING_TOOK_TOO_MUCH if is_out_of_memory(error) else explain(error))
    else:
        finish(pk, attempt, **values)


def _made(lists: UserLists, attempt: int, scratch: Path, key: str) -> dict[str, Any]:
    run = lists.run
    if run.state != RunState.SUCCEEDED or run.version.state != VersionState.READY:
        raise UserError(f"{run} or its version is no longer there.", "Ask a run that has succeeded, on a version that is ready.")
    # torch is imported here, in the child, and nowhere else.
    from engine.data.version import read_version
    from engine.everyone import recommend_everyone
    from engine.recommend import Recommender

    version = read_version(fetch_folder(run.version.storage_key, scratch))
    recommender = Recommender.open(fetch_folder(run.folder_key, scratch), version, env("SERVE_DEVICE") or "cpu")
    folder = scratch / "lists"
    folder.mkdir()
    told = time.monotonic()

    def on_batch(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL or done == total:
            told = time.monotonic()
            if not beat(lists.pk, attempt, progress={"done": done, "total": total}):
                raise RunCancelled

    path = folder / lists.file_name
    if lists.form == ListFormat.TREC:
        return _publish(lists, key, path, _write_trec(recommender, lists.k, path, scratch / "trec", on_batch))
    done = recommend_everyone(
        recommender,
        path,
        lists.form,  # type: ignore[arg-type]
        k=lists.k,
        seen=lists.seen,  # type: ignore[arg-type]
        on_batch=on_batch,
    )
    return _publish(lists, key, path, {"users": done.users, "rows": done.rows, "applied": done.seen})


def _write_trec(
    recommender: "Recommender", k: int, path: Path, folder: Path, on_batch: Callable[[int, int], None]
) -> dict[str, Any]:
    """Run, qrels and the users whose targets tie, in one archive."""
    from engine.neighbours.trec import write_trec

    written = write_trec(recommender, "test", k, folder, on_batch)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    seen = "remove" if recommender.remove_seen else "keep"
    return {"users": written.users, "rows": written.lines, "applied": seen}


def _publish(lists: UserLists, key: str, path: Path, values: dict[str, Any]) -> dict[str, Any]:
    size = path.stat().st_size
    publish_folder(path.parent, key)
    return {"storage_key": f"{key}/{lists.file_name}", "size": size, **values}
