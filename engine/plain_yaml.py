"""Reading YAML that people write: plain values of a bounded size, without anchors that stand for more than is written."""

from pathlib import Path
from typing import Any

import yaml

LARGEST = 1_000_000
"""Characters; lists of ids in a spec may be long."""


class _Plain(yaml.SafeLoader):
    """The safe loader, without aliases: a few lines of them make a structure that no memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("anchors and aliases (&a, *a) are not read: write the values out")
        return super().compose_node(parent, index)


class _PlainTexts(_Plain):
    """Likewise, all values as texts: 007 is an id."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def read_yaml(source: str | Path, *, texts: bool = False) -> Any:
    """The value that ``source``, a text or a file, holds.

    Args:
        texts: numbers and the like stay texts.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read.
        yaml.YAMLError: it is no YAML, larger than ``LARGEST``, too deep, or more than plain values.
    """
    if isinstance(source, Path):
        with source.open(encoding="utf-8") as stream:
            source = stream.read(LARGEST + 1)
    if len(source) > LARGEST:
        raise yaml.YAMLError(f"it is larger than {LARGEST:,} characters")
    try:
        return yaml.load(source, Loader=_PlainTexts if texts else _Plain)  # noqa: S506  # nosec B506  # both are safe loaders
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise yaml.YAMLError(f"a value cannot be read ({str(error)[:100]})") from error
