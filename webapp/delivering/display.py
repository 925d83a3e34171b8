"""The current model, its history and its successor, as pages show them."""

from typing import Any

from webapp.accounts.access import Place
from webapp.accounts.models import Role
from webapp.datasets.leakage import serious_findings
from webapp.datasets.models import Dataset, Version
from webapp.delivering.models import ACTIVE, Promotion, Refresh, UserLists
from webapp.delivering.promoting import former_of, promotions_of
from webapp.delivering.refreshing import candidate, goes_on, is_done, newest_version, refresh_of
from webapp.display import NOTHING, count, duration, moment, percent, score, size
from webapp.experiments import display
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.intervals import interval_of_test
from webapp.experiments.models import Run

SHOWN = 50
"""Lines of the history."""
_LABELS = {"remove": "left out", "keep": "may be recommended again"}


def measured(run: Run) -> Run:
    """Whose metrics are quoted for a model: the run's own, or, of a refit, those of the run that it refits."""
    return run.refits if run.refits is not None else run


def model_line(promotion: Promotion) -> dict[str, Any]:
    """One line of the history."""
    run = promotion.run
    return {
        "number": promotion.run_number,
        "run": run,
        "method": display.method_title(run.method) if run else "",
        "version": run.version if run else None,
        "refit_of": run.refits if run else None,
        "ndcg": _ndcg(measured(run)) if run else "",
        "protocol": display.protocol_line(measured(run).protocol) if run else "",
        "by": promotion.by.username if promotion.by else "",
        "at": moment(promotion.at),
        "until": moment(promotion.superseded_at),
        "note": promotion.note,
        "current": promotion.superseded_at is None,
    }


def model_context(dataset: Dataset, place: Place) -> dict[str, Any]:
    """The current model, and whether newer data wait: for the dataset's page and for the model's own. Three queries."""
    history = list(promotions_of(dataset)[: SHOWN + 1])
    current = next((one for one in history if one.superseded_at is None), None)
    if current is None or current.run is None:
        return {"model": None, "models": [model_line(one) for one in history[:SHOWN]]}
    former = former_of(history)
    newest = newest_version(dataset)
    newer = newest if newest is not None and newest.number > current.run.version.number else None
    refresh = refresh_of(current) if newer is not None else None
    if refresh is not None and newer is not None and refresh.version_id != newer.pk and not goes_on(refresh):
        refresh = None  # still newer data have come: it is no longer what one would promote
    return {
        "model": model_line(current),
        "models": [model_line(one) for one in history[:SHOWN]],
        "former": former.run_number if former else None,
        "may_promote": place.may(Role.CURATOR),
        "newer": newer,
        "refresh": refresh_context(current, refresh) if refresh else None,
        "leaks": _leaks(newer) if newer is not None and refresh is None else [],
    }


def refresh_context(current: Promotion, refresh: Refresh) -> dict[str, Any]:
    """How far the successor is, and, once it is trained, old and new side by side."""
    made = candidate(refresh)
    done, active = is_done(refresh), goes_on(refresh)
    waits = refresh.with_refit and refresh.refit is None
    assert current.run is not None  # noqa: S101 - asked for by the caller
    return {
        "run": refresh.run,
        "refit": refresh.refit,
        "with_refit": refresh.with_refit,
        "waits": waits,
        "version": refresh.version,
        "made": made,
        "state": display.state(made),
        "done": done,
        "active": active,
        "failed": not done and not active,
        "error": made.error,
        "hint": made.hint,
        "rows": _side_by_side(current.run, refresh) if done else [],
        "protocols": [
            (f"v{current.run.version.number}", display.protocol_line(measured(current.run).protocol)),
            (f"v{refresh.version.number}", display.protocol_line(refresh.run.protocol)),
        ],
    }


def lists_row(lists: UserLists) -> dict[str, Any]:
    """One file with lists for everybody."""
    done, total = lists.progress.get("done", 0), lists.progress.get("total", 0)
    return {
        "pk": lists.pk,
        "name": lists.file_name,
        "form": lists.get_form_display(),
        "k": lists.k,
        "seen": _LABELS.get(lists.applied) or lists.get_seen_display(),
        "state": lists.state,
        "word": lists.get_state_display(),
        "done": done,
        "total": total,
        "reached": f"{count(done)} of {count(total)} users, {percent(done / total)}" if total else "loading the model",
        "users": count(lists.users),
        "rows": count(lists.rows),
        "size": size(lists.size) if lists.size is not None else NOTHING,
        "by": lists.asked_by.username if lists.asked_by else "",
        "at": moment(lists.finished_at or lists.asked_at),
        "error": lists.error,
        "hint": lists.hint,
        "active": lists.state in ACTIVE,
    }


def _leaks(version: Version) -> list[str]:
    return [str(found["title"]) for found in serious_findings(version)]


def _ndcg(run: Run) -> str:
    value, ends = run.test.get(MAIN_METRIC), interval_of_test(run, MAIN_METRIC)
    if value is None:
        return NOTHING
    return f"{score(value)} ({score(ends[0])} to {score(ends[1])})" if ends else score(value)


def _side_by_side(current: Run, refresh: Refresh) -> list[dict[str, str]]:
    """What is known of both, and whether the two cells of a row may be compared."""
    old, new = measured(current), refresh.run
    data = "no: the data differ, so the targets and users do"
    rows = [
        (
            "Interactions",
            count(old.data.get("interactions")),
            count(new.data.get("interactions")),
            "yes: how the data have grown",
        ),
        ("Users evaluated", count(old.users_evaluated), count(new.users_evaluated), "yes"),
        ("Test NDCG@10, 95 % interval", _ndcg(old), _ndcg(new), data),
        ("Validation NDCG@10", score(old.valid.get(MAIN_METRIC)), score(new.valid.get(MAIN_METRIC)), data),
        ("Epochs chosen", count(old.best_epoch), count(new.best_epoch), "yes: far fewer or more would be odd"),
        ("Trainable parameters", count(old.trainable_parameters), count(new.trainable_parameters), "yes"),
        ("Time", duration(old.seconds), duration(new.seconds), "only on the same machine"),
        ("Machine", old.machine or NOTHING, new.machine or NOTHING, "says whether the times may be"),
    ]
    return [dict(zip(("name", "old", "new", "comparable"), row, strict=True)) for row in rows]
