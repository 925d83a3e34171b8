"""Files in parts: what breaks off goes on with the parts that are missing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from darec_lab.errors import ClientError
from darec_lab.progress import Told, shown
from darec_lab.transport import Json, Transport
from darec_lab.versions import Version


class Upload:
    """An upload: announced files, of which some parts are there.

    Attributes:
        key: names it; keep it to go on after a broken connection.
        values: as the site told them: part_bytes, files with parts and stored, complete.
    """

    def __init__(self, transport: Transport, values: Json) -> None:
        self._transport, self.values = transport, values

    def __repr__(self) -> str:
        return f"<Upload {self.key}>"

    @property
    def key(self) -> str:
        """Names it."""
        return str(self.values["key"])

    @property
    def address(self) -> str:
        """Beneath /api/v1."""
        return f"/uploads/{self.key}"

    @property
    def complete(self) -> bool:
        """Whether every part of every file is there, as of the last answer."""
        return bool(self.values["complete"])

    def refresh(self) -> Self:
        """Ask the site again which parts are there."""
        self.values = self._transport.get(self.address)
        return self

    def send(self, files: dict[str, str | Path], progress: bool | Told = False) -> Self:
        """Send the parts that are not there yet.

        Args:
            files: paths by role (interactions, items); the same files as were announced.
            progress: True shows a bar on stderr; a function is called with done, of (both bytes) and the file's name.
        """
        announced = {file["role"]: file for file in self.values["files"]}
        for role, path in files.items():
            size = Path(path).stat().st_size
            if role not in announced or announced[role]["size"] != size:
                raise ClientError(f"{path} ({size:,} bytes) is not the file announced as {role}.", "Begin a new upload.")
        if missing := set(announced) - set(files):
            raise ClientError(f"Where is the file of {', '.join(sorted(missing))}?", "Give all files that were announced.")
        part_bytes = int(self.values["part_bytes"])
        of = sum(file["size"] for file in announced.values())
        done = 0
        with shown("upload", progress) as told:
            for role, path in files.items():
                stored = set(announced[role]["stored"])
                for number, part in enumerate(_parts(Path(path), part_bytes)):
                    if number not in stored:
                        self._put(role, number, part)
                    done += len(part)
                    told(done, of, Path(path).name)
        return self.refresh()

    def mapping(self) -> Json:
        """What the columns seem to mean: layout, mapping, problem, columns."""
        found: Json = self._transport.get(f"{self.address}/mapping")
        return found

    def make_version(self, filters: Json | None = None, mapping: Json | None = None) -> Version:
        """Have a worker make a version of the files; ``version.wait()`` waits for it."""
        body = {"filters": filters or {}, "mapping": mapping}
        made = self._transport.post(f"{self.address}/version", body, creates=True)
        return Version(self._transport, made)

    def cancel(self) -> None:
        """Away with it."""
        self._transport.send("DELETE", self.address)

    def _put(self, role: str, number: int, part: bytes) -> None:
        headers = {"X-Part-SHA256": hashlib.sha256(part).hexdigest(), "Content-Type": "application/octet-stream"}
        self._transport.send("PUT", f"{self.address}/{role}/parts/{number}", content=part, headers=headers)


class Uploads:
    """How data come in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def begin(
        self, files: dict[str, str | Path], *, name: str = "", dataset: int | None = None, project: int | None = None
    ) -> Upload:
        """Announce files.

        Args:
            files: paths by role: interactions (or one archive with everything), and items, if there is such a file.
            name: of a new dataset.
            dataset: id of the dataset to add a version to, in place of a new one.
            project: id of the project of a new dataset; None is your first.
        """
        told = [{"role": role, "name": Path(path).name, "size": Path(path).stat().st_size} for role, path in files.items()]
        body = {"files": told, "name": name, "dataset": dataset, "project": project}
        return Upload(self._transport, self._transport.post("/uploads", body, creates=True))

    def get(self, key: str) -> Upload:
        """An upload that was begun: ``send`` goes on with it."""
        return Upload(self._transport, {"key": key}).refresh()

    def create(
        self,
        interactions: str | Path,
        items: str | Path | None = None,
        *,
        name: str = "",
        dataset: int | None = None,
        project: int | None = None,
        filters: Json | None = None,
        mapping: Json | None = None,
        progress: bool | Told = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> Version:
        """Everything in one: announce, send, make a version, and wait until it is ready (unless ``wait`` is False)."""
        files: dict[str, Any] = {"interactions": interactions, **({"items": items} if items else {})}
        upload = self.begin(files, name=name, dataset=dataset, project=project).send(files, progress)
        version = upload.make_version(filters, mapping)
        return version.wait(progress, timeout) if wait else version


def _parts(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        while part := source.read(size):
            yield part
