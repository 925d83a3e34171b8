"""What a run reported, put together for its page: the learning curve and the log."""

from typing import Any

from webapp.display import moment, score
from webapp.experiments.models import Run

_LOG_LINES = 200
MAIN_METRIC = "ndcg@10"


def curve(run: Run) -> list[dict[str, Any]]:
    """One point an epoch: ``epoch``, and ``loss`` and ``ndcg`` where reported; a later attempt's replace a former's."""
    points: dict[int, dict[str, Any]] = {}
    events = run.events.filter(type="metric").order_by("attempt", "sequence").values_list("payload", flat=True)
    for payload in events:
        epoch = payload["epoch"]
        point = points.setdefault(epoch, {"epoch": epoch, "loss": None, "ndcg": None})
        values = payload["values"]
        if payload["split"] == "train" and "loss" in values:
            point["loss"] = values["loss"]
        if payload["split"] == "valid" and MAIN_METRIC in values:
            point["ndcg"] = values[MAIN_METRIC]
    return [points[epoch] for epoch in sorted(points)]


def curve_rows(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The curve as a table, newest first; the best epoch is marked."""
    best = max((point["ndcg"] for point in points if point["ndcg"] is not None), default=None)
    return [
        {
            "epoch": point["epoch"],
            "loss": "" if point["loss"] is None else f"{point['loss']:.4f}",
            "ndcg": "" if point["ndcg"] is None else score(point["ndcg"]),
            "best": best is not None and point["ndcg"] == best,
        }
        for point in reversed(points)
    ]


def chart(points: list[dict[str, Any]]) -> dict[str, Any]:
    """The curve's numbers for the chart script; numbers only, no text of anybody's."""
    return {
        "valid": [[point["epoch"], point["ndcg"]] for point in points if point["ndcg"] is not None],
        "loss": [[point["epoch"], point["loss"]] for point in points if point["loss"] is not None],
    }


def log_lines(run: Run) -> list[dict[str, str]]:
    """The last lines of the run's log, oldest first."""
    events = run.events.filter(type__in=("log", "warning", "checkpoint")).order_by("-attempt", "-sequence")[:_LOG_LINES]
    return [
        {"time": moment(event.created_at), "kind": event.type, "text": _line(event.type, event.payload)}
        for event in reversed(list(events))
    ]


def _line(kind: str, payload: dict[str, Any]) -> str:
    if kind == "checkpoint":
        best = ", the best so far" if payload.get("best") else ""
        return f"checkpoint at step {payload.get('step'):,}{best}"
    text = str(payload.get("message", ""))
    return f"{text} {payload['hint']}" if payload.get("hint") else text
