"""A comparison to take along: CSV for people, JSON for programs, LaTeX for papers. The fairness classes stand in each."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.data.formulas import harmless
from webapp.comparing import metrics_table
from webapp.comparing.chosen import Chosen
from webapp.comparing.columns import Column, column
from webapp.comparing.fairness import FairClass, Guarded
from webapp.experiments.intervals import interval_of_test
from webapp.experiments.models import Run

NO_RESULT = "no result"
_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "·": r"\textperiodcentered{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


def as_csv(guarded: Guarded, chosen: Chosen) -> str:
    """A line a run, as many decimals as there are; texts that a spreadsheet would run get an apostrophe in front."""
    columns = [column(name) for name in chosen.columns]
    bounded = [one for one in columns if _bounded(one, guarded)]
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    ends = [f"{one.title}, {end} end of the 95 % interval" for one in bounded for end in ("lower", "upper")]
    writer.writerow(["Class", "Run", "State", *(one.title for one in columns), *ends, "Protocol"])
    for name, line, run in _lines(guarded, chosen):
        known = [one.value(run) for one in columns]
        limits = [end for one in bounded for end in interval_of_test(run, one.metric) or ("", "")]
        writer.writerow([_cell(value) for value in (name, str(run), run.state, *known, *limits, line)])
    return sink.getvalue()


def as_json(guarded: Guarded, chosen: Chosen) -> str:
    """``as_values`` as JSON."""
    return json.dumps(as_values(guarded, chosen), indent=1, default=str)


def as_values(guarded: Guarded, chosen: Chosen) -> dict[str, Any]:
    """Classes with their whole protocols, and in them the runs with their values and intervals."""
    columns = [column(name) for name in chosen.columns]
    classes = [
        {
            "class": one.name,
            "apart": list(one.apart),
            "protocol": one.protocol,
            "users_evaluated": one.users,
            "runs": [_record(run, columns) for run in metrics_table.select(one.runs, chosen)],
        }
        for one in guarded.classes
    ]
    unfinished = [_record(run, columns) for run in metrics_table.select(guarded.unfinished, chosen)]
    return {"classes": classes, NO_RESULT.replace(" ", "_"): unfinished}


def as_latex(guarded: Guarded, chosen: Chosen) -> str:
    """A table of the package booktabs for each class, its protocol in the caption, the best values bold."""
    columns = [column(name) for name in chosen.columns]
    parts = ["% needs \\usepackage{booktabs}, \\usepackage[T1]{fontenc} and \\usepackage{textcomp}"]
    parts += [_latex_table(one, metrics_table.select(one.runs, chosen), columns) for one in guarded.classes]
    pending = metrics_table.select(guarded.unfinished, chosen)
    if pending:
        parts.append(f"% {NO_RESULT}: {', '.join(map(str, pending))}")
    return "\n\n".join(part for part in parts if part) + "\n"


def escape_latex(text: str) -> str:
    """``text`` so that LaTeX shows it as it stands; control characters become blanks."""
    return "".join(_SIGNS.get(sign, sign) for sign in _CONTROL.sub(" ", text))


def _latex_table(one: FairClass, runs: Sequence[Run], columns: list[Column]) -> str:
    if not runs:
        return ""
    best = metrics_table.best_of(one.runs, columns)
    shape = "l" + "".join("r" if entry.number else "l" for entry in columns)
    head = " & ".join(escape_latex(words) for words in ("Run", *(entry.title for entry in columns)))
    apart = f" Not comparable with class A: {'; '.join(one.apart)}." if one.apart else ""
    caption = escape_latex(f"Class {one.name}: {one.line}.{apart}")
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            f"\\caption{{{caption}}}",
            f"\\label{{tab:compare-{one.name.lower()}}}",
            f"\\begin{{tabular}}{{{shape}}}",
            r"\toprule",
            rf"{head} \\",
            r"\midrule",
            *(_latex_row(metrics_table.row(run, columns, best)) for run in runs),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _latex_row(row: dict[str, Any]) -> str:
    cells = [escape_latex(row["name"])]
    for cell in row["cells"]:
        text = escape_latex(cell["text"])
        text = rf"\textbf{{{text}}}" if cell["best"] else text
        cells.append(f"{text} {{\\scriptsize ({escape_latex(cell['interval'])})}}" if cell["interval"] else text)
    return rf"{' & '.join(cells)} \\"


def _lines(guarded: Guarded, chosen: Chosen) -> Iterator[tuple[str, str, Run]]:
    for one in guarded.classes:
        for run in metrics_table.select(one.runs, chosen):
            yield one.name, one.line, run
    for run in metrics_table.select(guarded.unfinished, chosen):
        yield NO_RESULT, "", run


def _bounded(one: Column, guarded: Guarded) -> bool:
    return bool(one.metric) and any(interval_of_test(run, one.metric) for known in guarded.classes for run in known.runs)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else value


def _record(run: Run, columns: list[Column]) -> dict[str, Any]:
    ends = {one.name: interval_of_test(run, one.metric) for one in columns if one.metric}
    return {
        "run": run.pk,
        "state": run.state,
        "values": {one.name: one.value(run) for one in columns},
        "intervals": {name: list(found) for name, found in ends.items() if found},
    }
