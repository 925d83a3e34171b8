import io
import zipfile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engine.errors import DataError
from tests.webapp.people import HOSTILE, People, make_version
from webapp.audit.models import AuditEntry
from webapp.datasets.models import Dataset, SavedMapping, Upload, Version
from webapp.datasets.starting import discard_version, start_version
from webapp.datasets.uploads import Announced, begin_upload, store_whole
from webapp.storage import delete_folder

LOG = "customer;sku;bought;points\n" + "".join(f"u{row % 3};i{row % 4};2020-01-0{row % 9 + 1};{row % 5}\n" for row in range(30))
OURS = "user_id,item_id,timestamp\n1,2,3\n2,2,3\n"
ROLES = {"interactions-0": "user", "interactions-1": "item", "interactions-2": "time", "interactions-3": "rating"}


def make_upload(people: People, dataset: Dataset | None = None, **files: tuple[str, bytes]) -> Upload:
    announced = [Announced(role, name, len(data)) for role, (name, data) in files.items()]
    upload = begin_upload(people.project, people.alice, announced, dataset, "" if dataset else "Soap")
    for file in upload.files.all():
        store_whole(file, ContentFile(files[file.role][1]))
    return upload


@pytest.fixture
def upload(people: People) -> Upload:
    return make_upload(people, interactions=("log.csv", LOG.encode()))


def address(upload: Upload, step: str) -> str:
    return f"/datasets/uploads/{upload.key}/{step}"


def shown(client: Client, upload: Upload) -> dict[str, Any]:
    """The fields of the form as the page sends them."""
    part = client.get(address(upload, "columns")).context["parts"][0]
    fields = {f"interactions-{place}": column["role"] for place, column in enumerate(part["columns"])}
    return {"interactions-columns": part["fingerprint"], "interactions-header": "yes", "interactions-separator": "|", **fields}


def test_the_guess_is_shown_with_reasons_and_its_effect(alice: Client, upload: Upload) -> None:
    body = alice.get(address(upload, "columns")).content.decode()
    for text in ("a semicolon between them", "its name says user", "2020-01-01 00:00:00", "the first 30 rows", "log.csv"):
        assert text in body, text


def test_a_changed_menu_shows_its_effect_at_once(alice: Client, upload: Upload) -> None:
    fields = {**shown(alice, upload), "interactions-3": "ignore", "interactions-1": "time"}
    response = alice.post(address(upload, "columns"), fields, headers={"HX-Request": "true"})
    body = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in body
    assert "Not complete yet" in body
    fields["interactions-2"] = "item"
    body = alice.post(address(upload, "columns"), fields, headers={"HX-Request": "true"}).content.decode()
    assert "timestamp &#x27;i0&#x27; is not a number or an ISO date" in body
    assert "30 of these rows: no time (first on line 2)" in body


def test_other_fields_between_make_other_columns(alice: Client, upload: Upload) -> None:
    fields = {**shown(alice, upload), "interactions-delimiter": "|"}
    part = alice.post(address(upload, "columns"), fields).context["parts"][0]
    assert [column["name"] for column in part["columns"]] == ["customer;sku;bought;points"]


def test_from_columns_to_a_version_that_remembers_the_mapping(alice: Client, people: People, upload: Upload) -> None:
    response = alice.post(address(upload, "columns"), {**shown(alice, upload), **ROLES, "go": "1"})
    assert response["Location"] == address(upload, "start")
    assert "log.csv" in alice.get(address(upload, "start")).content.decode()
    wrong = alice.post(address(upload, "start"), {"core": "-1", "after": "yesterday"})
    assert wrong.status_code == 422
    assert "got -1, must be 0 or more" in wrong.content.decode()
    assert "must be an ISO date" in wrong.content.decode()
    response = alice.post(
        address(upload, "start"), {"core": "2", "minimum_rating": "1.5", "after": "2020-01-02", "sample_users": ""}
    )
    version = Version.objects.get()
    assert response["Location"] == f"/datasets/{version.dataset_id}/versions/1"
    assert (version.state, version.filters["core"], version.filters["minimum_rating"]) == ("queued", 2, 1.5)
    assert version.filters["after"] == "2020-01-02"
    assert version.upload.mapping["interactions"]["roles"]["points"] == "rating"
    assert SavedMapping.objects.get().dataset == version.dataset
    assert alice.get(address(upload, "columns")).status_code == 404

    again = make_upload(people, version.dataset, interactions=("x.csv", b"points,customer,other,sku\n1,a,b,c\n1,a,b,d\n"))
    page = alice.get(address(again, "columns"))
    assert "Soap" in page.content.decode()
    fields = {**shown(alice, again), "like": str(version.dataset_id)}
    columns = alice.post(address(again, "columns"), fields).context["parts"][0]["columns"]
    assert [column["role"] for column in columns] == ["rating", "user", "ignore", "item"]


