"""What a spreadsheet would take for a formula. Light to load: pages write such cells too."""

import re

FORMULA = "^\\s*[-=+@\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]"
"""A sign that begins a formula, full width too, even behind blanks; or a tab or line end, which some programs skip."""


def harmless(text: str) -> str:
    """``text`` with an apostrophe before what a spreadsheet might take for a formula: then it is shown as it stands."""
    return f"'{text}" if re.match(FORMULA, text) else text
