"""What a model reads of one user, as JSON. No torch here."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_TOKENS = 600
"""Tokens in a preview at most: the last ones."""
MOST_SEEN = 48
"""Rows and columns of a mask's picture at most: the last tokens."""

TokenKind = Literal["start", "instruction", "soft", "text", "marker", "item", "mask"]
"""start: the token that opens every sequence; soft: what happened before the window; marker: the item's own token, at which the
next item is predicted; item: a whole item as one token, of methods without text; mask: stands for the item to fill in."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeenItem(_Frozen):
    """An item of the history that is read."""

    id: str
    title: str
    cut: int = Field(0, description="tokens of its text that are left out, for it is longer than allowed")


class SeenToken(_Frozen):
    """One token, in the order in which it is read."""

    text: str
    kind: TokenKind
    item: int | None = Field(None, description="place of its item among the items read, from 0; None for tokens of no item")


class MaskPicture(_Frozen):
    """Which token may look at which: the last ``MOST_SEEN`` at most."""

    title: str
    sentence: str = Field(description="the same in words")
    labels: list[str] = Field(description="the tokens, one a row and a column")
    items: list[int | None] = Field(description="the item of each")
    rows: list[str] = Field(description="one a token that looks: '1' for each token that it sees, else '0'")
    hidden: int = Field(description="tokens in front of these that are not in the picture")


class SequencePreview(_Frozen):
    """What is read of one user to rank the item that is held out for the test."""

    user: str
    history: int = Field(description="items before the held-out one")
    items: list[SeenItem] = Field(description="those that are read, oldest first")
    target: SeenItem = Field(description="the held-out item")
    tokens: list[SeenToken]
    hidden: int = Field(0, description="tokens in front of these that are read but not listed")
    masks: list[MaskPicture] = Field(description="empty for methods without attention")
    sentences: list[str] = Field(description="what else there is to know, in words")
