"""Two lines of a run's page: ``{% waiting_words run %}`` and ``{% worker_of_run run %}``."""

from typing import Any

from django import template
from django.template import Context

from webapp.experiments.models import Run
from webapp.fleet import of_run
from webapp.fleet.views import projects_of

register = template.Library()


@register.simple_tag(takes_context=True)
def waiting_words(context: Context, run: Run) -> str:
    """Why the run waits; empty unless it is queued."""
    return of_run.waiting_words(run, projects_of(context["request"]))


@register.inclusion_tag("fleet/of_run.html")
def worker_of_run(run: Run) -> dict[str, Any]:
    """What the run's worker says of its machine, and of the process that trains."""
    return {"worker": of_run.worker_of(run)}
