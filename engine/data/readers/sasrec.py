"""The text files of SASRec and its followers: ``user item`` on each line, the lines of a user in the order of time."""

import re
from pathlib import Path

from engine.data.content import content_kind, head_of
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.readers.registry import Reader, register_reader
from engine.data.table import read_table
from engine.data.text import read_text

_PAIR = re.compile(r'[^\s,;|:"{}\[\]]+ [^\s,;|:"{}\[\]]+')
_LOOKED_AT = 1000


def _recognises(path: Path) -> bool:
    """Whether the first thousand lines are pairs of numbers, or of other ids without a sign that delimits fields."""
    if content_kind(path) != "text":
        return False
    lines = re.split("\r?\n", head_of(path).decode("utf-8-sig", errors="replace"))[: _LOOKED_AT + 1]
    whole = lines[:-1] if len(lines) > 1 else lines
    return bool(whole) and all(_PAIR.fullmatch(line) for line in whole) and any(letter.isdigit() for letter in whole[0])


def _read(path: Path) -> RawData:
    text = read_text(path)
    table = read_table(text, columns=("user_id", "item_id"), delimiter=" ", quotes=False)
    return assemble(table, None, {text.name: text.sha256})


register_reader("sasrec", Reader("SASRec's text: a file with `user item` on each line", _recognises, _read))
