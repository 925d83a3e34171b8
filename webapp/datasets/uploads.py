"""Uploads in parts: each part goes through a file on disk to the storage, may be sent again, and can be asked about."""

import hashlib
import re
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Protocol

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import Http404

from engine.errors import DataError
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset, Upload, UploadFile, UploadPart
from webapp.display import size as words
from webapp.quotas.room import require_room
from webapp.storage import delete_folder, taking

PART_BYTES = 8 * 2**20
"""Size of each part but the last."""
ROLES = ("interactions", "items")
_CHUNK = 2**16
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BEYOND = 2**63
_LONGEST_NAME = 200


class Readable(Protocol):
    """A request, or an open file."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


@dataclass(frozen=True)
class Announced:
    """A file that is about to come: ``role`` is interactions or items, ``size`` in bytes."""

    role: str
    name: str
    size: int


def begin_upload(
    project: Project, user: User, files: Sequence[Announced], dataset: Dataset | None = None, name: str = ""
) -> Upload:
    """Make room for files; nothing is stored yet.

    Args:
        dataset: the dataset that the version will belong to; None makes a new one of the name ``name``.

    Raises:
        DataError: the name is missing or taken, there is no file of interactions, or a file is empty or too large.
        QuotaExceededError: the project may not store that much.
    """
    name = name.strip()
    if dataset is None:
        if not 0 < len(name) <= 100 or _UNSTORABLE.search(name):
            raise DataError("The dataset needs a name of at most 100 characters.", "Say what the data is, e.g. Beauty 2014.")
        if Dataset.objects.filter(project=project, name=name).exists():
            raise DataError(f"The project has a dataset '{name}' already.", "Choose another name, or add a version to it.")
    roles = [file.role for file in files]
    if "interactions" not in roles or len(set(roles)) < len(roles) or not set(roles) <= set(ROLES):
        raise DataError("An upload is a file of interactions (or one archive), and perhaps one of items.", "Choose them again.")
    for file in files:
        _check(file)
    with transaction.atomic():
        require_room(project.pk, new_bytes=sum(file.size for file in files))
        upload = Upload.objects.create(project=project, dataset=dataset, name="" if dataset else name, created_by=user)
        for file in files:
            UploadFile.objects.create(upload=upload, role=file.role, name=plain_name(file.name), size=file.size)
    return upload


def _check(file: Announced) -> None:
    if file.size <= 0:
        raise DataError(f"The {file.role} file is empty.", "Choose a file with a row for each record.")
    if file.size > settings.UPLOAD_LIMIT_BYTES:
        limit = words(settings.UPLOAD_LIMIT_BYTES)
        raise DataError(
            f"The {file.role} file has {words(min(file.size, _BEYOND))}; at most {limit} are allowed.", "Upload it gzipped."
        )


def plain_name(name: str) -> str:
    """A file's name without folders, of letters that every disk and page takes."""
    bare = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(letter if letter.isprintable() and letter not in '<>:"|?*/' else "_" for letter in bare).lstrip(". ")
    while len(kept.encode()) > _LONGEST_NAME:
        kept = kept[1:]
    return kept or "file"


def get_upload_for_user(user: User, key: uuid.UUID) -> Upload:
    """The user's own upload that has not become a version, or 404."""
    mine = Upload.objects.filter(key=key, created_by=user, project__memberships__user=user, version=None)
    found = mine.select_related("project", "dataset").first()
    if found is None:
        raise Http404("There is no such upload: it was cancelled, has become a version, or is not yours.")
    return found


def get_file(upload: Upload, role: str) -> UploadFile:
    """The file of that role, or 404."""
    # Compared here: the role is part of an address, and may hold what Postgres cannot.
    found = next((file for file in upload.files.all() if file.role == role), None)
    if found is None:
        raise Http404("The upload has no such file.")
    return found


