"""``bench``: what is measured against a yardstick in the same process; ratios count, seconds stand beside."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.commands.fit import open_version, read_spec
from engine.commands.folders import data_path
from engine.commands.progress import TerminalReport
from engine.errors import UserError
from engine.spec import parse_assignment


def bench_command(options: argparse.Namespace) -> dict[str, Any]:
    """Run what is asked for, or ``throughput`` and ``ranking`` both; returns the figures of one, or of each by its name."""
    if options.what == "all":
        return {"throughput": _throughput(options), "ranking": _ranking(options)}
    benches = {"throughput": _throughput, "ranking": _ranking, "search": _search, "suggest": _suggest, "ingest": _ingest}
    return benches[options.what](options)


def _throughput(options: argparse.Namespace) -> dict[str, Any]:
    from engine.benchmarks.data import long_histories
    from engine.benchmarks.throughput import ThroughputSize, throughput_bench

    size = ThroughputSize(options.seconds, options.prompts, options.rank)
    if options.window < 2:
        raise UserError(f"--window {options.window}: must be 2 or more.")
    settings = {
        "method.text.window": options.window,
        "method.injection.sasrec.window": max(options.window, 50),
        "method.architecture": f"lora/both/{options.rank}",
        "training.threads": options.threads,
        **dict(parse_assignment(text) for text in options.set),
    }
    spec = read_spec(options.preset, None, settings)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if options.data is None:
            version = long_histories(folder / "data", options.histories, options.catalogue, options.window + 3)
        else:
            with TerminalReport() as report:
                version = open_version(data_path(options), spec, folder, settings, report)
        return throughput_bench(spec, version, folder, size, _say)


def _ranking(options: argparse.Namespace) -> dict[str, Any]:
    from engine.benchmarks.ranking import RankingSize, ranking_bench

    size = RankingSize(options.users, options.items, options.dimensions, options.batch, options.repetitions)
    return ranking_bench(size, options.threads, _say)


def _search(options: argparse.Namespace) -> dict[str, Any]:
    from engine.benchmarks.search import SearchSize, search_bench

    sizes, seeds, trials = _whole_numbers("sizes", options.sizes), options.seeds, options.trials
    if options.quick:
        sizes, seeds, trials = sizes[:1], min(seeds, 2), min(trials, 20)
    return search_bench(SearchSize(sizes, seeds, trials), options.threads, _say)


def _suggest(options: argparse.Namespace) -> dict[str, Any]:
    from engine.benchmarks.suggest import SuggestSize, suggest_bench

    size = SuggestSize(options.layers, options.finished, options.running, options.suggestions)
    return suggest_bench(size, options.threads, _say)


def _ingest(options: argparse.Namespace) -> dict[str, Any]:
    from engine.benchmarks.ingest import ingest_bench

    return ingest_bench(options.rows, _say)


def _whole_numbers(name: str, text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise UserError(f"--{name} {text}: must be whole numbers with commas between them, e.g. 12,32.")
    return tuple(int(part) for part in parts)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
