"""What the API takes and gives of curation: items, edits, reviews, the data card."""

import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field

from webapp.api.answers import Flag, Whole, example
from webapp.api.dataset_schemas import VersionLine
from webapp.curation.bulk import MOST_CHARACTERS, MOST_LINES
from webapp.curation.items import mark
from webapp.curation.models import CatalogueItem, DraftEdit, EditKind
from webapp.curation.review import MOST_REASON
from webapp.datasets.models import Review

_ITEM: dict[str, Any] = {
    "id": "i7",
    "title": "Soap",
    "categories": ["Bath"],
    "description": "",
    "interactions": 12,
    "twins": 1,
    "marks": ["merged into i3"],
}
_EDIT: dict[str, Any] = {
    "id": 31,
    "kind": "merge",
    "target": "i7",
    "values": {"into": "i3"},
    "by": "alice",
    "at": "2026-11-26T09:00:00Z",
}
_LINE: dict[str, Any] = VersionLine.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,assignment]
Id = Annotated[str, Field(min_length=1, max_length=5000)]
CardText = Annotated[str | None, Field(max_length=5000)]


class CardIn(Schema):
    """Texts of the data card; what is left out, or null, stays."""

    model_config = example(source="Orders of 2025", licence="internal")

    source: CardText = Field(None, description="where the data come from: an address, a system, a period")
    licence: CardText = Field(None, description="what may be done with them, by which licence or agreement")
    purpose: CardText = Field(None, description="what they were collected for, and what they are fit for")
    contact: CardText = Field(None, description="whom to ask")
    known_faults: CardText = Field(None, description="what is known to be wrong or missing")


class ReviewIn(Schema):
    """The next step of a version's review."""

    model_config = example(review="rejected", reason="Prices are in two currencies.")

    review: Review = Field(description="submitted, approved, rejected, archived (new runs are not offered it), or empty: none")
    reason: str = Field("", max_length=MOST_REASON, description="a rejection needs one")


class WaitingOut(VersionLine):
    """A version that waits for a review."""

    model_config = example(**{**_LINE, "review": "submitted"}, project=1, by="bob", at="2026-11-26T09:10:00Z", reason="")

    project: int
    by: str = Field(description="who asked for the review")
    at: datetime.datetime | None = Field(description="when")
    reason: str


class WaitingPage(Schema):
    """Versions that wait for a review, the one that waits longest first."""

    model_config = example(
        items=[{**_LINE, "review": "submitted", "project": 1, "by": "bob", "at": "2026-11-26T09:10:00Z", "reason": ""}], next=""
    )

    items: list[WaitingOut]
    next: str = Field(description="cursor of the next page; empty on the last one")


class CurationOut(Schema):
    """How far the curation of a version is."""

    model_config = example(state="ready", error="", hint="", edits=3, made="")

    state: Literal["none", "asked", "ready", "failed"] = Field(
        description="of the list of its items: none before the first POST, asked while a worker makes it, ready, or failed"
    )
    error: str
    hint: str
    edits: int = Field(description="edits in the draft")
    made: str = Field(description="the version that was to be made of the draft, where that failed")


class ItemOut(Schema):
    """An item as the draft will make it; texts are what people wrote."""

    model_config = example(**_ITEM)

    id: str
    title: str = Field(description="empty: the id stands in")
    categories: list[str]
    description: str
    interactions: int
    twins: int = Field(description="other items of the version whose titles have the same letters and digits")
    marks: list[str] = Field(description="what the draft does with it, in words")


class ItemPage(Schema):
    """Items, those with the most interactions first."""

    model_config = example(items=[_ITEM], next="")

    items: list[ItemOut]
    next: str = Field(description="cursor of the next page; empty on the last one")


class TwinsOut(Schema):
    """Items whose titles have the same letters and digits."""

    model_config = example(key="soap", items=[_ITEM])

    key: str
    items: list[ItemOut] = Field(description="the one with the most interactions first")


