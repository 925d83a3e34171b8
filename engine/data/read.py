"""Raw data in any layout that a reader is registered for."""

from pathlib import Path

from engine.data.raw import RawData
from engine.data.readers import READERS, find_reader, register_reader
from engine.errors import DataError

__all__ = ["RawData", "read_raw", "register_reader"]


def read_raw(path: Path) -> RawData:
    """Read ``path``, a folder or a single file, with the first reader that recognises it.

    Raises:
        DataError: nothing is there, no reader knows the layout, or the content cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.", "Check the path.")
    reader = find_reader(path)
    if reader is not None:
        return reader.read(path)
    if path.is_file():
        raise DataError(f"{path.name}: no reader knows this kind of file.", f"Known are: {_known()}.")
    found = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in path.iterdir())
    shown = ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "")
    raise DataError(
        f"{path}: no data found. Looked for: {_known()}. Found: {shown or 'nothing'}.", "Name the folder that holds the data."
    )


def _known() -> str:
    return "; ".join(reader.looks_for for reader in READERS)
