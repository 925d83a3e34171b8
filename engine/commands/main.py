"""The command line: commands, exit codes, and the one JSON object at the end of standard output.

Exit code 0 is success, 2 a mistake of the user's (message and hint on stderr), 1 ours, 3 a check that says no (``reproduce``),
130 an interruption by Ctrl-C.
"""

import argparse
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.commands.parsers import add_data, add_predict, add_reproduce, add_vectors
from engine.commands.terminal import tell
from engine.errors import EngineError, RunCancelled, UserError
from engine.plain_text import json_line, many_lines
from engine.presets import presets
from engine.search.presets import search_presets

Command = Callable[[argparse.Namespace], dict[str, Any]]
DISAGREES = 3
"""Exit code of a command whose result says ``agrees: false``."""


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s: %(message)s")
    try:
        result = _command(options.command)(options)
    except UserError as error:
        _complain(error)
        return 2
    except (RunCancelled, KeyboardInterrupt) as error:
        tell(f"Stopped. {getattr(error, 'hint', '')}".strip())
        return 130
    except EngineError as error:
        _complain(error)
        return 1
    except Exception:
        print(many_lines(traceback.format_exc()), file=sys.stderr)
        tell("This is a fault of ours, not of your data; please report the lines above.")
        return 1
    print(json_line(result), flush=True)
    return DISAGREES if result.get("agrees") is False else 0


_FORMATS = "csv escapes formulas, for spreadsheets; csv-raw is as the data is; all but csv give the same version when read again"


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m engine",
        description="Prepare data, train recommenders, and ask them. The last line of standard output is one JSON object.",
    )
    names = "prepare,export,fit,evaluate,study,ablate,search,bench,refit,recommend,reproduce,predict,vectors"
    commands = parser.add_subparsers(dest="command", required=True, metavar=f"{{{names}}}")

    prepare = commands.add_parser(
        "prepare",
        help="turn raw files into an immutable, hashed version",
        description="Turn raw files into an immutable, hashed version. Rows that cannot be used are left out; they are listed, "
        "with file, line, reason and text, in OUT.rejected.csv beside the version's folder OUT.",
    )
    add_data(prepare)
    prepare.add_argument("--mapping", type=Path, help="YAML or JSON file that says what the columns mean; see README.md")
    prepare.add_argument("--out", type=Path, help="folder of the version; default: a fresh one below ./runs")
    _add_settings(prepare, "e.g. filters.core=5; nothing is filtered unless told (exact duplicates aside)")

    export = commands.add_parser("export", help="write a version as Parquet, CSV or RecBole's atomic files, in a zip archive")
    add_data(export)
    export.add_argument("--format", choices=("parquet", "csv", "csv-raw", "recbole"), default="parquet", help=_FORMATS)
    export.add_argument("--out", type=Path, required=True, help="the archive, a file that does not exist yet")

    fit = commands.add_parser("fit", help="train a method, choose on validation, test once")
    add_data(fit)
    fit.add_argument("--preset", help=f"name of a preset: {', '.join(presets().names())}")
    fit.add_argument("--spec", type=Path, help="YAML or JSON file with a spec, instead of a preset")
    fit.add_argument("--out", type=Path, help="folder of the run; default: a fresh one below ./runs; an unfinished run goes on")
    fit.add_argument("--list", action="store_true", help="show each setting with its range and unit, and do nothing")
    fit.add_argument(
        "--processes",
        type=_processes,
        default=1,
        metavar="N",
        help="train with N processes (one for each GPU, or on CPU), which share each batch; networks over item sequences only",
    )
    fit.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write loss, validation and test metrics for TensorBoard too, while it trains, below DIR/(name of --out)",
    )
    _add_settings(fit, "e.g. training.minutes=8")

    study = commands.add_parser("study", help="train several variants over several seeds, and show one table")
    study.add_argument("--spec", type=Path, help="YAML or JSON file with variants, seeds and base")
    _add_study(study)
    _add_settings(study, "for every variant, e.g. training.minutes=8")

    ablate = commands.add_parser("ablate", help="train a method with and without each of its parts, and show one table")
    ablate.add_argument("--preset", help="name of a preset whose method has ablations, e.g. darec-nano")
    ablate.add_argument("--spec", type=Path, help="YAML or JSON file with a spec, instead of a preset")
    ablate.add_argument("--seeds", default="0,1,2", help="seeds with commas between them (default 0,1,2)")
    ablate.add_argument("--only", help="names of ablations with commas between them; the base is always there")
    _add_study(ablate)
    _add_settings(ablate, "for every variant, e.g. training.minutes=8")

    bench = commands.add_parser("bench", help="measure speed, and architecture search, against yardsticks, in one process")
    bench.add_argument(
        "what",
        choices=("throughput", "ranking", "all", "search", "suggest", "ingest"),
        help="what to measure; all is the first two",
    )
    _add_bench(bench)

    search = commands.add_parser("search", help="search which layers want which adapters, and compare with uniform LoRA")
    search.add_argument("--preset", help=f"name of a search preset: {', '.join(search_presets().names())}")
    search.add_argument("--spec", type=Path, help="YAML or JSON file with a search, instead of a preset")
    search.add_argument("--out", type=Path, help="folder of the search; default: a fresh one below ./runs; what is done is kept")
    search.add_argument("--jobs", type=int, default=1, help="trials at once, each in a process with one thread (default 1)")
    add_data(search)
    _add_settings(search, "e.g. trials=30, space.ranks=[4,8], run.training.minutes=10")

    evaluate = commands.add_parser("evaluate", help="measure a finished run once more, perhaps under another protocol")
    evaluate.add_argument("--run", type=Path, required=True, help="folder of the run")
    _add_settings(evaluate, "of the protocol only, e.g. evaluation.candidates=imported; the run's own split stands")

    refit = commands.add_parser(
        "refit",
        help="train a finished run's choices once more on all interactions, for use",
        description="Train the settings of a finished run once more on all interactions of its version, each stage for as many "
        "epochs as validation chose. Nothing is held out, so the result has no metrics.",
    )
    refit.add_argument("--run", type=Path, required=True, help="folder of the finished run")
    refit.add_argument("--data", type=Path, help="the version, if it has moved since")
    refit.add_argument(
        "--out", type=Path, help="folder of the refit; default: a fresh one below ./runs; an unfinished one goes on"
    )

    recommend = commands.add_parser("recommend", help="ask a finished run for recommendations, of one user or of all")
    recommend.add_argument("--run", type=Path, required=True, help="folder of the run")
    who = recommend.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", help="id of a user of the run's data: all their interactions are the history")
    who.add_argument("--history", help="item ids with commas between them, oldest first")
    who.add_argument("--all", action="store_true", help="every user of the run's data, into the file --out")
    recommend.add_argument("--k", type=int, default=10, help="how many items (default 10)")
    recommend.add_argument("--out", type=Path, help="with --all: the file, which does not exist yet; .parquet, .csv or .jsonl")
    recommend.add_argument(
        "--format", choices=("parquet", "csv", "csv-raw", "jsonl"), help="with --all: default by the name; csv escapes formulas"
    )
    recommend.add_argument(
        "--seen", choices=("protocol", "remove", "keep"), default="protocol", help="with --all: items of the user's history"
    )
    recommend.add_argument("--batch", type=int, default=256, help="with --all: users scored at once (default 256)")
    add_reproduce(commands)
    add_predict(commands)
    add_vectors(commands)
    return parser


