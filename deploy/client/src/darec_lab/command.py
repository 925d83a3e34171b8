"""The console command ``darec-lab``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from darec_lab import commands
from darec_lab.client import Client
from darec_lab.errors import ApiError, ClientError, EndedBadlyError, UnreachableError, WaitedTooLongError
from darec_lab.progress import plain

REFUSED, USAGE, UNREACHABLE, ENDED_BADLY, TOO_LONG, INTERRUPTED = 1, 2, 3, 4, 5, 130
_EPILOG = """\
The site and the token come from DAREC_LAB_URL and DAREC_LAB_TOKEN, unless --url or --token-file is given.

exit codes: 0 done; 1 the site refused; 2 wrong usage; 3 no answer; 4 the run or version ended without success;
5 --timeout is over; 130 interrupted. Results go to stdout, progress and errors to stderr.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with Client(_url(options), _token(options)) as client:
            options.run(client, options)
    except UnreachableError as error:
        return _say(error, UNREACHABLE)
    except EndedBadlyError as error:
        return _say(error, ENDED_BADLY)
    except WaitedTooLongError as error:
        return _say(error, TOO_LONG)
    except ApiError as error:
        for problem in error.problems:
            print(f"  {plain(problem['field'])}: {plain(problem['message'])}", file=sys.stderr)
        return _say(error, REFUSED, f" (request {error.request_id})" if error.request_id else "")
    except ClientError as error:
        return _say(error, USAGE)
    except OSError as error:
        return _say(ClientError(str(error)), USAGE)
    except KeyboardInterrupt:
        print("Interrupted; what was launched goes on.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="darec-lab",
        description="Use a DARec Lab site.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--url", help="address of the site")
    shared.add_argument("--token-file", type=Path, help="file that holds the token, in place of DAREC_LAB_TOKEN")
    table = argparse.ArgumentParser(add_help=False, parents=[shared])
    table.add_argument("--json", action="store_true", help="results as JSON, for programs")
    rows = argparse.ArgumentParser(add_help=False, parents=[shared])
    form = rows.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="results as JSON, for programs")
    form.add_argument("--quiet", action="store_true", help="nothing but ids, one a line, for scripts")
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")

    upload = kinds.add_parser("upload", parents=[rows], help="upload files and wait for the version")
    upload.add_argument("interactions", type=Path, help="file of interactions, or an archive with everything")
    upload.add_argument("--items", type=Path, help="file of items")
    upload.add_argument("--name", default="", help="of a new dataset")
    upload.add_argument("--dataset", type=int, help="id of the dataset to add a version to")
    upload.add_argument("--project", type=int, help="id of the project of a new dataset")
    upload.add_argument("--filter", action="append", default=[], metavar="NAME=VALUE", help="such as core=5")
    upload.add_argument("--resume", metavar="KEY", help="go on with an upload that broke off")
    upload.add_argument("--no-wait", action="store_true", help="do not wait until the version is ready")
    upload.set_defaults(run=commands.upload)

    launch = kinds.add_parser("launch", parents=[rows], help="launch a run")
    launch.add_argument("version", type=int, help="id of a version")
    launch.add_argument("preset", help="such as sasrec")
    launch.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="such as training.epochs=20")
    launch.add_argument("--acknowledge-leakage", action="store_true", help="you know the leakage report's serious findings")
    launch.add_argument("--wait", action="store_true", help="watch it to its end")
    launch.set_defaults(run=commands.launch, timeout=None)

    watch = kinds.add_parser("watch", parents=[rows], help="wait for a run, with a progress bar")
    watch.add_argument("id", type=int, help="id of the run")
    watch.add_argument("--timeout", type=float, help="seconds")
    watch.set_defaults(run=commands.watch)

    listing = kinds.add_parser("list", parents=[rows], help="list runs, newest first")
    listing.add_argument("--state", default="", help="a state, or active, or ended")
    listing.add_argument("--method", default="")
    listing.add_argument("--tag", default="")
    listing.add_argument("--where", action="append", default=[], help="a condition, such as 'test.ndcg@10 > .05'")
    listing.add_argument("--sort", default="-id")
    listing.add_argument("--most", type=int, default=50, help="so many at most (50)")
    listing.set_defaults(run=commands.list_runs)

    compare = kinds.add_parser("compare", parents=[table], help="compare runs")
    compare.add_argument("runs", type=int, nargs="+", help="ids")
    compare.add_argument("--metric", default="ndcg@10")
    compare.add_argument("--columns", help="names with commas between")
    compare.add_argument("--fast", action="store_true", help="without significance")
    compare.set_defaults(run=commands.compare)

    pull = kinds.add_parser("pull", parents=[table], help="download a run's files")
    pull.add_argument("id", type=int, help="id of the run")
    pull.add_argument("--out", type=Path, help="folder (run-ID)")
    pull.add_argument("--file", action="append", default=[], help="only this one; may be repeated")
    pull.set_defaults(run=commands.pull)
    return parser


def _url(options: argparse.Namespace) -> str:
    url = options.url or os.environ.get("DAREC_LAB_URL", "")
    if not url:
        raise ClientError("Which site?", "Set DAREC_LAB_URL, or give --url.")
    return str(url)


def _token(options: argparse.Namespace) -> str:
    token = options.token_file.read_text() if options.token_file else os.environ.get("DAREC_LAB_TOKEN", "")
    if not token.strip():
        raise ClientError("There is no token.", "Make one on your profile page; set DAREC_LAB_TOKEN, or give --token-file.")
    return str(token.strip())


def _say(error: ClientError, code: int, more: str = "") -> int:
    print(f"{plain(error)}{more}", file=sys.stderr)
    return code