def test_what_is_not_complete_does_not_go_on(alice: Client, upload: Upload) -> None:
    response = alice.post(address(upload, "columns"), {**shown(alice, upload), "interactions-0": "ignore", "go": "1"})
    assert response.status_code == 422
    assert "no column is the user" in response.content.decode()


def test_missing_parts_lead_back_to_the_files(alice: Client, people: People) -> None:
    upload = begin_upload(people.project, people.alice, [Announced("interactions", "log.csv", 10)], name="Soap")
    assert alice.get(address(upload, "columns"))["Location"] == "/datasets/new"
    with pytest.raises(DataError, match="Parts of the files are missing"):
        start_version(upload, people.alice, {})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.csv", b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        ("x.zip", b"PK\x03\x04rest", "incomplete or damaged"),
        ("x.csv", b'a,b\n1,"x\n', "cannot be read"),
    ],
)
def test_a_file_of_no_use_is_explained(alice: Client, people: People, name: str, data: bytes, words: str) -> None:
    upload = make_upload(people, interactions=(name, data))
    body = alice.get(address(upload, "columns")).content.decode()
    assert words in body
    assert alice.post(address(upload, "columns"), {"go": "1"}).status_code == 422


def test_known_layouts_need_no_mapping(alice: Client, people: People) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ml/u.data", "1\t2\t3\t4\n")
        archive.writestr("ml/u.item", "2|T|\n")
    upload = make_upload(people, interactions=("ml.zip", packed.getvalue()))
    assert "MovieLens" in alice.get(address(upload, "columns")).content.decode()
    assert alice.post(address(upload, "columns"), {"go": "1"}).status_code == 302
    upload.refresh_from_db()
    assert upload.mapping is None


def test_our_own_names_need_none_either(alice: Client, people: People) -> None:
    upload = make_upload(people, interactions=("x.csv", OURS.encode()))
    assert alice.post(address(upload, "columns"), {**shown(alice, upload), "go": "1"}).status_code == 302
    upload.refresh_from_db()
    assert upload.mapping is None


def test_names_and_cells_are_text(alice: Client, people: People) -> None:
    data = f'"{HOSTILE}",item\n"{HOSTILE}",2\n'.encode()
    body = alice.get(address(make_upload(people, interactions=("x.csv", data)), "columns")).content.decode()
    assert "<script>alert" not in body
    assert "{{ 7*7 }}" in body


def test_without_a_script_a_mapping_is_asked_for_where_it_is_needed(alice: Client) -> None:
    form = {"name": "Soap", "interactions": SimpleUploadedFile("log.csv", LOG.encode()), "core": "5"}
    response = alice.post("/datasets/new", form)
    upload = Upload.objects.get()
    assert response["Location"] == address(upload, "columns")
    assert upload.version is None


def test_cancelling(alice: Client, upload: Upload) -> None:
    assert alice.post(address(upload, "cancel"))["Location"] == "/datasets/new"
    assert not Upload.objects.exists()


def test_discarding_a_version_takes_its_dataset_along_if_it_was_the_only_one(people: People, alice: Client, bob: Client) -> None:
    upload = make_upload(people, interactions=("x.csv", OURS.encode()))
    version = start_version(upload, people.alice, {})
    page = f"/datasets/{version.dataset_id}/versions/1"
    assert "Cancel" in alice.get(page).content.decode()
    assert "discard" not in bob.get(page).content.decode()
    assert bob.post(f"{page}/discard").status_code == 403
    assert alice.post(f"{page}/discard")["Location"] == "/datasets"
    assert not Dataset.objects.exists()
    assert not Upload.objects.exists()


def test_what_is_ready_is_not_discarded(people: People, alice: Client, charlie: Client) -> None:
    version = make_version(people)
    make_version(people, state="failed")
    with pytest.raises(DataError, match="is ready"):
        discard_version(version, people.alice)
    page = f"/datasets/{version.dataset_id}/versions"
    assert charlie.post(f"{page}/2/discard").status_code == 404
    assert alice.post(f"{page}/1/discard")["Location"] == f"{page}/1"
    assert alice.post(f"{page}/2/discard").status_code == 302
    assert Version.objects.get() == version


def test_a_version_made_from_another_is_discarded_without_touching_the_storage(people: People) -> None:
    parent = make_version(people)
    default_storage.save("versions/v/items.parquet", ContentFile(b"x"))
    discard_version(make_version(people, state="queued", parent=parent, upload_key=""), people.alice)
    assert default_storage.exists("versions/v/items.parquet")
    assert AuditEntry.objects.filter(action="version.discarded").count() == 1
    with pytest.raises(ValueError, match="whole storage"):
        delete_folder("")
