"""What every page shares: a typed request, the decorator of signed-in pages, and rendering one block of a template."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import Template, loader
from django.template.context import make_context
from django.template.loader_tags import BlockNode, ExtendsNode
from django_htmx.middleware import HtmxDetails

STOP_POLLING = 286
"""The status that makes htmx swap once more and poll no longer."""

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request by somebody who is signed in."""

    user: User
    htmx: HtmxDetails


def page(view: Callable[Concatenate[PageRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page for people who are signed in; others are sent to the login page."""

    @wraps(view)
    def signed_in(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(cast(PageRequest, request), *args, **kwargs)

    return login_required(signed_in)


def render_block(request: HttpRequest, template_name: str, block: str, context: dict[str, Any]) -> str:
    """The HTML of one ``{% block %}`` of a template that extends another: the part of the page that is refreshed.

    Raises KeyError if the template itself has no such block.
    """
    backend = loader.get_template(template_name)
    template: Template = backend.template  # type: ignore[attr-defined]
    bound = make_context(context, request)
    with bound.bind_template(template):
        return str(_blocks(template)[block].render(bound))


def wants_part(request: PageRequest) -> bool:
    """Whether htmx asks for a part of the page, and not for the whole of it."""
    return bool(request.htmx) and not request.htmx.boosted


def living_part(
    request: PageRequest, template_name: str, context: dict[str, Any], *, polling: bool, parts: Sequence[str] = ()
) -> HttpResponse:
    """The answer to a poll: the block ``live``, and those of ``parts`` that have changed, each for its ``#part-NAME``.

    Args:
        polling: whether there is more to come; otherwise the page stops asking.
    """
    body = render_block(request, template_name, "live", context)
    for part in parts:
        body += f'<div id="part-{part}" hx-swap-oob="innerHTML">{render_block(request, template_name, part, context)}</div>'
    return HttpResponse(body, status=200 if polling else STOP_POLLING)


def _blocks(template: Template) -> dict[str, BlockNode]:
    root = next(node for node in template.nodelist if isinstance(node, ExtendsNode))
    return root.blocks
