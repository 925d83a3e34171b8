"""Launching the demo's runs, and watching them to their end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from deploy.local.demo.follow import follow
from engine.presets import get_preset
from webapp.datasets.models import Version
from webapp.experiments.actions import launch_run
from webapp.experiments.models import ACTIVE_STATES, ENDED_STATES, Run, RunEvent, RunState

PRESETS = ("sasrec", "darec-nano")
REAL_MINUTES = {"sasrec": 2.5, "darec-nano": 5.0}
GENERATED_MINUTES = {"sasrec": 0.7, "darec-nano": 1.2}


@dataclass(frozen=True)
class Sight:
    """What is known of a run right now; ``fraction`` is 0 to 1."""

    run: Run
    state: str
    phase: str
    done: int
    fraction: float
    eta_seconds: float | None
    valid_ndcg: float | None


def launch(version: Version, user: User) -> list[Run]:
    """One run for each preset; a run of the same settings that an earlier demo left unfinished is taken up again."""
    minutes = GENERATED_MINUTES if version.dataset.generated else REAL_MINUTES
    runs = []
    for preset in PRESETS:
        spec = get_preset(preset).spec({"training.minutes": minutes[preset]})
        left = Run.objects.filter(
            version=version, spec=spec.model_dump(mode="json"), state__in=ACTIVE_STATES, cancel_requested_at=None
        )
        runs.append(left.order_by("id").first() or launch_run(version, user, spec))
    return runs


def watch(runs: Sequence[Run], show: Callable[[list[Sight]], None], check: Callable[[], None]) -> None:
    """Show the runs until all have ended; see ``follow`` for the arguments, and what it raises."""
    follow(
        lambda: [_look(run) for run in runs],
        show,
        lambda sights: all(sight.run.state in ENDED_STATES for sight in sights),
        check,
    )


def succeeded(run: Run) -> bool:
    """Whether the run has a result."""
    return run.state == RunState.SUCCEEDED


def log_lines(run: Run, count: int = 10) -> list[str]:
    """The last lines of the run's log."""
    events = RunEvent.objects.filter(run=run, type__in=("log", "warning")).order_by("-attempt", "-sequence")[:count]
    return [str(event.payload.get("message", "")) for event in reversed(events)]


def _look(run: Run) -> Sight:
    run.refresh_from_db()
    progress = run.progress or {}
    metric = RunEvent.objects.filter(run=run, type="metric", payload__split="valid").order_by("-attempt", "-sequence").first()
    return Sight(
        run=run,
        state=run.get_state_display(),
        phase=str(progress.get("phase", "")),
        done=int(progress.get("done", 0)),
        fraction=1.0 if succeeded(run) else float(progress.get("fraction", 0.0)),
        eta_seconds=progress.get("eta_seconds"),
        valid_ndcg=metric.payload["values"].get("ndcg@10") if metric else None,
    )
