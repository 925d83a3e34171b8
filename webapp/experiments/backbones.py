"""Which backbones people may name on pages and by REST: the one place that says so, on launch and again in the worker.

``method.backbone`` of the command line may name any folder, for whoever types it can read it anyway. Here it is read by a
worker, on a machine whose files are nobody's business.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from engine.errors import SpecError

_OWN = ("nano", "minilm")
_HUB_ID = re.compile(r"(?!.*(\.\.|--))[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_NAME = "backbone"


def check_backbones(values: Mapping[str, Any], *, at_worker: bool = False) -> None:
    """Raise SpecError for a backbone that may not be named in a run's spec, or in a search's plan, as JSON.

    May be named: ``nano``, ``minilm``, ids of the Hugging Face hub, and folders below ``BACKBONE_ROOT``.

    Args:
        at_worker: look at this machine's disk too: a folder must be there, and an id must not be a folder beside the program.
    """
    problems = [(path, problem) for path, name in _named(values) if (problem := _problem(name, at_worker))]
    if problems:
        root = settings.BACKBONE_ROOT
        folders = "a folder below BACKBONE_ROOT of the server" if root else "no folder: this server names none (BACKBONE_ROOT)"
        raise SpecError(problems, f"Name nano, minilm, a model of the Hugging Face hub as owner/model, or {folders}.")


def _problem(name: str, at_worker: bool) -> str:
    if name in _OWN:
        return ""
    shown = repr(name[:100])
    if _HUB_ID.fullmatch(name):
        if at_worker and Path(name).exists():
            return f"got {shown}, which is a file or folder of the worker's program and not of the hub"
        return ""
    if not name.startswith("/") or not settings.BACKBONE_ROOT:
        return f"got {shown}, must be nano, minilm, owner/model, or a folder that the server allows"
    if "\x00" in name or ".." in Path(name).parts:
        return f"got {shown}, must be a plain path without '..'"
    # Links are followed first, so that none leads out; the web server may lack the folder, the worker must have it.
    root, folder = Path(settings.BACKBONE_ROOT).resolve(), Path(name).resolve()
    if root not in folder.parents:
        return f"got {shown}, must be a folder that the server allows"
    return f"got {shown}, but the worker has no such folder" if at_worker and not folder.is_dir() else ""


def _named(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All backbones in it with their dotted paths: settings of that name, and choices of a search among them."""
    if isinstance(values, Mapping):
        if str(values.get("path", "")).rpartition(".")[2] == _NAME:
            choices = [*(values.get("choices") or ()), values.get("start")]
            yield from ((f"{path}.choices", str(choice)) for choice in choices if choice is not None)
        for name, value in values.items():
            inner = f"{path}.{name}" if path else name
            if name == _NAME and isinstance(value, str):
                yield inner, value
            elif isinstance(value, Mapping | list | tuple):
                yield from _named(value, inner)
    elif isinstance(values, list | tuple):
        for number, value in enumerate(values):
            yield from _named(value, f"{path}.{number}")
