"""What people read in a terminal: on stderr, and no title, id or file name in it can change colours, lines or the cursor."""

import sys

from rich.text import Text

from engine.plain_text import one_line


def tell(text: str) -> None:
    """Write one line to stderr."""
    print(one_line(text), file=sys.stderr, flush=True)


def literal(text: str) -> Text:
    """``text`` for a table or a line of rich: square brackets are no markup, and ``:smile:`` is no picture."""
    return Text(one_line(text))
