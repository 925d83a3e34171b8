"""How sure a run's figures are: 95 % intervals over users, as the engine stores them."""

from webapp.experiments.models import Run


def interval_of_test(run: Run, metric: str) -> tuple[float, float] | None:
    """Lower and upper end of a test metric's interval; None for runs from before there were any, and for other metrics."""
    ends = run.intervals.get("test", {}).get(metric)
    return (float(ends[0]), float(ends[1])) if ends else None
