"""Addresses of pages for those who do not serve them: a worker must not load all views to name one."""

from collections.abc import Sequence


def run(pk: int) -> str:
    """The page of a run."""
    return f"/runs/{pk}"


def lists(run: int) -> str:
    """The page of a run's recommendations for everyone."""
    return f"/runs/{run}/everyone"


def group(pk: int) -> str:
    """The page of a group of runs."""
    return f"/groups/{pk}"


def comparison(runs: Sequence[int]) -> str:
    """Runs side by side; at most 20 are named, for the sake of the address."""
    return f"/compare?runs={','.join(map(str, runs[:20]))}"


def search(pk: int) -> str:
    """The page of a search."""
    return f"/searches/{pk}"


def version(dataset: int, number: int) -> str:
    """The page of a version."""
    return f"/datasets/{dataset}/versions/{number}"


def profile() -> str:
    """The page of one's own account."""
    return "/profile"
