import hashlib
import io
import threading
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.http import Http404
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from engine.errors import DataError
from tests.webapp.people import People
from webapp.accounts.tokens import issue_token
from webapp.datasets import uploads as module
from webapp.datasets.models import Upload, UploadFile, UploadPart, Version
from webapp.datasets.pieces import open_file
from webapp.datasets.uploads import Announced, begin_upload, cancel_upload, plain_name, status, store_part

TEXT = b"who,what,when\nu1,i1,1600000000\nu22,i2,1600000001\n"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 16)


def stored(settings: Settings) -> list[Path]:
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return [path for path in root.rglob("*") if path.is_file()]


def begin(people: People, size: int = len(TEXT)) -> UploadFile:
    upload = begin_upload(people.project, people.alice, [Announced("interactions", "log.csv", size)], name="Soap")
    return upload.files.get()


def announce(client: Client, **changes: object) -> dict[str, object]:
    body = {"name": "Soap", "files": [{"role": "interactions", "name": "../log.csv", "size": len(TEXT)}], **changes}
    response = client.post("/datasets/uploads", body, content_type="application/json")
    return {"code": response.status_code, **response.json()}


def put(client: Client, key: object, number: int, data: bytes, **headers: str) -> int:
    address = f"/datasets/uploads/{key}/interactions/{number}"
    return client.put(address, data, content_type="application/octet-stream", headers=headers).status_code


def test_parts_in_any_order_twice_and_resumed_make_the_file(alice: Client, settings: Settings) -> None:
    state = announce(alice)
    assert state["code"] == 201
    assert state["part_bytes"] == 16
    assert state["files"] == [{"role": "interactions", "name": "log.csv", "size": 49, "parts": 4, "stored": []}]
    parts = [TEXT[start : start + 16] for start in range(0, len(TEXT), 16)]
    for number in (2, 0, 0):
        assert (
            put(alice, state["key"], number, parts[number], **{"X-Part-SHA256": hashlib.sha256(parts[number]).hexdigest()}) == 200
        )
    half = alice.get(f"/datasets/uploads/{state['key']}").json()
    assert half["files"][0]["stored"] == [0, 2]
    assert not half["complete"]
    for number in (1, 3):
        assert put(alice, state["key"], number, parts[number]) == 200
    assert alice.get(f"/datasets/uploads/{state['key']}").json()["complete"]
    with open_file(UploadFile.objects.get()) as whole:
        assert whole.read() == TEXT
        whole.seek(-5, io.SEEK_END)
        assert whole.read() == TEXT[-5:]
        whole.seek(14)
        assert whole.read(10) == TEXT[14:24]
    # Of the part that came twice one is kept.
    assert len(stored(settings)) == 4


@pytest.mark.parametrize(("number", "data"), [(0, b"short"), (0, b"x" * 17), (3, b""), (4, b"x"), (3, b"xx")])
def test_a_part_of_another_size_is_refused(people: People, settings: Settings, number: int, data: bytes) -> None:
    with pytest.raises(DataError):
        store_part(begin(people), number, io.BytesIO(data))
    assert not UploadPart.objects.exists()
    assert stored(settings) == []


def test_a_damaged_part_is_refused(alice: Client) -> None:
    key = announce(alice)["key"]
    assert put(alice, key, 0, TEXT[:16], **{"X-Part-SHA256": "0" * 64}) == 422
    assert not UploadPart.objects.exists()


def test_a_body_too_large_is_not_read_to_its_end(people: People) -> None:
    class Endless:
        def __init__(self) -> None:
            self.given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            return b"x" * size

    body = Endless()
    with pytest.raises(DataError, match="more than that came"):
        store_part(begin(people), 0, body)
    assert body.given <= 2**17


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "needs a name"),
        ({"files": []}, "file of interactions"),
        ({"files": [{"role": "other", "name": "x", "size": 1}]}, "file of interactions"),
        ({"files": [{"role": "interactions", "name": "x", "size": 0}]}, "is empty"),
        ({"files": [{"role": "interactions", "name": "x", "size": 2**50}]}, "are allowed"),
        ({"files": "nonsense"}, "not what the upload page sends"),
    ],
)
def test_what_cannot_be_announced(alice: Client, changes: dict[str, object], words: str) -> None:
    answer = announce(alice, **changes)
    assert answer["code"] == 422
    assert words in str(answer["error"])
    assert not Upload.objects.exists()


