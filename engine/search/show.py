"""A finished search in the terminal: the layer map of its best trials, and the verdict. No torch here."""

from typing import Any

from rich.console import Console
from rich.table import Table

from engine.commands.terminal import literal
from engine.study.show import WIDE

SHOWN = 10
_SHORT = {"attention": "attn", "mlp": "mlp", "both": "both"}


def cell(choice: str) -> str:
    """One layer's adapter in few letters: ``both 8`` for LoRA, ``dora attn 4`` for others, a dot for none."""
    if choice == "none":
        return "·"
    kind, target, rank = choice.split("/")
    return f"{_SHORT[target]} {rank}" if kind == "lora" else f"{kind} {_SHORT[target]} {rank}"


def layer_table(answer: dict[str, Any]) -> Table:
    """Rows: the best trials by value, then winner and rival as they were retrained. Columns: layers, the lowest first."""
    done = sorted((trial for trial in answer["trials"] if trial["value"] is not None), key=lambda trial: -trial["value"])
    layers = len(answer["best"]["architecture"])
    table = Table(
        title=f"Best {min(SHOWN, len(done))} of {len(done)} finished trials, then the full trainings", title_justify="left"
    )
    table.add_column("")
    table.add_column("NDCG@10", justify="right")
    table.add_column("parameters", justify="right")
    for layer in range(layers):
        table.add_column(str(layer), justify="center")
    for trial in done[:SHOWN]:
        early = "" if trial["fidelity"] == 1 else "*"
        value, parameters = f"{trial['value']:.4f}{early}", f"{trial['parameters']:,}"
        table.add_row(f"trial {trial['number']}", value, parameters, *map(cell, trial["architecture"]))
    table.add_section()
    for name, side in (("winner, test", answer["best"]), ("uniform, test", answer["uniform"])):
        table.add_row(name, f"{side['test']['ndcg@10']:.4f}", f"{side['adapter_parameters']:,}", *map(cell, side["architecture"]))
    return table


def print_answer(answer: dict[str, Any]) -> None:
    """Write the table and the verdict to standard error."""
    terminal = Console(stderr=True).is_terminal
    console = Console(stderr=True, highlight=False, soft_wrap=not terminal, width=None if terminal else WIDE)
    console.print(layer_table(answer))
    if any(trial["fidelity"] < 1 for trial in answer["trials"] if trial["value"] is not None):
        console.print("* ended early", markup=False)
    times = answer["seconds"] / answer["full_training_seconds"] if answer["full_training_seconds"] else 0
    minutes = answer["seconds"] / 60
    console.print(f"{len(answer['trials'])} trials in {minutes:.1f} min, {times:.1f} times one full training.", markup=False)
    console.print(literal(answer["verdict"]), soft_wrap=True)
