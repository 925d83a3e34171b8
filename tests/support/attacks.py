"""Texts as people with bad intentions write them: where a title, an id, a tag, a note or a name may stand, each of these may."""

import csv
import re

from tests.engine.data.test_malformed import MALFORMED


def _titles(name: str) -> list[str]:
    with (MALFORMED / name).open(encoding="utf-8", newline="") as file:
        return [row["title"] for row in csv.DictReader(file)][:8]


TITLES = [
    title
    for name in ("21_formula_injection", "22_script_titles", "23_prompt_injection")
    for title in _titles(f"{name}_items.csv")
]
"""Of the shared malformed set: formulas, scripts, templates, orders to a language model."""
SPECIALS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "<|start|>", "<|padding|>"),
    *("<s>", "</s>", "<unk>", "<pad>", "<mask>", "[INST]", "[/INST]", "<<SYS>>", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"),
)
"""Control tokens of all model families that are known here."""
COLOURS, TITLE_OF_WINDOW, LINE = "\x1b[31;1mred\x1b[0m", "\x1b]0;owned\x07", "fine\r\nERROR: a line of its own\nand one more"
TURNED, EIGHT_BIT, SEPARATED, MARKUP = (
    "abc\u202edef\u2066",
    "\x9b31m eight bits",
    "one\u2028two\x85three",
    "[red]no[/red] [link=x]y[/link] \\[bold]",
)
FORMULA, LATEX = "=cmd|'/c calc'!A0", r"\input{/etc/passwd} $x^2$ 50% & #1 {~} \\ \end{tabular}"
MARKDOWN = "![x](http://evil.example/p.png) [y](javascript:alert(1)) <img src=x onerror=alert(1)> | a | `b` **c**"
OTHERS = (
    COLOURS,
    TITLE_OF_WINDOW,
    LINE,
    TURNED,
    EIGHT_BIT,
    SEPARATED,
    MARKUP,
    FORMULA,
    LATEX,
    MARKDOWN,
    ":skull: %s {0} %(x)s",
    "e\u0301",
)
ATTACKS = (*TITLES, *SPECIALS, *OTHERS)

_RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def raw_controls(text: str) -> list[str]:
    """The characters of ``text`` that move a cursor, begin a line or turn text around; line feeds and tabs may stand."""
    return sorted({repr(sign) for sign in _RAW.findall(text)})