def test_cancelling_leaves_nothing(alice: Client, settings: Settings) -> None:
    key = announce(alice)["key"]
    put(alice, key, 0, TEXT[:16])
    assert stored(settings)
    assert alice.delete(f"/datasets/uploads/{key}").status_code == 204
    assert not Upload.objects.exists()
    assert not UploadPart.objects.exists()
    assert stored(settings) == []
    assert put(alice, key, 1, TEXT[16:32]) == 404


def test_a_part_under_way_when_it_is_cancelled_is_not_kept(people: People, settings: Settings) -> None:
    file = begin(people)

    class Cancelling(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            cancel_upload(file.upload)
            return super().read(size)

    with pytest.raises(Http404):
        store_part(file, 0, Cancelling(TEXT[:16]))
    assert not default_storage.exists(file.upload.folder)
    assert stored(settings) == []


@pytest.mark.django_db(transaction=True)
def test_the_same_part_from_two_sides_is_one_part(people: People, settings: Settings) -> None:
    file = begin(people)

    def send() -> None:
        store_part(file, 0, io.BytesIO(TEXT[:16]))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [part.number for part in UploadPart.objects.all()] == [0]
    assert len(stored(settings)) == 1


def test_others_see_nothing_and_viewers_may_not(alice: Client, bob: Client, charlie: Client) -> None:
    key = announce(alice)["key"]
    for other in (bob, charlie):
        assert other.get(f"/datasets/uploads/{key}").status_code == 404
        assert other.delete(f"/datasets/uploads/{key}").status_code == 404
        assert put(other, key, 0, TEXT[:16]) == 404
        assert other.get(f"/datasets/uploads/{key}/columns").status_code == 404
        assert other.get(f"/datasets/uploads/{key}/start").status_code == 404
        assert other.post(f"/datasets/uploads/{key}/cancel").status_code == 404
    body = {"name": "x", "files": [{"role": "interactions", "name": "x", "size": 1}]}
    assert bob.post("/datasets/uploads", body, content_type="application/json").status_code == 403


def test_by_rest(people: People, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    client = Client(headers={"Authorization": f"Bearer {issue_token(people.alice, 'script', None)[1]}"})
    files = [{"role": "interactions", "name": "log.csv", "size": len(TEXT)}]
    state = client.post("/api/v1/uploads", {"name": "Soap", "files": files}, content_type="application/json").json()
    address = f"/api/v1/uploads/{state['key']}"
    early = client.post(f"{address}/version", {}, content_type="application/json")
    assert early.status_code == 422
    for number in range(4):
        data = TEXT[number * 16 : number * 16 + 16]
        assert (
            client.put(f"{address}/interactions/parts/{number}", data, content_type="application/octet-stream").status_code == 200
        )
    assert client.get(address).json()["complete"]
    guess = client.get(f"{address}/mapping").json()
    assert guess["mapping"]["interactions"]["roles"] == {"who": "user", "what": "item", "when": "time"}
    wrong = client.post(f"{address}/version", {"mapping": {"interactions": {}}}, content_type="application/json")
    assert wrong.status_code == 422
    with django_capture_on_commit_callbacks():
        made = client.post(f"{address}/version", {"filters": {"core": 0}}, content_type="application/json")
    assert made.status_code == 201
    version = Version.objects.get(pk=made.json()["id"])
    assert (version.state, version.upload.mapping) == ("queued", guess["mapping"])
    assert client.delete(address).status_code == 404


def test_names_are_made_plain() -> None:
    assert plain_name("C:\\data\\..\\.log?.csv") == "log_.csv"
    assert plain_name("../../x\x00\n.csv") == "x__.csv"
    assert plain_name("..") == "file"
    assert len(plain_name("ä" * 300 + ".csv").encode()) <= 200
    assert plain_name("ä" * 300 + ".csv").endswith(".csv")


def test_status_of_several_files(people: People) -> None:
    files = [Announced("items", "i.csv", 5), Announced("interactions", "l.csv", 33)]
    upload = begin_upload(people.project, people.alice, files, name="Soap")
    assert [file["parts"] for file in status(upload)["files"]] == [3, 1]
