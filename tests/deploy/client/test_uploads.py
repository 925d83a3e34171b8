"""Files come in in parts, to a real site; no worker reads them here, so the version stays queued."""

from pathlib import Path

import pytest
from darec_lab import Client, ClientError, EndedBadlyError, WaitedTooLongError

from tests.webapp.people import People, make_version
from webapp.datasets import uploads
from webapp.datasets.models import Version


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "interactions.csv"
    path.write_text("user_id,item_id,timestamp,rating\n" + "".join(f"u{n % 9},i{n % 7},{n},5\n" for n in range(200)))
    return path


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 1000)


def test_parts_are_sent_and_become_a_version(alice: Client, file: Path) -> None:
    told: list[tuple[float, float, str]] = []
    version = alice.uploads.create(file, name="Small", filters={"core": 2}, progress=lambda *one: told.append(one), wait=False)
    size = file.stat().st_size
    assert told[0] == (1000, size, "interactions.csv")
    assert told[-1] == (size, size, "interactions.csv")
    assert version.state == "queued"
    assert Version.objects.get(pk=version.id).filters["core"] == 2
    with pytest.raises(WaitedTooLongError):
        version.wait(timeout=0)


def test_what_broke_off_goes_on_with_what_is_missing(alice: Client, file: Path) -> None:
    begun = alice.uploads.begin({"interactions": file}, name="Small")

    def break_off(done: float, of: float, word: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begun.send({"interactions": file}, break_off)
    again = alice.uploads.get(begun.key)
    assert again.values["files"][0]["stored"] == [0]
    assert not again.complete
    sent: list[int] = []
    put = again._put

    def note(role: str, number: int, part: bytes) -> None:
        sent.append(number)
        put(role, number, part)

    again._put = note  # type: ignore[method-assign]
    assert again.send({"interactions": file}).complete
    assert sent == list(range(1, again.values["files"][0]["parts"]))
    assert again.mapping()["problem"] == ""
    again.cancel()


def test_another_file_is_not_sent_in_its_place(alice: Client, file: Path) -> None:
    begun = alice.uploads.begin({"interactions": file}, name="Small")
    with pytest.raises(ClientError, match="Where is the file of interactions"):
        begun.send({})
    file.write_text("user_id\n")
    with pytest.raises(ClientError, match="not the file announced"):
        begun.send({"interactions": file})


def test_a_version_that_cannot_be_read_is_an_error(alice: Client, people: People) -> None:
    row = make_version(people, state="failed", error="Row 3 has no user.", hint="Correct the file.")
    with pytest.raises(EndedBadlyError, match=r"Row 3 has no user\. Correct the file"):
        alice.versions.get(row.pk).wait()
