"""What MLflow is told of a run: its settings as params, its numbers as metrics, all else as tags."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from webapp.experiments.models import Run, RunEvent, RunState

_LONGEST_PARAM, _LONGEST_TAG, _LONGEST_KEY = 6000, 5000, 250
_NOT_IN_KEYS = re.compile(r"[^\w.\- /]", re.ASCII)
STATUS = {
    RunState.SUCCEEDED: "FINISHED",
    RunState.FAILED: "FAILED",
    RunState.LOST: "FAILED",
    RunState.CANCELLED: "KILLED",
}
"""Of runs that have ended; all others are RUNNING."""
ADDRESS_TAG = "dareclab.address"


def address(run: Run) -> str:
    """Of the run's page: whole if SITE_URL is set, else the path. It has no quotes, and is no other run's."""
    return f"{settings.SITE_URL}/runs/{run.pk}"


def first_tags(run: Run) -> dict[str, str]:
    """What a run is made with: enough to find it again."""
    who = run.created_by.get_username() if run.created_by else ""
    return {ADDRESS_TAG: address(run), **({"mlflow.user": who} if who else {})}


def params(run: Run) -> dict[str, str]:
    """The spec, flat, by dotted path."""
    return {_key(path): value[:_LONGEST_PARAM] for path, value in _flat(run.spec).items()}


def tags(run: Run) -> dict[str, str]:
    """What is said of a run beside its numbers; may change until it ends."""
    found = {
        "dareclab.state": run.state,
        "dareclab.method": run.method,
        "dareclab.preset": run.preset,
        "dareclab.version": run.version.hash,
        "dareclab.tags": ", ".join(run.tags),
        "dareclab.machine": run.machine,
        "dareclab.artifacts": f"{address(run)}/files",
        "dareclab.error": run.error,
        **{f"dareclab.protocol.{name}": _text(value) for name, value in run.protocol.items()},
        "mlflow.note.content": f"Mirrored from {address(run)}",
    }
    return {_key(name): value[:_LONGEST_TAG] for name, value in found.items() if value}


def metrics_of_event(event: RunEvent) -> list[dict[str, Any]]:
    """The metrics of an event of this type; values that are no finite numbers are left out."""
    told, moment = event.payload, milliseconds(event.created_at)
    return _metrics(told["split"], told["values"], moment, int(told["step"]))


def final_metrics(run: Run) -> list[dict[str, Any]]:
    """What counts of a run that succeeded: validation at the epoch that was chosen, and the test."""
    moment, step = milliseconds(run.finished_at or run.created_at), run.best_epoch or 0
    return [*_metrics("chosen/valid", run.valid, moment, step), *_metrics("test", run.test, moment, step)]


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1000)


def _metrics(prefix: str, values: Mapping[str, float | None], moment: int, step: int) -> list[dict[str, Any]]:
    return [
        {"key": _key(f"{prefix}/{name}"), "value": value, "timestamp": moment, "step": step}
        for name, value in values.items()
        if value is not None
    ]


def _key(name: str) -> str:
    """MLflow's names have no ``@``: ndcg@10 is ndcg_at_10. And they are paths that lead nowhere else: no ``//``, no ``..``."""
    parts = _NOT_IN_KEYS.sub("_", name.replace("@", "_at_"))[:_LONGEST_KEY].split("/")
    return "/".join("_" if part in (".", "..") else part for part in parts if part) or "_"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = _text(value)
    return found


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
