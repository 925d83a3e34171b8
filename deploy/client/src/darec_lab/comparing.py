"""Runs side by side. Numbers stand together only under one protocol: that is what the classes are for."""

import time
from typing import TYPE_CHECKING, Any

from darec_lab.errors import WaitedTooLongError
from darec_lab.frames import frame
from darec_lab.transport import Json, Transport

if TYPE_CHECKING:
    import polars as pl


class Comparison:
    """A comparison; ``values`` holds classes, no_result, unknown and significance as the site told them."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def rows(self) -> list[Json]:
        """One row a run: class, run, state, and each column; those without a result come last, in class "-"."""
        known = [(one["class"], run) for one in self.values["classes"] for run in one["runs"]]
        known += [("-", run) for run in self.values["no_result"]]
        return [{"class": name, "run": run["run"], "state": run["state"], **run["values"]} for name, run in known]

    def pairs(self) -> list[Json]:
        """One row a pair of runs: class, metric, a, b, difference with its 95 % interval, p and corrected_p (Holm)."""
        return [
            {"class": one["class"], "metric": one["metric"], **pair}
            for one in self.values["significance"]
            for pair in one["pairs"]
        ]

    def frame(self) -> "pl.DataFrame":
        """``rows()`` as a DataFrame."""
        return frame(self.rows())

    def significance(self) -> "pl.DataFrame":
        """``pairs()`` as a DataFrame."""
        return frame(self.pairs())


def compare(
    transport: Transport,
    runs: list[int],
    *,
    columns: list[str] | None = None,
    metric: str = "ndcg@10",
    significant: bool = True,
    timeout: float = 300,
) -> Comparison:
    """Compare runs.

    Args:
        runs: ids, 100 at most.
        columns: names as on the page of comparisons; None takes the usual ones.
        metric: what the significance is of.
        significant: whether workers shall test the differences; it is waited for.
        timeout: seconds for that.
    """
    parameters: dict[str, Any] = {
        "runs": ",".join(str(run) for run in runs),
        "columns": ",".join(columns) if columns else None,
        "metric": metric,
        "significant": significant,
    }
    until = time.monotonic() + timeout
    while True:
        values = transport.get("/compare", **parameters)
        if all(one["state"] != "waiting" for one in values["significance"]):
            return Comparison(values)
        if time.monotonic() > until:
            raise WaitedTooLongError(
                f"The significance was not worked out in {timeout:.0f} s.",
                "Is an io worker running? significant=False goes without.",
            )
        transport.sleep(0.5)


def leaderboard(transport: Transport, version: int, by: str = "method") -> "pl.DataFrame":
    """The methods on a version, one row a place; ``class`` says which stand under one protocol."""
    found = transport.get("/leaderboard", version=version, by=by)
    return frame([{"class": board["class"], **place} for board in found["boards"] for place in board["places"]])
