"""Client of a DARec Lab site: ``Client(url, token).runs.create(...).wait(progress=True)``."""

from darec_lab.client import Client
from darec_lab.errors import ApiError, ClientError, EndedBadlyError, UnreachableError, WaitedTooLongError
from darec_lab.lists import UserLists
from darec_lab.run import Run
from darec_lab.searches import Search
from darec_lab.uploads import Upload
from darec_lab.versions import Version

__all__ = [
    "ApiError",
    "Client",
    "ClientError",
    "EndedBadlyError",
    "Run",
    "Search",
    "UnreachableError",
    "Upload",
    "UserLists",
    "Version",
    "WaitedTooLongError",
]