def _processes(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"got {text!r}, must be a number from 1 to 64")
    return int(text)


def _add_study(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--out", type=Path, help="folder of the study; default: a fresh one below ./runs; what is done is kept")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, each in a process with one thread (default 1)")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of both sides (default 1); ingest takes all")
    add_data(parser)
    training = parser.add_argument_group("throughput: targets a second, against a prompt per target")
    training.add_argument("--preset", default="darec-nano", help="a preset of darec (default darec-nano)")
    training.add_argument("--window", type=int, default=50, help="items of a window (default 50)")
    training.add_argument("--seconds", type=float, default=20, help="time for each side (default 20)")
    training.add_argument("--prompts", type=int, default=16, help="prompts in a step of the other side (default 16)")
    training.add_argument("--rank", type=int, default=8, help="rank of LoRA on both sides (default 8)")
    training.add_argument("--histories", type=int, default=200, help="users of the generated data (default 200)")
    training.add_argument("--catalogue", type=int, default=1000, help="items of the generated data (default 1000)")
    _add_settings(parser, "of darec, e.g. method.precision=bf16")
    scoring = parser.add_argument_group("ranking: scoring a catalogue, against the bare matrix product")
    for name, default in (("users", 4096), ("items", 12_000), ("dimensions", 64), ("batch", 256), ("repetitions", 7)):
        scoring.add_argument(f"--{name}", type=int, default=default, help=f"default {default:,}")
    ingesting = parser.add_argument_group("ingest: a large CSV log to a profiled version, against polars' bare CSV-to-Parquet")
    ingesting.add_argument("--rows", type=int, default=10_000_000, help="interactions of the generated log (default 10,000,000)")
    searching = parser.add_argument_group("search: regret on a made-up objective with known optimum, against TPE and chance")
    searching.add_argument("--sizes", default="12,32", help="numbers of layers with commas between them (default 12,32)")
    searching.add_argument("--seeds", type=int, default=10, help="objectives drawn for each number of layers (default 10)")
    searching.add_argument("--trials", type=int, default=40, help="trials of each search (default 40)")
    searching.add_argument("--quick", action="store_true", help="the first size, two seeds, 20 trials at most")
    suggesting = parser.add_argument_group("suggest: seconds for the next point of a search")
    suggesting.add_argument("--layers", type=int, default=32, help="layers of the backbone (default 32)")
    suggesting.add_argument("--finished", type=int, default=100, help="finished trials (default 100)")
    suggesting.add_argument("--running", type=int, default=2, help="trials still running (default 2)")
    suggesting.add_argument("--suggestions", type=int, default=5, help="measurements, the median counts (default 5)")


def _add_settings(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=f"change a setting, {example}")


def _command(name: str) -> Command:
    """The command's function; imported late, so that help and user errors need no torch."""
    if name == "prepare":
        from engine.commands.prepare import prepare_command

        return prepare_command
    if name == "export":
        from engine.commands.export import export_command

        return export_command
    if name == "fit":
        from engine.commands.fit import fit_command

        return fit_command
    if name == "study":
        from engine.commands.study import study_command

        return study_command
    if name == "ablate":
        from engine.commands.ablate import ablate_command

        return ablate_command
    if name == "bench":
        from engine.commands.bench import bench_command

        return bench_command
    if name == "search":
        from engine.commands.search import search_command

        return search_command
    if name == "evaluate":
        from engine.commands.evaluate import evaluate_command

        return evaluate_command
    if name == "reproduce":
        from engine.commands.reproduce import reproduce_command

        return reproduce_command
    if name == "predict":
        from engine.commands.predict import predict_command

        return predict_command
    if name == "vectors":
        from engine.commands.vectors import vectors_command

        return vectors_command
    if name == "refit":
        from engine.commands.refit import refit_command

        return refit_command
    from engine.commands.recommend import recommend_command

    return recommend_command


def _complain(error: EngineError) -> None:
    tell(f"error: {error.message}")
    if error.hint:
        tell(f"  hint: {error.hint}")
