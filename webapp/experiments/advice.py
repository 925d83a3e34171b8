"""The right column of the new-run page: what the run will cost, what differs, what to mind, and a link to the form."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from engine.backbones.known import known_backbone
from engine.methods import METHODS
from engine.methods.darec.spec import DarecSpec
from engine.search.presets import search_presets
from engine.spec import RunSpec
from webapp.datasets.models import Version
from webapp.display import NOTHING, count, duration, rate, size
from webapp.experiments.choosing import Choice, link_to
from webapp.experiments.costs import Cost, cost_of
from webapp.experiments.estimate import Estimate, Range
from webapp.experiments.form import FormField, SpecForm


def advice(choice: Choice, form: SpecForm, spec: RunSpec | None, runs: int = 1) -> dict[str, Any]:
    """What the right column shows.

    Args:
        spec: what the form makes; None while it is wrong: there is nothing to estimate then.
        runs: how many runs would be launched.
    """
    cost = warnings = None
    if spec is not None and choice.version is not None:
        cost = _cost(spec, choice.version, runs)
        warnings = [*_too_long(spec), *cost["warnings"]]
    return {
        "cost": cost,
        "warnings": warnings or [],
        "idle": [member for member in form.fields if member.idle and member.value != member.base],
        "differences": [_difference(member) for member in form.fields if _differs(member)],
        "link": link_to(choice, form),
        "search_link": _search_link(choice, form),
    }


def _cost(spec: RunSpec, version: Version, runs: int) -> dict[str, Any]:
    cost = cost_of(spec, version)
    found = cost.estimate
    return {
        "minutes": _spread(found.seconds, duration) or NOTHING,
        "most": found.at_most,
        "memory": _spread(found.memory, size) or NOTHING,
        "on_device": bool(found.machine) and not found.machine.startswith("CPU"),
        "parameters": count(cost.parameters),
        "counted": _counted(cost),
        "basis": _basis(found, METHODS.get(spec.method.id).title),
        "limit": _limit(found),
        "rate": f"{rate(found.rate)} targets/s" if found.rate else "",
        "runs": runs,
        "whole": duration(found.seconds.middle * runs) if found.seconds and runs > 1 else "",
        "warnings": cost.warnings,
    }


def _counted(cost: Cost) -> str:
    """Where the number of parameters comes from."""
    if cost.twin is not None:
        return f"as in {cost.twin.name}"
    return "by arithmetic" if cost.parameters is not None else "known once the backbone is loaded"


def _spread(values: Range | None, form: Any) -> str:
    """``about 12 min (9 min to 14 min)``; empty for None."""
    if values is None:
        return ""
    middle, low, high = form(values.middle), form(values.low), form(values.high)
    return f"about {middle}" if low == high else f"about {middle} ({low} to {high})"


def _basis(found: Estimate, title: str) -> str:
    """On what the estimate rests, in words."""
    if not found.runs:
        return f"No run of {title} that says what it cost has finished in this project yet: minutes and memory are not known."
    runs = len(found.runs)
    words = f"From {count(runs)} earlier run{'s' if runs > 1 else ''} of {title} on {found.machine}"
    words += ", on this version" if found.same_version else ", on another version, scaled by its interactions"
    if found.differing:
        words += f"; the nearest, {found.runs[0].name}, differs in {found.differing} setting{'s' if found.differing > 1 else ''}"
    return f"{words}."


def _limit(found: Estimate) -> str:
    if found.limit is None:
        return "These runs were cut short by their own limits: it may be over earlier." if found.at_most else ""
    words = f"Training stops after {duration(found.limit)}"
    return f"{words}, which will be reached; the evaluation comes on top." if found.limited else f"{words} at the latest."


def _too_long(spec: RunSpec) -> list[str]:
    """Whether histories may be longer than the backbone reads, as far as can be told without the texts."""
    method = spec.method
    known = known_backbone(method.backbone, method.nano) if isinstance(method, DarecSpec) else None
    if known is None or not isinstance(method, DarecSpec):
        return []
    text = method.text
    longest = text.max_item_tokens if text.content == "text" else 0
    if method.mask == "two_level":
        need, what = max(longest + 1, text.window + 1 + longest), "a history"
    else:
        need, what = text.window * (longest + 1) + 2, f"{text.window} items of up to {longest} tokens and a marker"
    if need <= known.positions:
        return []
    return [
        f"The window may be too long: {what} need up to {count(need)} positions, but {method.backbone} reads "
        f"{count(known.positions)}. If texts are that long, the run fails at its start; lower Window or Max item tokens."
    ]


def _differs(member: FormField) -> bool:
    return member.changed or (member.source is not None and member.value != member.source)


def _difference(member: FormField) -> dict[str, Any]:
    return {
        "path": member.description.path,
        "label": f"{_group(member)}{member.label}",
        "now": member.value or "none",
        "preset": member.initial or "none",
        "source": None if member.source is None else member.source or "none",
        "edited": member.value != member.base,
    }


def _group(member: FormField) -> str:
    parts = [part.replace("_", " ") for part in member.description.group.split(".") if part != "method"]
    return f"{' · '.join(parts).capitalize()} · " if parts else ""


def _search_link(choice: Choice, form: SpecForm) -> str:
    """Where a search over adapters with these settings begins; empty for methods that have no adapters."""
    if choice.preset.method != "darec":
        return ""
    known = search_presets()
    name = choice.preset.name.replace("darec-", "search-")
    query = {"preset": name if name in known else next(iter(known)).name}
    if choice.version:
        query["version"] = str(choice.version.pk)
    changed = {f"run.{m.description.path}": m.value for m in form.fields if m.changed}
    return f"{reverse('new-search')}?{urlencode({**query, **changed})}"
