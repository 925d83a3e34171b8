from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.models import Version
from webapp.datasets.report import REJECTED_NAME

REPORT = {
    "rejected": 1234,
    "reasons": [{"file": "log.csv", "reason": "too few fields", "count": 1234, "lines": [7, 1008]}],
}

SOURCES = {"sources": {"log.csv": "ab"}}


def page(version: Version) -> str:
    return f"/datasets/{version.dataset_id}/versions/{version.number}"


def test_notices_by_file_reasons_and_the_list(alice: Client, charlie: Client, people: People) -> None:
    notices = ["log.csv: 1,234 rows skipped.", f"There is {HOSTILE}."]
    version = make_version(
        people, notices=notices, report=REPORT, storage_key="versions/x", manifest={"sources": {"log.csv": "ab"}}
    )
    assert f"{page(version)}/report" in alice.get(page(version)).content.decode()
    body = alice.get(f"{page(version)}/report").content.decode()
    for text in ("<h2>log.csv</h2>", "<li>1,234 rows skipped.", "too few fields", "7, 1,008, …", "In general", "{{ 7*7 }}"):
        assert text in body, text
    assert "<script>alert" not in body
    default_storage.save(f"versions/x/{REJECTED_NAME}", ContentFile(b"file,line\n" * 20_000))
    response = alice.get(f"{page(version)}/left-out.csv")
    assert b"".join(response.streaming_content) == b"file,line\n" * 20_000  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == f'attachment; filename="left-out-{version.dataset_id}-v1.csv"'
    for address in ("report", "left-out.csv"):
        assert charlie.get(f"{page(version)}/{address}").status_code == 404


def test_nothing_to_report(alice: Client, people: People) -> None:
    version = make_version(people)
    assert "every row was read" in alice.get(f"{page(version)}/report").content.decode()
    assert alice.get(f"{page(version)}/left-out.csv").status_code == 404
