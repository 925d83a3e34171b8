"""What stands on the page of the list of runs, around its rows."""

from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from webapp.accounts.access import Place
from webapp.accounts.models import Role
from webapp.experiments.bulk import ACTIONS
from webapp.experiments.conditions import SIGNS, Condition
from webapp.experiments.display import is_active
from webapp.experiments.fields import Field, fields
from webapp.experiments.listing import COUNTED, Listing
from webapp.experiments.marks import tags_of
from webapp.experiments.models import Run
from webapp.keyset import END, Page
from webapp.polling import stamp_of

_USUAL = (
    "state",
    "method",
    "preset",
    "data",
    "protocol",
    "tag",
    "starred",
    "by",
    "group",
    "search",
    "created",
    "started",
    "finished",
)
_FIGURES = ("seconds", "parameters", "speed", "epochs", "best_epoch", "users")
_METRICS = tuple(f"{side}.{name}@10" for side in ("test", "valid") for name in ("ndcg", "hr", "mrr"))


def with_new_condition(query: QueryDict) -> str:
    """The address with what was typed into the filter builder as one more condition, be it right or wrong."""
    changed = query.copy()
    name, sign, value = (changed.pop(part, [""])[-1] for part in ("field", "sign", "value"))
    for left in ("after", "before"):
        changed.pop(left, None)
    changed.appendlist("where", f"{name.strip()} {sign if sign in SIGNS else '='} {value.strip()}".strip())
    return urlencode([(key, value) for key, values in changed.lists() for value in values if value])


def poller(listing: Listing, ids: list[int], stamp: str) -> str:
    """Where the page asks what has changed; empty if nothing will."""
    if not ids:
        return ""
    columns = ",".join(field.name for field in listing.columns)
    return f"{reverse('runs')}?{urlencode({'columns': columns, 'rows': ','.join(map(str, ids)), 'seen': stamp}, safe=',')}"


def context(listing: Listing, place: Place, shown: Page[Run], total: int) -> dict[str, Any]:
    """All that the template shows of a page of runs, of which ``total`` match."""
    active = [run for run in shown.rows if is_active(run)]
    light = sorted((run.pk, run.state, run.progress, run.finished_at, run.attempt) for run in active)
    here = f"{listing.here}&" if listing.here else ""
    tags = tags_of(place.project)
    return {
        "rows": [listing.row(run) for run in shown.rows],
        "heads": [_head(field, listing) for field in listing.columns],
        "newest": _head(fields()["id"], listing),
        "listing": listing,
        "chips": [_chip(condition, listing) for condition in listing.conditions],
        "total": f"more than {COUNTED:,}" if total > COUNTED else f"{total:,}",
        "plural": "" if total == 1 else "s",
        "following": here + urlencode({"after": shown.next}) if shown.next else "",
        "preceding": here + urlencode({"before": shown.previous}) if shown.previous else "",
        "last": f"{here}before={END}",
        "poller": poller(listing, [row[0] for row in light], stamp_of(light, clock=True)),
        "signs": SIGNS.items(),
        "known": fields().values(),
        "tags": tags,
        "states": _choices("state", listing.state),
        "methods": _choices("method", listing.method),
        "boxes": _boxes(listing),
        "actions": [action for action in ACTIONS.values() if place.may(action.role)],
        "may_change": place.may(Role.RESEARCHER),
        "section": "runs",
    }


def _chip(condition: Condition, listing: Listing) -> dict[str, str]:
    return {"words": condition.words, "without": listing.without(condition)}


def _choices(name: str, chosen: str) -> list[tuple[str, bool]]:
    return [(value, value == chosen) for value in fields()[name].choices]


def _head(field: Field, listing: Listing) -> dict[str, Any]:
    """The head of a column: a link that sorts by it, the other way round if it is sorted by it already."""
    name = listing.sort.removeprefix("-")
    largest = listing.sort.startswith("-")
    here = name == field.name
    wanted = not largest if here else field.numeric or field.kind == "moment"
    return {
        "label": field.label,
        "css": "number" if field.numeric and field.name != "id" else "",
        "address": listing.address(sort=f"{'-' if wanted else ''}{field.name}") if field.sortable else "",
        "sorted": ("descending" if largest else "ascending") if here else "",
        "arrow": ("↓" if largest else "↑") if here else "",
    }


def _boxes(listing: Listing) -> dict[str, Any]:
    """The form of the columns: boxes for the usual ones, and the rest as text."""
    chosen = {field.name for field in listing.columns}
    groups = (("About the run", _USUAL), ("Figures", _FIGURES), ("Metrics", _METRICS))
    usual = {name for _, names in groups for name in names}
    return {
        "groups": [(title, [(fields()[name], name in chosen) for name in names]) for title, names in groups],
        "more": ", ".join(field.name for field in listing.columns if field.name not in usual),
    }
