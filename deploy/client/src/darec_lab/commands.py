"""What each command does."""

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from darec_lab.client import Client
from darec_lab.errors import ClientError
from darec_lab.run import Run
from darec_lab.show import show, show_json

_RUN = ("id", "state", "preset", "dataset", "ndcg@10", "hr@10", "tags")


def upload(client: Client, options: argparse.Namespace) -> None:
    """Send files, make a version, wait for it."""
    files: dict[str, str | Path] = {"interactions": options.interactions}
    if options.items:
        files["items"] = options.items
    if options.resume:
        begun = client.uploads.get(options.resume)
    else:
        name = options.name or (options.interactions.stem if options.dataset is None else "")
        begun = client.uploads.begin(files, name=name, dataset=options.dataset, project=options.project)
    print(f"If it breaks off: darec-lab upload ... --resume {begun.key}", file=sys.stderr)
    version = begun.send(files, progress=True).make_version(pairs(options.filter))
    if not options.no_wait:
        version.wait(progress=True)
    names = ("id", "dataset", "state", "users", "items", "interactions")
    row = {name: version.values[name] for name in names if name in version.values}
    _show([row], options, version.values)


def launch(client: Client, options: argparse.Namespace) -> None:
    """Launch a run."""
    run = client.runs.create(options.version, options.preset, pairs(options.set), acknowledge_leakage=options.acknowledge_leakage)
    if options.wait:
        print(f"run {run.id}", file=sys.stderr)
        run.wait(progress=True)
    _show([_row(run)], options, run.values)


def watch(client: Client, options: argparse.Namespace) -> None:
    """Wait for a run."""
    run = client.runs.get(options.id).wait(progress=True, timeout=options.timeout)
    _show([_row(run)], options, run.values)


def list_runs(client: Client, options: argparse.Namespace) -> None:
    """List runs."""
    found = client.runs.list(state=options.state, method=options.method, tag=options.tag, where=options.where, sort=options.sort)
    runs = list(islice(found, options.most))
    _show([_row(run) for run in runs], options, [run.values for run in runs], _RUN)


def compare(client: Client, options: argparse.Namespace) -> None:
    """Compare runs."""
    columns = options.columns.split(",") if options.columns else None
    found = client.compare(options.runs, columns=columns, metric=options.metric, significant=not options.fast)
    if options.json:
        show_json(found.values)
        return
    show(found.rows(), False, None)
    if rows := found.pairs():
        show(rows, False, None)
    if unknown := found.values["unknown"]:
        raise ClientError(f"There are no runs {', '.join(str(one) for one in unknown)}, or they are not yours.")


def pull(client: Client, options: argparse.Namespace) -> None:
    """Download the files of a run into a folder."""
    run = client.runs.get(options.id)
    folder: Path = options.out or Path(f"run-{run.id}")
    names = options.file or [file["name"] for file in run.files()]
    if not names:
        raise ClientError(f"Run {run.id} has no files yet.", "Wait until it has ended.")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in names:
        path = run.download(name, folder)
        rows.append({"file": str(path), "bytes": path.stat().st_size})
    show(rows, options.json, rows)


def pairs(texts: list[str]) -> dict[str, Any]:
    """``["a.b=2", "c=x"]`` as ``{"a.b": 2, "c": "x"}``: values are JSON where they can be read so, else text."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ClientError(f"{text!r} is no setting.", "Write NAME=VALUE, such as training.epochs=20.")
        try:
            found[name] = json.loads(value, parse_constant=_no_number)
        except ValueError:
            found[name] = value
    return found


def _no_number(name: str) -> None:
    """NaN and Infinity are no JSON: the site says what is wrong with such a text."""
    raise ValueError(name)


def _show(rows: list[dict[str, Any]], options: argparse.Namespace, values: Any, names: Sequence[str] = ()) -> None:
    """As ``show``; with ``--quiet`` nothing but ids."""
    if not options.quiet:
        show(rows, options.json, values, names)
        return
    for row in rows:
        print(row["id"])


def _row(run: Run) -> dict[str, Any]:
    known = {name: run.values.get(name) for name in ("id", "state", "preset", "dataset", "tags")}
    return {name: {**known, **run.test}.get(name) for name in _RUN}
