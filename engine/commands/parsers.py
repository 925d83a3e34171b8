"""Options of commands: those that several share, and of what a finished run gives to others. Nothing heavy is imported here."""

import argparse
from pathlib import Path


def add_data(parser: argparse.ArgumentParser) -> None:
    """``--data``."""
    parser.add_argument(
        "--data",
        type=Path,
        help="interactions and items (csv, tsv, jsonl, parquet; .gz) in a folder or zip; MovieLens, RecBole, Amazon; a version",
    )


def add_reproduce(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``reproduce``."""
    reproduce = commands.add_parser(
        "reproduce",
        help="train a run again from its bundle, and say whether the numbers agree",
        description="Check that the data are those of the run, train its spec again, and compare all numbers: to the last bit on "
        "the CPU of an equal machine with equal packages, within the tolerance elsewhere. Exit code 3 if they do not agree.",
    )
    reproduce.add_argument("bundle", type=Path, metavar="BUNDLE", help="reproduce.zip of the run's folder or files")
    add_data(reproduce)
    reproduce.add_argument("--out", type=Path, help="folder of the new run; default: a fresh one below ./runs")
    reproduce.add_argument("--quick", action="store_true", help="train nothing, only evaluate the run's trained model again")
    reproduce.add_argument("--run", type=Path, help="with --quick: folder of the run; default: the one that holds BUNDLE")
    reproduce.add_argument(
        "--tolerance",
        type=float,
        default=0.05,
        help="share by which each metric may differ where equal bits cannot be asked for (default 0.05)",
    )


def add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``predict``."""
    predict = commands.add_parser(
        "predict",
        help="write the ranked lists of all tested users, and the held-out items, for ir_measures, ranx or trec_eval",
        description="Write run.trec (user Q0 item rank score tag) and qrels.trec (user 0 item 1), under the run's own protocol, "
        "and tied.txt: the users whose target shares its score with other items, so that other programs may rank it otherwise. "
        "White space and % in ids are percent-encoded, since the format parts its fields by white space.",
    )
    predict.add_argument("--run", type=Path, required=True, help="folder of the run")
    predict.add_argument("--format", choices=("trec",), default="trec", help="format of the lists (default trec)")
    predict.add_argument("--k", type=int, default=100, help="items a user (default 100)")
    predict.add_argument("--split", choices=("test", "valid"), default="test", help="whose targets (default test)")
    predict.add_argument("--out", type=Path, help="folder for the files; default: a fresh one below ./runs")


def add_vectors(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``vectors``."""
    vectors = commands.add_parser(
        "vectors",
        help="write item and user vectors whose inner products are the score, as safetensors and Parquet",
        description="Write vectors.safetensors (items, users), items.parquet and users.parquet (index, id, vector) and "
        "vectors.json, which says what part of the score the inner product is.",
    )
    vectors.add_argument("--run", type=Path, required=True, help="folder of the run")
    vectors.add_argument(
        "--histories",
        choices=("all", "test", "valid"),
        default="all",
        help="what users are known by: all their interactions, or those before their test or validation target (default all)",
    )
    vectors.add_argument("--out", type=Path, help="folder for the files; default: a fresh one below ./runs")
