"""What the columns of the files mean. Loads neither polars nor torch: forms and REST use it."""

from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import Field, field_validator, model_validator

from engine.errors import UserError
from engine.fields import Spec, setting
from engine.plain_yaml import read_yaml
from engine.spec import validate

Role = Literal["user", "item", "time", "rating", "title", "categories", "description", "text", "ignore"]
FileRole = Literal["interactions", "items"]
ENCODINGS = ("utf-8", "cp1252", "latin-1", "iso-8859-2", "cp1250", "cp1251", "shift_jis", "gb18030", "euc-kr")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blank"}

ROLES: tuple[Role, ...] = get_args(Role)
LOG_ROLES: tuple[Role, ...] = ROLES
ITEM_ROLES: tuple[Role, ...] = ("item", "title", "categories", "description", "text", "ignore")
TEXT_ROLES: tuple[Role, ...] = ("title", "categories", "description", "text")
SEVERAL: tuple[Role, ...] = ("text", "ignore")
"""Roles that more than one column may have."""


class FileMapping(Spec):
    """The columns of one file."""

    roles: dict[str, Role] = setting({}, "what each column means, by its name; a column that is not named is ignored")
    file: str = setting(
        "", "name of the file within the archive, folder included; empty where the file stands alone", max_length=300
    )
    header: bool = setting(True, "whether the first row names the columns; if not, they are called column 1, column 2, ...")
    delimiter: str | None = setting(None, "character between fields; empty finds out")
    encoding: Literal[ENCODINGS] | None = setting(None, "encoding, where the file is not UTF-8; empty finds out")  # type: ignore[valid-type]
    separator: str = setting("|", "what stands between the categories in one cell", min_length=1, max_length=3)

    @field_validator("delimiter")
    @classmethod
    def _known_delimiter(cls, value: str | None) -> str | None:
        if value is not None and value not in DELIMITERS:
            raise ValueError(f"got {value!r}, must be one of {', '.join(map(repr, DELIMITERS))}")
        return value

    @model_validator(mode="after")
    def _each_role_once(self) -> "FileMapping":
        for role in ROLES:
            named = self.columns(role)
            if len(named) > 1 and role not in SEVERAL:
                raise ValueError(f"roles: {role} is given to {len(named)} columns ({', '.join(named)}), must be one")
        if not self.header and any(name != column_name(place) for place, name in enumerate(self.roles)):
            raise ValueError("roles: without a header the columns are column 1, column 2, ...; name all of them, in order")
        return self

    def columns(self, role: Role) -> list[str]:
        """The columns that have ``role``."""
        return [name for name, given in self.roles.items() if given == role]

    def column(self, role: Role) -> str | None:
        """The one column that has ``role``, if there is one."""
        return next(iter(self.columns(role)), None)


class Mapping(Spec):
    """The columns of the file of interactions, and of that of items, if there is one."""

    interactions: FileMapping = Field(description="the log: a user and an item in each row")
    items: FileMapping | None = Field(None, description="the texts of the items; empty: they stand in the log, or there are none")

    @model_validator(mode="after")
    def _complete(self) -> "Mapping":
        for role in ("user", "item"):
            if self.interactions.column(role) is None:
                raise ValueError(f"interactions: no column is the {role}; each row needs one")
        if self.items is None:
            return self
        if self.items.column("item") is None:
            raise ValueError("items: no column is the item; each row needs its id")
        if wrong := [role for role in self.items.roles.values() if role not in ITEM_ROLES]:
            raise ValueError(f"items: no column can be the {wrong[0]} there; that belongs to the interactions")
        if texts := [name for role in TEXT_ROLES for name in self.interactions.columns(role)]:
            raise ValueError(f"interactions: {texts[0]} is a text of items, but there is an items file; take it from one of them")
        return self


def column_name(place: int) -> str:
    """What the column at ``place``, from 0 on, is called where a file has no header."""
    return f"column {place + 1}"


def parse_mapping(values: Any) -> Mapping:
    """Validate a mapping; raises SpecError whose paths are dotted."""
    return validate(Mapping, values)


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML or JSON file.

    Raises:
        UserError: the file cannot be read, or is neither.
        SpecError: it is no mapping.
    """
    try:
        values = read_yaml(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is neither YAML nor JSON: {error}.", "README.md has an example of a mapping.") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} holds no mapping.", "It begins with `interactions:` and `roles:`; README.md has an example.")
    return parse_mapping(values)
