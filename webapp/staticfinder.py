"""Static files that lie inside installed Python packages, served as ours without a copy in the repository."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, Storage

_PREFIX = "vendor"
_FILES = {"plotly.min.js": ("plotly", "package_data")}
"""File name -> package, folder in it. Served as ``vendor/<file name>``."""


class PackageFilesFinder(BaseFinder):
    """Finds the files above for collectstatic and for the development server."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self._folders = {name: _folder(*place) for name, place in _FILES.items()}

    def check(self, **kwargs: Any) -> list[Any]:
        """Nothing to check: a missing package is said when the finder is made."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """The file behind the static path ``vendor/<file name>``."""
        prefix, _, name = path.partition("/")
        found = [str(self._folders[name] / name)] if prefix == _PREFIX and name in self._folders else []
        return found if find_all else (found[0] if found else [])

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        """Every file, with the storage that holds it."""
        for name, folder in self._folders.items():
            storage = FileSystemStorage(location=folder)
            storage.prefix = _PREFIX  # type: ignore[attr-defined]
            yield name, storage


def _folder(package: str, inner: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(f"the package {package} is not installed; run make setup")
    return Path(spec.submodule_search_locations[0]) / inner
