"""A study's table as Markdown and on the terminal, the protocol beside it. No torch here."""

from rich.console import Console
from rich.table import Table

from engine.commands.terminal import literal
from engine.result import Protocol
from engine.study.table import StudyRow, StudyTable

HEADINGS = (
    "variant",
    "test NDCG@10",
    "test HR@10",
    "valid NDCG@10",
    "difference (95 % interval)",
    "p",
    "trainable",
    "seconds",
    "epochs",
)
ESSENTIAL = ("variant", "test NDCG@10", "difference (95 % interval)", "p")
"""What a narrow terminal shows; table.md has the rest."""
WIDE = 160
_SEEN = {"remove": "items of the user's history removed", "keep": "items of the user's history kept"}


def cells(row: StudyRow, base: str) -> list[str]:
    """One line of the table, in the order of ``HEADINGS``."""
    compared = row.comparison
    return [
        row.variant,
        _with_deviation(row, "ndcg@10"),
        _with_deviation(row, "hr@10"),
        f"{row.valid['ndcg@10']:.4f}",
        f"{compared.difference:+.4f} ({compared.low:+.4f} to {compared.high:+.4f}){_percent(compared.relative)}"
        if compared
        else "the base"
        if row.variant == base
        else "",
        f"{compared.p:.4f}" if compared else "",
        f"{row.trainable_parameters:,}",
        f"{row.seconds:.0f}",
        f"{row.epochs:g}",
    ]


def notes(table: StudyTable) -> list[str]:
    """What must be read with the numbers: protocol, seeds, what the interval knows, what is missing."""
    if table.protocol is None or table.data is None:
        return ["No run is finished yet."]
    data, seeds = table.data, ", ".join(str(seed) for seed in table.seeds)
    lines = [
        f"{protocol_line(table.protocol)} · {table.users_evaluated:,} users evaluated",
        f"{data.users:,} users, {data.items:,} items, {data.interactions:,} interactions. Seeds {seeds}: means (± standard "
        f"deviation over seeds). Differences are to {table.base}; interval and p are over users (paired, by each user's mean "
        "over the seeds) and do not see the noise of training, which the deviation over seeds shows. p is of each line alone.",
    ]
    if table.missing:
        lines.append(f"Not finished: {', '.join(table.missing)}.")
    return lines


def protocol_line(protocol: Protocol) -> str:
    """All that must be equal before two numbers may stand side by side."""
    ranked = "full ranking over" if protocol.candidates == "full" else f"{protocol.candidates} candidates out of"
    return (
        f"{protocol.split} · {ranked} {protocol.catalogue:,} items · {_SEEN[protocol.seen]} · ties: {protocol.ties} · "
        f"version {protocol.version[:10]} · split {protocol.split_hash[:10]}"
    )


def markdown(table: StudyTable) -> str:
    """The whole table with its notes."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|---|{'---:|' * (len(HEADINGS) - 1)}"]
    lines += [f"| {' | '.join(cells(row, table.base))} |" for row in table.rows]
    named = [f"- **{row.variant}**: {row.sentence}" for row in table.rows if row.sentence]
    return "\n".join([*lines, "", *(f"{note}\n" for note in notes(table)), *named]).rstrip() + "\n"


def print_table(table: StudyTable) -> None:
    """Show it on stderr."""
    terminal = Console(stderr=True).is_terminal
    console = Console(stderr=True, highlight=False, soft_wrap=not terminal, width=None if terminal else WIDE)
    chosen = [heading for heading in HEADINGS if console.width >= WIDE or heading in ESSENTIAL]
    shown = Table(title_justify="left")
    for heading in chosen:
        shown.add_column(heading, justify="left" if heading == HEADINGS[0] else "right", overflow="fold")
    for row in table.rows:
        lines = dict(zip(HEADINGS, cells(row, table.base), strict=True))
        shown.add_row(*(literal(lines[heading]) for heading in chosen))
    console.print(shown)
    for note in notes(table):
        console.print(literal(note))


def _with_deviation(row: StudyRow, metric: str) -> str:
    deviation = f" ± {row.deviation[metric]:.4f}" if row.deviation else ""
    return f"{row.test[metric]:.4f}{deviation}"


def _percent(share: float | None) -> str:
    return f", {100 * share:+.1f} %" if share is not None else ""
