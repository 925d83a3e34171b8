"""What the columns of a file probably mean, judged by their names and first values, each guess with its reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.mapping.head import Head
from engine.data.mapping.model import FileMapping, FileRole, Role

NAMES: dict[Role, tuple[str, ...]] = {
    "user": ("userid", "user", "uid", "customerid", "customer", "visitorid", "reviewerid", "memberid", "accountid", "sessionid",
             "session", "clientid", "buyerid", "member", "client", "person", "personid", "username", "who"),
    "item": ("itemid", "item", "iid", "productid", "product", "movieid", "asin", "parentasin", "stockcode", "sku", "articleid",
             "article", "bookid", "isbn", "songid", "trackid", "newsid", "gameid", "id", "businessid", "thing", "what"),
    "time": ("timestamp", "time", "unixreviewtime", "datetime", "date", "eventtime", "createdat", "invoicedate", "orderdate",
             "reviewtime", "when", "ts", "unixtime", "eventdate", "purchasedate"),
    "rating": ("rating", "overall", "score", "stars", "weight", "ratingvalue", "value"),
    "title": ("title", "itemname", "productname", "name", "movietitle", "producttitle", "itemtitle", "booktitle", "label"),
    "categories": ("categories", "category", "genres", "genre", "maincategory", "tags", "class", "department", "producttype"),
    "description": ("description", "itemdescription", "productdescription", "summary", "desc", "about", "overview", "text"),
}  # fmt: skip
"""Names by role, letters and digits only; those named first are surer."""
_OURS: dict[FileRole, dict[str, Role]] = {
    "interactions": {"user_id": "user", "item_id": "item", "timestamp": "time", "rating": "rating"},
    "items": {"item_id": "item", "title": "title", "categories": "categories", "description": "description"},
}
_LOG_ORDER: tuple[Role, ...] = ("user", "item", "time", "rating", "title", "categories", "description")
_ITEM_ORDER: tuple[Role, ...] = ("item", "title", "categories", "description")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,2})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
_SEPARATORS = ("|", ", ", "; ", ";", ",", " > ", "/")


@dataclass(frozen=True)
class Guess:
    """What one column seems to be.

    Attributes:
        kind: what its values are, in words.
        reason: why it is taken for ``role``, in words.
    """

    column: str
    role: Role
    kind: str
    reason: str


def guess_columns(head: Head, of: FileRole, texts: bool = True) -> list[Guess]:
    """A guess for each column, in order.

    Args:
        head: the first rows.
        of: which file it is.
        texts: whether a log may hold texts of items: not if there is an items file.
    """
    kinds = {column: kind_of_values(head.values(column)) for column in head.columns}
    found: dict[str, tuple[Role, str]] = {}
    order = _ITEM_ORDER if of == "items" else _LOG_ORDER if texts else _LOG_ORDER[:4]
    for role in order:
        if column := _by_name(role, [column for column in head.columns if column not in found]):
            found[column] = (role, f"its name says {role}")
    for role in order:
        if role not in {given for given, _ in found.values()}:
            free = [column for column in head.columns if column not in found]
            if by_value := _by_value(role, head, free, kinds, of):
                found[by_value[0]] = (role, by_value[1])
    described = next((column for column, (role, _) in found.items() if role == "description"), None)
    if described and kinds[described] == "text" and "title" not in {role for role, _ in found.values()}:
        found[described] = ("title", "short texts, and no other column is a title")
    rest: Role = "text" if of == "items" else "ignore"
    return [Guess(column, *_of(found.get(column), rest, head.values(column), kinds[column], of)) for column in head.columns]


def guess_mapping(head: Head, of: FileRole, texts: bool = True) -> FileMapping:
    """The guesses as a mapping, whatever they are worth: it may lack a role that is needed."""
    guesses = guess_columns(head, of, texts)
    categories = next((guess.column for guess in guesses if guess.role == "categories"), None)
    return FileMapping(
        roles={guess.column: guess.role for guess in guesses},
        separator=_separator(head.values(categories)) if categories else "|",
    )


def is_ours(mapping: FileMapping, of: FileRole) -> bool:
    """Whether ``mapping`` says nothing that our own names would not say, so that none is needed."""
    names = _OURS[of]
    needed = {"item_id"} if of == "items" else {"user_id", "item_id"}
    used = {name: role for name, role in mapping.roles.items() if role != ("text" if of == "items" else "ignore")}
    return needed <= used.keys() and all(names.get(name) == role for name, role in used.items()) and mapping.separator == "|"


def kind_of_values(values: Sequence[str]) -> str:
    """What the values are, in words."""
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return "empty"
    if all(_DATE.fullmatch(value) for value in filled):
        return "dates"
    if all(_NUMBER.fullmatch(value) for value in filled):
        numbers = [float(value) for value in filled]
        if all(_EARLIEST <= (number / 1000 if number > 1e11 else number) <= _LATEST for number in numbers):
            return "times in milliseconds" if min(numbers) > 1e11 else "times in seconds"
        return "whole numbers" if all(number.is_integer() for number in numbers) else "numbers"
    return "long text" if sum(map(len, filled)) > 60 * len(filled) else "text"


def _by_name(role: Role, columns: list[str]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]", "", column.partition(":")[0].lower()): column for column in reversed(columns)}
    return next((plain[name] for name in NAMES[role] if name in plain), None)


def _by_value(role: Role, head: Head, free: list[str], kinds: dict[str, str], of: FileRole) -> tuple[str, str] | None:
    if role == "time":
        timely = [column for column in free if kinds[column].startswith(("dates", "times"))]
        return (timely[0], f"its values are {kinds[timely[0]]}") if timely else None
    if role in ("user", "item"):
        named = [column for column in free if kinds[column] in ("whole numbers", "text") and _is_id(head.values(column))]
        where = "the first column" if of == "items" or role == "user" else "the next column"
        return (named[0], f"{where} left whose values look like ids") if named else None
    if role == "rating":
        scores = [column for column in free if kinds[column] in ("numbers", "whole numbers") and _is_scale(head.values(column))]
        return (scores[0], "few different numbers from 0 to 10") if scores else None
    if role == "title" and of == "items":
        texts = [column for column in free if kinds[column] == "text" and " " in " ".join(head.values(column)).strip()]
        return (texts[0], "the first column with words in it") if texts else None
    return None


def _of(found: tuple[Role, str] | None, rest: Role, values: list[str], kind: str, of: FileRole) -> tuple[Role, str, str]:
    if found:
        return found[0], kind, found[1]
    if rest == "text" and (kind.startswith(("dates", "times")) or kind in ("empty", "numbers", "whole numbers")):
        return "ignore", kind, "no text"
    return rest, kind, "a text about the item" if rest == "text" else "nothing suggests that it is needed"


def _is_id(values: list[str]) -> bool:
    filled = [value for value in values if value]
    return bool(filled) and max(map(len, filled)) <= 80 and not any(" " in value.strip() for value in filled)


def _is_scale(values: list[str]) -> bool:
    numbers = {float(value) for value in values if value.strip()}
    return 1 < len(numbers) <= 21 and min(numbers) >= 0 and max(numbers) <= 10


def _separator(values: list[str]) -> str:
    """What most often stands within the cells."""
    counts = {sign: sum(sign in value for value in values) for sign in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda sign: counts[sign])
    return best if counts[best] > 0.1 * len(values) else "|"