def number_of_parts(file: UploadFile) -> int:
    """How many parts the file has when it is whole."""
    return -(-file.size // PART_BYTES)


def store_part(file: UploadFile, number: int, body: Readable, sha256: str = "") -> UploadPart:
    """Store part ``number``; one that is there already is replaced.

    Args:
        body: the part, which is read to its end, or to the first byte too much.
        sha256: its hash in hex, if the sender knows it.

    Raises:
        DataError: the file has no such part, or what came has another size or hash; nothing is kept.
        Http404: the upload has been cancelled meanwhile; likewise.
    """
    if not 0 <= number < number_of_parts(file):
        raise DataError(f"{file.name} has no part {number}.", f"Its parts are 0 to {number_of_parts(file) - 1}.")
    expected = min(PART_BYTES, file.size - number * PART_BYTES)
    return _store(file, number, body, expected, sha256)


def store_whole(file: UploadFile, content: "File[Any]") -> UploadPart:
    """Store a file that came in one piece, as its only part."""
    content.seek(0)
    return _store(file, 0, content, file.size, "")


def _store(file: UploadFile, number: int, body: Readable, expected: int, sha256: str) -> UploadPart:
    with taking(f"part {number} of {file.name}"), tempfile.TemporaryFile() as disk:
        digest, come = hashlib.sha256(), 0
        while come <= expected and (chunk := body.read(_CHUNK)):
            come += len(chunk)
            digest.update(chunk)
            disk.write(chunk)
        if come != expected:
            got = "more than that" if come > expected else f"{come:,}"
            raise DataError(f"Part {number} of {file.name} must have {expected:,} bytes; {got} came.", "Send it again.")
        if sha256 and sha256.lower() != digest.hexdigest():
            raise DataError(f"Part {number} of {file.name} was damaged on its way (its SHA-256 differs).", "Send it again.")
        disk.seek(0)
        # A name of its own: whoever sends the same part at the same time does no harm.
        name = f"{file.upload.folder}/{file.role}/{number:06}-{uuid.uuid4().hex[:8]}"
        try:
            stored = default_storage.save(name, File(disk))
        except OSError:
            # A full disk leaves the half of it.
            default_storage.delete(name)
            raise
    return _record(file, number, come, digest.hexdigest(), stored)


def _record(file: UploadFile, number: int, size: int, sha256: str, stored: str) -> UploadPart:
    with transaction.atomic():
        open_still = Upload.objects.select_for_update().filter(pk=file.upload_id, version=None).exists()
        if open_still:
            before = file.parts.filter(number=number).values_list("stored", flat=True).first()
            values = {"size": size, "sha256": sha256, "stored": stored}
            part, _ = file.parts.update_or_create(number=number, defaults=values)
    if not open_still:
        default_storage.delete(stored)
        if not Upload.objects.filter(pk=file.upload_id).exists():
            delete_folder(file.upload.folder)
        raise Http404("The upload was cancelled.")
    if before and before != stored:
        default_storage.delete(before)
    return part


def is_complete(upload: Upload) -> bool:
    """Whether every byte of every file is there."""
    return all(sum(file.parts.values_list("size", flat=True)) == file.size for file in upload.files.all())


def status(upload: Upload) -> dict[str, Any]:
    """What is there: for scripts and for the page that sends the rest."""
    files = [
        {
            "role": file.role,
            "name": file.name,
            "size": file.size,
            "parts": number_of_parts(file),
            "stored": sorted(file.parts.values_list("number", flat=True)),
        }
        for file in upload.files.order_by("role")
    ]
    return {"key": str(upload.key), "part_bytes": PART_BYTES, "files": files, "complete": is_complete(upload)}


def cancel_upload(upload: Upload) -> None:
    """Remove it, rows and files; one that has become a version stays (cancel that)."""
    with transaction.atomic():
        mine = Upload.objects.select_for_update().filter(pk=upload.pk, version=None).first()
        if mine is None:
            return
        mine.delete()
    delete_folder(upload.folder)


def open_part(part: UploadPart) -> IO[bytes]:
    """The content of one part."""
    return default_storage.open(part.stored)