class TwinsPage(Schema):
    """Groups of items that look the same, by their titles."""

    model_config = example(items=[{"key": "soap", "items": [_ITEM]}], next="")

    items: list[TwinsOut]
    next: str = Field(description="cursor of the next page; empty on the last one")


class EditIn(Schema):
    """One edit. It replaces the draft's edit of the same kind and target."""

    model_config = example(kind="change", target="i7", title="Soap, 100 g", categories=["Bath"])

    kind: EditKind = Field(description="change texts, merge into another item, or leave out an item or a user")
    target: Id = Field(description="id of the item; with exclude-user, of the user")
    title: str | None = Field(None, max_length=5000, description="change: empty lets the id stand in; null leaves it")
    categories: list[Annotated[str, Field(max_length=5000)]] | None = Field(None, max_length=1000, description="change")
    description: str | None = Field(None, max_length=50_000, description="change")
    into: Id | None = Field(None, description="merge: id of the item that stays")


class EditsIn(Schema):
    """Edits for the draft: all of them, or none where one is wrong."""

    model_config = example(edits=[{"kind": "merge", "target": "i7", "into": "i3"}, {"kind": "exclude-user", "target": "u9"}])

    edits: list[EditIn] = Field(min_length=1, max_length=MOST_LINES)


class EditOut(Schema):
    """An edit in the draft."""

    model_config = example(**_EDIT)

    id: int
    kind: EditKind
    target: str
    values: dict[str, Any] = Field(description="change: title, categories, description; merge: into")
    by: str
    at: datetime.datetime


class DraftOut(Schema):
    """The draft of a version."""

    model_config = example(edits=3, summary={"merged items": 1, "left out users": 2})

    edits: int = Field(description="how many it holds")
    summary: dict[str, int] = Field(description="how many of each kind")


class EditPage(Schema):
    """The edits of the draft, the first one first."""

    model_config = example(items=[_EDIT], next="")

    items: list[EditOut]
    next: str = Field(description="cursor of the next page; empty on the last one")


class ListIn(Schema):
    """A list of edits as CSV with a header, such as spreadsheets write."""

    model_config = example(text="item_id,title,merge_into\ni7,,i3\n", take=False)

    text: str = Field(min_length=1, max_length=MOST_CHARACTERS, description="columns: item_id, title, categories (with |), …")
    take: Flag = Field(False, description="put it into the draft where nothing is wrong; false only tries it")


class LineProblem(Schema):
    """What is wrong on a line."""

    model_config = example(line=2, message="there is no item 'zz' in this version")

    line: int = Field(description="from 1, the header")
    message: str


class ListOut(Schema):
    """What a list says."""

    model_config = example(lines=1, edits=1, problems=[], taken=False)

    lines: int
    edits: int
    problems: list[LineProblem] = Field(description="a hundred at most")
    taken: bool = Field(description="whether its edits are in the draft now")


class MakeIn(Schema):
    """What follows the edits."""

    model_config = example(core=5)

    core: Whole = Field(
        0, ge=0, le=1000, description="keep users and items with at least so many interactions, repeatedly; 0 keeps all"
    )


def item_out(item: CatalogueItem, edits: list[DraftEdit]) -> dict[str, Any]:
    """An item as ``ItemOut`` wants it, with the draft's ``edits`` of it."""
    changed: dict[str, Any] = next((edit.values for edit in edits if edit.kind == EditKind.CHANGE), {})
    texts = {name: changed.get(name, getattr(item, name)) for name in ("title", "categories", "description")}
    about = {"interactions": item.interactions, "twins": item.twins, "marks": [mark(edit) for edit in edits]}
    return {"id": item.item_id, **texts, **about}


def edit_out(edit: DraftEdit) -> dict[str, Any]:
    """An edit as ``EditOut`` wants it."""
    by = edit.made_by.username if edit.made_by else ""
    return {"id": edit.pk, "kind": edit.kind, "target": edit.target, "values": edit.values, "by": by, "at": edit.made_at}
