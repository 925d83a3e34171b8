"""What the page's script asks while it sends files in parts. Answers are JSON; errors have the API's one shape."""

import json
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from engine.errors import DataError
from webapp.accounts.access import get_place, require_role
from webapp.accounts.models import Role
from webapp.datasets.access import get_dataset_for_user
from webapp.datasets.models import Upload
from webapp.datasets.uploads import (
    Announced,
    begin_upload,
    cancel_upload,
    get_file,
    get_upload_for_user,
    status,
    store_part,
)
from webapp.failures import api_error
from webapp.http import PageRequest, page


def _told(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A person's mistake as an answer 422."""

    @wraps(view)
    def answered(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except DataError as error:
            return JsonResponse(api_error("invalid", error.message, error.hint), status=422)

    return answered


@page
@require_POST
@_told
def begin(request: PageRequest) -> HttpResponse:
    """Announce files: ``{"name", "dataset", "files": [{"role", "name", "size"}]}``; answers with the state of the upload."""
    try:
        body = json.loads(request.body)
        dataset = get_dataset_for_user(request.user, int(body["dataset"])) if body.get("dataset") else None
        files = [Announced(str(file["role"]), str(file["name"]), int(file["size"])) for file in body["files"]]
        name = str(body.get("name", ""))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError("The request is not what the upload page sends.", "Reload the page and try again.") from error
    project = dataset.project if dataset else get_place(request).project
    require_role(request.user, project, Role.RESEARCHER)
    return _state(begin_upload(project, request.user, files, dataset, name), 201)


@page
@require_http_methods(["GET", "DELETE"])
def one_upload(request: PageRequest, key: uuid.UUID) -> HttpResponse:
    """What is there of an upload, or away with it."""
    upload = get_upload_for_user(request.user, key)
    if request.method == "DELETE":
        require_role(request.user, upload.project, Role.RESEARCHER)
        cancel_upload(upload)
        return HttpResponse(status=204)
    return _state(upload)


@page
@require_http_methods(["PUT"])
@_told
def one_part(request: PageRequest, key: uuid.UUID, role: str, number: int) -> HttpResponse:
    """Store one part, which is the body; its SHA-256 may stand in the header ``X-Part-SHA256``."""
    upload = get_upload_for_user(request.user, key)
    require_role(request.user, upload.project, Role.RESEARCHER)
    part = store_part(get_file(upload, role), number, request, request.headers.get("X-Part-SHA256", ""))
    return JsonResponse({"number": part.number, "size": part.size, "sha256": part.sha256})


def _state(upload: Upload, code: int = 200) -> HttpResponse:
    return JsonResponse({**status(upload), "next": reverse("upload-columns", args=[upload.key])}, status=code)
