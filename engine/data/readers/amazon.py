"""Amazon's reviews as JSON Lines, with the products beside them: the layouts of 2014, 2018 and 2023."""

from dataclasses import dataclass
from pathlib import Path

from engine.data.catalogue import ItemColumns
from engine.data.content import content_kind, first_object
from engine.data.interactions import LogColumns
from engine.data.jsonl import read_jsonl
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.readers.registry import Reader, register_reader
from engine.data.text import read_text
from engine.errors import DataError


@dataclass(frozen=True)
class _Layout:
    """The keys of one release, of its reviews and of its products."""

    user: str
    item: str
    time: str
    rating: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.user, self.item, self.time, self.rating)


_LAYOUTS = (
    _Layout("reviewerID", "asin", "unixReviewTime", "overall"),
    _Layout("user_id", "parent_asin", "timestamp", "rating"),
)
_CATEGORIES = ("categories", "category")
_DESCRIPTION = "description"
_FURTHER = ("brand", "store")


def _layout(path: Path) -> _Layout | None:
    """The layout of a file of reviews; None if it is none."""
    if content_kind(path) != "json":
        return None
    found = first_object(path)
    return next((layout for layout in _LAYOUTS if set(layout.keys) <= found.keys()), None)


def _reviews(path: Path) -> list[Path]:
    entries = sorted(path.iterdir()) if path.is_dir() else [path]
    return [entry for entry in entries if _layout(entry)]


def _products(folder: Path, item: str) -> Path | None:
    """The file of products in ``folder``: by its name, for that of 2014 is no JSON, or by the keys of its first object."""
    files = [entry for entry in sorted(folder.iterdir()) if content_kind(entry) == "json" and not _layout(entry)]
    found = [entry for entry in files if entry.name.startswith("meta") or {item, "title"} <= first_object(entry).keys()]
    if len(found) > 1:
        raise DataError(f"{folder.name} holds several files of products: {', '.join(one.name for one in found)}.", "Keep one.")
    return found[0] if found else None


def _read(path: Path) -> RawData:
    reviews = _reviews(path)
    if len(reviews) > 1:
        raise DataError(f"{path.name} holds several files of reviews: {', '.join(one.name for one in reviews)}.", "Keep one.")
    layout = next(layout for layout in _LAYOUTS if layout == _layout(reviews[0]))
    text = read_text(reviews[0])
    log = read_jsonl(text, keys=layout.keys)
    columns = LogColumns(user=layout.user, item=layout.item, timestamp=layout.time, rating=layout.rating)
    products = _products(path, layout.item) if path.is_dir() else None
    if products is None:
        return assemble(log, None, {text.name: text.sha256}, columns)
    words = read_text(products)
    keys = (layout.item, "title", *_CATEGORIES, _DESCRIPTION, *_FURTHER)
    joins = {**dict.fromkeys(_CATEGORIES, "|"), _DESCRIPTION: " "}
    catalogue = read_jsonl(words, keys=keys, joins=joins, literals=True)
    categories = next((name for name in _CATEGORIES if name in catalogue.frame.columns), _CATEGORIES[0])
    sources = {text.name: text.sha256, words.name: words.sha256}
    return assemble(log, catalogue, sources, columns, ItemColumns(id=layout.item, categories=categories))


register_reader(
    "amazon",
    Reader(
        "Amazon reviews as JSON Lines, of 2014, 2018 or 2023 (beside them, if there is one, the file of products, meta_*)",
        lambda path: bool(_reviews(path)),
        _read,
    ),
)
