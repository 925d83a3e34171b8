"""Markdown of people as HTML. It is hostile text: no HTML of theirs, no images, and links lead to web addresses only."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_HEADINGS_BELOW = 2
"""The page has headings of the first and second level of its own."""


def render_markdown(text: str) -> SafeString:
    """``text`` as HTML: CommonMark with tables and strikethrough, raw HTML shown as text, images as links."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        _tame(token)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # The parser escapes all text and attributes, and makes none of the tags that people write.
    return mark_safe(str(html))  # noqa: S308  # nosec B308 B703  # the parser escapes all


def _tame(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + _HEADINGS_BELOW)}"
    if token.type in ("th_open", "td_open") and token.attrs.pop("style", None) == "text-align:right":
        token.attrs["class"] = "number"


def _link_open(
    self: RendererHTML, tokens: Sequence[Token], position: int, options: OptionsDict, environment: MutableMapping[str, Any]
) -> str:
    tokens[position].attrs["rel"] = "nofollow noopener noreferrer"
    return self.renderToken(tokens, position, options, environment)


def _leads_to_the_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _make() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = _leads_to_the_web  # type: ignore[method-assign]
    parser.add_render_rule("link_open", _link_open)
    return parser


_MARKDOWN = _make()
