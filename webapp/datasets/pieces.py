"""An uploaded file as one stream over its stored parts, of which only those are fetched that are read."""

import bisect
import io
from itertools import accumulate
from typing import IO, BinaryIO, cast

from typing_extensions import Buffer

from webapp.datasets.models import UploadFile
from webapp.datasets.uploads import open_part


class Pieces(io.RawIOBase):
    """The bytes of ``file`` in order; can seek. One part is open at a time."""

    def __init__(self, file: UploadFile) -> None:
        self._parts = list(file.parts.order_by("number"))
        self._starts = [0, *accumulate(part.size for part in self._parts)]
        self._position = 0
        self._open: tuple[int, IO[bytes]] | None = None

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can seek."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place; as of any file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill ``buffer`` from the part at the position, as far as that goes."""
        target = memoryview(buffer).cast("B")
        if self._position >= self._starts[-1] or not len(target):
            return 0
        place = bisect.bisect_right(self._starts, self._position) - 1
        stream = self._at(place)
        stream.seek(self._position - self._starts[place])
        data = stream.read(min(len(target), self._starts[place + 1] - self._position))
        target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        """Let go of the open part."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        super().close()

    def _at(self, place: int) -> IO[bytes]:
        if self._open is None or self._open[0] != place:
            if self._open is not None:
                self._open[1].close()
            self._open = (place, open_part(self._parts[place]))
        return self._open[1]


def open_file(file: UploadFile) -> BinaryIO:
    """The whole file as a buffered stream; close it."""
    return cast(BinaryIO, io.BufferedReader(Pieces(file), 2**18))
