"""The client: where everything begins."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from darec_lab.comparing import Comparison, compare, leaderboard
from darec_lab.runs import Runs
from darec_lab.searches import Searches
from darec_lab.transport import Json, Transport
from darec_lab.uploads import Uploads
from darec_lab.versions import Datasets, Versions

if TYPE_CHECKING:
    import polars as pl


class Specs:
    """Settings before they are launched."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def schema(self) -> Json:
        """JSON schemas of a run's spec and of each method's settings."""
        found: Json = self._transport.get("/specs/schema")
        return found

    def validate(self, preset: str, settings: Json | None = None) -> Json:
        """What is wrong with settings: valid, problems by field, spec, without_effect."""
        found: Json = self._transport.post("/specs/validate", {"preset": preset, "settings": settings or {}})
        return found

    def cost(self, version: int, preset: str, settings: Json | None = None) -> Json:
        """What a run is likely to cost: seconds, memory in bytes, trainable parameters."""
        body = {"version": version, "preset": preset, "settings": settings or {}}
        found: Json = self._transport.post("/specs/cost", body)
        return found


class Client:
    """A site, seen with one token. Use it in a ``with`` block, or call ``close()``.

    Args:
        url: of the site, such as ``https://lab.example.org``.
        token: made on your profile page; its scope decides what you may do.
        timeout: seconds for connecting and for each pause within an answer.
        retries: how often a request that may safely be sent again is.

    Errors are all ``ClientError``: ``ApiError`` where the site refuses, ``UnreachableError`` where no answer comes.
    """

    def __init__(self, url: str, token: str, timeout: float = 30.0, retries: int = 4) -> None:
        self.url = url.rstrip("/")
        self.transport = Transport(url, token, timeout, retries)
        self.datasets, self.versions = Datasets(self.transport), Versions(self.transport)
        self.uploads, self.specs = Uploads(self.transport), Specs(self.transport)
        self.runs, self.searches = Runs(self.transport), Searches(self.transport)

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.transport.close()

    def presets(self) -> Json:
        """The presets of ``runs`` and of ``searches``, with all their settings."""
        found: Json = self.transport.get("/presets")
        return found

    def projects(self) -> list[Json]:
        """The projects in which you are, with your role."""
        return list(self.transport.get("/projects"))

    def workers(self) -> Json:
        """Queues, and workers with what they have in hand."""
        found: Json = self.transport.get("/workers")
        return found

    def compare(
        self,
        runs: list[int],
        *,
        columns: list[str] | None = None,
        metric: str = "ndcg@10",
        significant: bool = True,
        timeout: float = 300,
    ) -> Comparison:
        """Runs in classes of equal protocol, and which differences are more than chance (waited for, up to ``timeout`` s)."""
        return compare(self.transport, runs, columns=columns, metric=metric, significant=significant, timeout=timeout)

    def leaderboard(self, version: int, by: str = "method") -> "pl.DataFrame":
        """The methods (or presets) on a version, of each the configuration that validation chose."""
        return leaderboard(self.transport, version, by)
