import re

import pytest

from tests.support.attacks import ATTACKS
from webapp.markdown import render_markdown


def test_what_people_write() -> None:
    html = render_markdown("# Title\n\n**bold** ~~gone~~\n\n| a | b |\n|-|-:|\n| 1 | 2 |\n\n- one\n")
    for part in ("<h3>Title</h3>", "<strong>bold</strong>", "<s>gone</s>", '<td class="number">2</td>', "<li>one</li>"):
        assert part in html
    assert "style=" not in html


def test_links_lead_to_the_web_and_tell_nobody() -> None:
    html = render_markdown("[paper](https://arxiv.org/abs/2408.07427) <http://a.example>")
    assert 'href="https://arxiv.org/abs/2408.07427" rel="nofollow noopener noreferrer"' in html
    assert html.count("rel=") == 2


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://elsewhere.example/spy.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](//elsewhere.example)",
        "[x](/logout)",
        "<javascript:alert(1)>",
        '[x](https://a.example "\\" onmouseover=alert(1) \\"")',
        '```"><script>alert(1)</script>\nx\n```',
        "<!-- --><svg onload=alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "\x00<b>\ufffd",
    ],
)
def test_hostile_text_stays_text(text: str) -> None:
    html = render_markdown(text)
    for tag in ("<script", "<img", "<svg", "<b>", 'href="java', 'href="data', 'href="/', 'href="&#'):
        assert tag not in html, html
    assert ' onmouseover="' not in html


def test_much_nesting_ends() -> None:
    assert render_markdown("> " * 5000 + "x")
    assert render_markdown("[" * 20000)
    assert render_markdown("*a" * 6000)


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
def test_attacks_make_no_tag_of_their_own(text: str) -> None:
    allowed = {"p", "a", "strong", "em", "br", "code", "pre", "s", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr"}
    for shown in (text, f"# {text}", f"| {text} |\n|---|\n| {text} |", f"[{text}]({text})", f"    {text}"):
        html = render_markdown(shown)
        assert set(re.findall(r"<([a-z]\w*)", html)) <= allowed | {"table", "thead", "tbody", "tr", "th", "td"}, html
        assert all(link.startswith("http") for link in re.findall(r'href="([^"]*)"', html)), html
        assert not re.search(r"<[^>]*\s(on\w+|style|src)=", html), html
