"""The files of a run: what each is, how large, and its download."""

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from webapp.accounts.access import enter_project
from webapp.display import size
from webapp.experiments.access import get_run_for_user
from webapp.experiments.models import Run
from webapp.experiments.tensorboard import event_file, event_file_name
from webapp.http import PageRequest, page
from webapp.storage import list_files, local_root
from webapp.streaming import download, download_pieces

_WORDS = (
    ("result.json", "everything that came out, as JSON"),
    ("reproduce.zip", "spec, data hash, versions and numbers, for python -m engine reproduce"),
    ("run.json", "the spec and the version's hash"),
    ("ranks_test.parquet", "the rank of each user's held-out item in the test, for paired comparisons"),
    ("ranks_valid.parquet", "the same in validation"),
    ("model/adapter/", "the adapters, for PEFT"),
    ("model/", "what was trained: weights as safetensors"),
    ("backbone/", "the backbone that was made for this run"),
    ("checkpoints/", "a state to go on from"),
)
_SMALL_TEXT = 1_000_000
"""Texts up to this size, in bytes, are looked through for the server's own folders before they leave."""


@page
@require_GET
def files_page(request: PageRequest, pk: int) -> HttpResponseBase:
    """The files of a run, with their sizes."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    found = list_files(run.folder_key) if run.folder_key else []
    rows = [{"name": name, "size": size(number), "words": file_words(name)} for name, number in found]
    context = {"run": run, "rows": rows, "total": size(sum(number for _, number in found)), "section": "runs"}
    return render(request, "experiments/files.html", context)


@page
@require_GET
def file_download(request: PageRequest, pk: int, name: str) -> HttpResponseBase:
    """One of them; 404 for a name that is not in the list, whatever it is made of."""
    return file_response(request, get_run_for_user(request.user, pk), name)


@page
@require_GET
def tensorboard_file(request: PageRequest, pk: int) -> HttpResponseBase:
    """Curves, metrics and settings for TensorBoard."""
    return tensorboard_response(request, get_run_for_user(request.user, pk))


def tensorboard_response(request: HttpRequest, run: Run) -> HttpResponseBase:
    """The event file of ``run`` as a download."""
    return download_pieces(request, event_file(run), event_file_name(run), "application/octet-stream")


def file_response(request: HttpRequest, run: Run, name: str) -> HttpResponseBase:
    """The file ``name`` of ``run`` as a download; Http404 for a name that is not in the list."""
    known = dict(list_files(run.folder_key)) if run.folder_key else {}
    if name not in known:
        raise Http404("There is no such file in this run.")
    shown = f"{run}-{name.replace('/', '-')}"
    if name.endswith((".json", ".md")) and known[name] <= _SMALL_TEXT:
        return _text(run, name, shown)
    return download(request, f"{run.folder_key}/{name}", shown, "application/octet-stream")


def _text(run: Run, name: str, shown: str) -> HttpResponse:
    """Where this server keeps its files is nobody's business."""
    with default_storage.open(f"{run.folder_key}/{name}") as stream:
        content: bytes = stream.read()
    root = local_root()
    if root is not None:
        content = content.replace(f"{root}/".encode(), b"")
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=shown)
    return response


def file_words(name: str) -> str:
    """What a file is, in words; empty where the name says it."""
    return next((words for start, words in _WORDS if name == start or (start.endswith("/") and name.startswith(start))), "")
