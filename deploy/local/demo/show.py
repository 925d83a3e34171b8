"""The results that the demo prints: metrics with their protocol, the architecture, sample recommendations."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.local.demo.runs import log_lines
from webapp.datasets.models import Version
from webapp.experiments.models import Run, SampleRecommendation

WIDEST = 100
SHOWN_PLACES = 10
SHOWN_HISTORY = 5
METRICS = ("hr@10", "ndcg@10", "mrr@10")
TITLES = {"hr@10": "HR@10", "ndcg@10": "NDCG@10", "mrr@10": "MRR@10"}


def console(*, stderr: bool = False) -> Console:
    """A terminal of at most 100 columns."""
    found = Console(stderr=stderr)
    return Console(stderr=stderr, width=min(found.width, WIDEST) if found.is_terminal else WIDEST, highlight=False)


def plain(title: object) -> str:
    """A title without what could move the cursor or change colours."""
    return "".join(letter if letter.isprintable() else " " for letter in str(title))


def failure(target: Console, run: Run) -> None:
    """Why a run did not succeed."""
    target.print(f"{run} ({run.preset}) {run.get_state_display()}: {plain(run.error)}", markup=False)
    if run.hint:
        target.print(plain(run.hint), markup=False)
    if run.reference:
        target.print(f"Reference in the log of worker-gpu: {run.reference}", markup=False)
    for line in log_lines(run):
        target.print(f"  | {plain(line)}", markup=False)


def results(target: Console, version: Version, runs: Sequence[Run]) -> None:
    """Metrics with their protocol, the architecture, and sample recommendations."""
    size = f"{version.users:,} users, {version.items:,} items, {version.interactions:,} interactions"
    target.print()
    target.print(Text(f"Test metrics on {plain(version)}: {size}", style="bold"))
    target.print(_metrics(runs))
    for line in dict.fromkeys(_protocol(run) for run in runs):
        of = "" if len({_protocol(run) for run in runs}) == 1 else " of ".join(["", *_with(runs, line)])
        target.print(f"Protocol{of}: {line}", markup=False)
    for run in runs:
        if run.layers.exists():
            target.print()
            target.print(Text(f"Adapters of {run} ({run.preset}), layer by layer", style="bold"))
            target.print(architecture(run))
    for user, heading in _sample_users(runs).items():
        target.print()
        target.print(Text(f"Sample: user {plain(user)}, {heading}", style="bold"))
        _sample(target, runs, user)


def _with(runs: Sequence[Run], line: str) -> list[str]:
    return [str(run) for run in runs if _protocol(run) == line]


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False)


def _metrics(runs: Sequence[Run]) -> Table:
    table = _table()
    for heading in ("run", "preset"):
        table.add_column(heading, no_wrap=True)
    for heading in (*(TITLES[metric] for metric in METRICS), "params", "targets/s", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        values = [f"{run.test[metric]:.4f}" if metric in run.test else "-" for metric in METRICS]
        speed = f"{run.targets_per_second or 0:,.0f}"
        table.add_row(str(run), run.preset, *values, f"{run.trainable_parameters or 0:,}", speed, f"{run.seconds or 0:.0f}")
    return table


def _protocol(run: Run) -> str:
    protocol = run.protocol
    seen = "removed from" if protocol["seen"] == "remove" else "kept in"
    ranking = f"{protocol['candidates']} ranking of {protocol['catalogue']:,} items"
    return (
        f"{protocol['split']} test of {run.users_evaluated:,} users, {ranking}, "
        f"seen items {seen} the ranking, ties {protocol['ties']}; "
        f"version {protocol['version'][:12]}, split {protocol['split_hash'][:12]}."
    )


def architecture(run: Run) -> Table:
    """Adapters of ``run``, layer by layer."""
    table = _table()
    table.add_column("layer", justify="right")
    table.add_column("kind")
    table.add_column("where")
    table.add_column("rank", justify="right")
    table.add_column("parameters", justify="right")
    for cell in run.layers.all():
        table.add_row(str(cell.layer), cell.kind, cell.target, str(cell.rank or "-"), f"{cell.parameters:,}")
    return table


def _sample_users(runs: Sequence[Run]) -> dict[str, str]:
    """One user whose held-out item a run has among the first ten, and one where none has, with a heading each."""
    best: dict[str, float] = {}
    for run in runs:
        for user, rank in run.samples.values_list("user_id_text", "rank"):
            best[user] = min(rank, best.get(user, rank))
    hit = next((user for user, rank in best.items() if rank < SHOWN_PLACES), None)
    miss = next((user for user, rank in best.items() if rank >= SHOWN_PLACES), None)
    headings = {hit: "the held-out item is found", miss: "the held-out item is not found"}
    return {user: heading for user, heading in headings.items() if user is not None}


def _sample(target: Console, runs: Sequence[Run], user: str) -> None:
    found = {run: run.samples.filter(user_id_text=user).first() for run in runs}
    samples: dict[Run, SampleRecommendation] = {run: sample for run, sample in found.items() if sample is not None}
    first = next(iter(samples.values()))
    history = " → ".join(plain(item["title"]) for item in first.history[-SHOWN_HISTORY:])
    target.print(Text(f"last seen:  {history}"))
    target.print(Text(f"held out:   {plain(first.target['title'])}", style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    table.add_column("#", justify="right", width=2)
    for run, sample in samples.items():
        table.add_column(f"{run} {run.preset}: held out at {sample.rank + 1:g}", ratio=1, no_wrap=True, overflow="ellipsis")
    for place in range(max(len(sample.recommended) for sample in samples.values())):
        table.add_row(str(place + 1), *(_cell(sample, place) for sample in samples.values()))
    target.print(table)


def _cell(sample: SampleRecommendation, place: int) -> Text:
    if place >= len(sample.recommended):
        return Text("")
    item = sample.recommended[place]
    hit = item["id"] == sample.target["id"]
    return Text(("▶ " if hit else "  ") + plain(item["title"]), style="bold green" if hit else "")
