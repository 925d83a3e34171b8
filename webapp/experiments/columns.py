"""The cells of the list of runs. ``format_html`` escapes all that people wrote."""

from collections.abc import Callable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from webapp.display import NOTHING, count, moment, percent, rate, score
from webapp.experiments import display
from webapp.experiments.fields import Field
from webapp.experiments.models import Run

DEFAULT = ("state", "method", "test.ndcg@10", "protocol", "data", "tag", "started", "seconds")
MOST = 24
_SHORT = 80
"""Characters of a note or an error in a list."""


def value_name(position: int) -> str:
    """Name of the annotation that holds the value of the column at ``position``, where that is inside of JSON."""
    return f"column_{position}"


def css(field: Field) -> str:
    """Classes of a column's cells."""
    if field.numeric:
        return "number"
    return {"show": "quiet", "text": "clipped"}.get(field.kind, "")


def cell(field: Field, run: Run, position: int) -> SafeString:
    """What stands in the column for a run of ``Listing.rows``."""
    maker = _MAKERS.get(field.name)
    if maker is not None:
        return maker(run)
    if field.jsonpath:
        return format_html("{}", _json_text(field, getattr(run, value_name(position))))
    value = getattr(run, field.source)
    if field.kind == "moment":
        return format_html("{}", moment(value) or NOTHING)
    if field.numeric:
        return format_html("{}", rate(value) if field.name == "speed" else count(value))
    return format_html("{}", _short(str(value)))


def _json_text(field: Field, value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return _short(", ".join(str(part) for part in dict.fromkeys(map(str, value)))) or NOTHING
    if isinstance(value, int | float):
        return score(value) if field.source in ("test", "valid") else f"{value:,}"
    return _short(str(value))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}…"


def _state(run: Run) -> SafeString:
    state = display.state(run)
    words = format_html(
        '<span class="state {}"><span aria-hidden="true">{}</span> {}</span>', state["name"], state["shape"], state["word"]
    )
    fraction = float(run.progress.get("fraction", 0.0)) if display.is_active(run) else 0.0
    return words + format_html(' <span class="quiet figure">{}</span>', percent(fraction)) if fraction else words


def _method(run: Run) -> SafeString:
    preset = run.preset if run.preset != run.method and run.variant is None else ""
    parts = format_html("{}", display.method_title(run.method))
    if preset:
        parts += format_html(' <span class="quiet">{}</span>', preset)
    return parts + format_html(' <span class="tag">{}</span>', str(run.variant)) if run.variant else parts


def _data(run: Run) -> SafeString:
    dataset = run.version.dataset
    name = format_html("{} v{}", dataset.name, run.version.number)
    return name + format_html(' <span class="tag">{}</span>', "generated") if dataset.generated else name


def _tags(run: Run) -> SafeString:
    return format_html_join(" ", '<span class="tag">{}</span>', ((tag,) for tag in run.tags))


def _group(run: Run) -> SafeString:
    return format_html("{}", str(run.variant.group) if run.variant else NOTHING)


def _search(run: Run) -> SafeString:
    trial = getattr(run, "search_trial", None)
    return format_html("{}", str(trial.search) if trial else NOTHING)


_MAKERS: dict[str, Callable[[Any], SafeString]] = {
    "state": _state,
    "method": _method,
    "preset": lambda run: format_html("{}", run.preset or NOTHING),
    "data": _data,
    "version": lambda run: format_html("{}", run.version.number),
    "tag": _tags,
    "starred": lambda run: format_html("{}", "★" if run.starred else ""),
    "archived": lambda run: format_html("{}", "archived" if run.archived_at else ""),
    "by": lambda run: format_html("{}", run.created_by.username if run.created_by else NOTHING),
    "group": _group,
    "search": _search,
    "started": lambda run: format_html("{}", moment(run.started_at or run.queued_at)),
    "seconds": lambda run: format_html("{}", display.took(run)),
    "protocol": lambda run: format_html("{}", display.protocol_in_short(run.protocol)),
}
