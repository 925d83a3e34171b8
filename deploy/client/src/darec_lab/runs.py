"""The runs of your projects."""

from collections.abc import Iterator, Sequence

from darec_lab.run import Run
from darec_lab.transport import Json, Transport


class Runs:
    """Launch runs, and find them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, version: int, preset: str, settings: Json | None = None, *, acknowledge_leakage: bool = False) -> Run:
        """Launch a run.

        Args:
            version: id of a dataset version that is ready.
            preset: such as sasrec; ``client.presets()`` lists all.
            settings: what differs from it, dotted: ``{"training.epochs": 20}``.
            acknowledge_leakage: you know the serious findings of the version's leakage report.
        """
        body = {"version": version, "preset": preset, "settings": settings or {}, "acknowledge_leakage": acknowledge_leakage}
        return Run(self._transport, self._transport.post("/runs", body, creates=True))

    def get(self, run: int) -> Run:
        """One run with everything."""
        return Run(self._transport, self._transport.get(f"/runs/{run}"))

    def list(
        self,
        *,
        project: int | None = None,
        state: str = "",
        method: str = "",
        where: Sequence[str] | None = None,
        tag: str = "",
        q: str = "",
        sort: str = "-id",
        trials: bool = False,
        limit: int = 50,
    ) -> Iterator[Run]:
        """Runs, page by page as they are needed; ``run.refresh()`` fills in what lists leave out.

        Args:
            state: a state, or active, or ended.
            where: conditions as on the page of runs: ``["training.seed = 3", "test.ndcg@10 > .05"]``.
            sort: a field, after a hyphen if the largest come first.
            trials: trials of searches too.
            limit: rows of one request, 200 at most; not of the whole list.
        """
        parameters = {"project": project, "state": state or None, "method": method or None, "where": [*where] if where else None}
        more = {"tag": tag or None, "q": q or None, "sort": sort, "trials": trials or None, "limit": limit}
        for values in self._transport.pages("/runs", **parameters, **more):
            yield Run(self._transport, values)
