"""Text that people gave, made harmless for a log: as :mod:`engine.plain_text` does it for terminals too."""

from engine.plain_text import many_lines, one_line

__all__ = ["many_lines", "one_line"]
