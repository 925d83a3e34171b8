import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.test import Client

from engine.data.formulas import FORMULA
from tests.support.attacks import ATTACKS, raw_controls
from tests.webapp.comparing.planting import address, plant_runs
from tests.webapp.people import PROTOCOL, make_run
from webapp.comparing.exports import escape_latex
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunState

EVIL = "=cmd|' /C calc'!A0"


@pytest.fixture
def runs(version: Version) -> list[Run]:
    """Two of one class, one of another, one that failed."""
    first, second = plant_runs(version, 2)
    other = plant_runs(version, 1, "popularity", protocol={**PROTOCOL, "seen": "keep"}, test={"ndcg@10": 0.0571})
    first.preset = EVIL
    first.save()
    return [first, second, *other, make_run(version, RunState.FAILED)]


def test_csv_has_all_decimals_and_no_formula(alice: Client, runs: list[Run]) -> None:
    response = alice.get(address(runs, "/export/csv", columns="test.ndcg@10,preset,seed"))
    assert response.headers["Content-Disposition"] == 'attachment; filename="comparison.csv"'
    head, *rows = csv.reader(io.StringIO(response.content.decode()))
    assert head == ["Class", "Run", "State", "NDCG@10, test", "Preset", "Seed", "Protocol"]
    assert [row[0] for row in rows] == ["A", "A", "B", "no result"]
    assert rows[0][3:6] == ["0.05", f"'{EVIL}", "0"]
    assert "items of the user's history kept" in rows[2][-1]
    assert "full ranking over 240 items" in rows[0][-1]


def test_json_has_the_classes_with_their_protocols(alice: Client, runs: list[Run]) -> None:
    found = json.loads(alice.get(address(runs, "/export/json", sort="test.ndcg@10")).content)
    first, second = found["classes"]
    assert (first["class"], first["protocol"], first["users_evaluated"]) == ("A", PROTOCOL, 200)
    assert [run["run"] for run in first["runs"]] == [runs[1].pk, runs[0].pk]
    assert first["runs"][0]["values"]["test.ndcg@10"] == pytest.approx(0.0501)
    assert second["apart"] == ["another rule for items already seen (keep, not remove)"]
    assert [run["run"] for run in found["no_result"]] == [runs[3].pk]


def test_latex_has_a_table_a_class_with_the_best_bold(alice: Client, runs: list[Run]) -> None:
    text = alice.get(address(runs, "/export/tex", columns="test.ndcg@10,preset")).content.decode()
    assert text.count(r"\begin{table}") == text.count(r"\toprule") == 2
    assert r"\textbf{.0501}" in text
    assert r"\textbf{.0500}" not in text
    assert r"\textbf{.0571}" not in text
    assert "Class B: leave-one-out" in text
    assert r"Not comparable with class A: another rule for items already seen (keep, not remove)." in text
    assert f"% no result: run-{runs[3].pk}" in text
    assert r"=cmd\textbar{}\textquotesingle{} /C calc" in text


def test_latex_signs_and_control_characters() -> None:
    assert escape_latex("a_b & 50% {x} \\ ~^#$") == (
        r"a\_b \& 50\% \{x\} \textbackslash{} \textasciitilde{}\textasciicircum{}\#\$"
    )
    assert escape_latex("a\nb\x00c\u202ed") == "a b c d"
    assert escape_latex("\\input{/etc/passwd}") == r"\textbackslash{}input\{/etc/passwd\}"


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
def test_attacks_are_no_orders_to_latex(text: str) -> None:
    told = escape_latex(text)
    assert not raw_controls(told)
    assert "\n" not in told
    ours = re.compile(
        r"\\(text(backslash|ascii(tilde|circum|grave)|less|greater|bar|quotedbl|quotesingle|periodcentered)\{\}|[&%$#_{}])"
    )
    assert not re.search(r"[\\&%$#_{}~^<>|\"`]", ours.sub("", told)), told


def test_attacks_keep_each_run_in_its_line(alice: Client, runs: list[Run]) -> None:
    for text in ATTACKS:
        Run.objects.filter(pk=runs[0].pk).update(preset=text[:50].replace("\x00", ""), tags=[text[:50]])
        chosen = address(runs, "/export/tex", columns="test.ndcg@10,preset")
        lines = alice.get(chosen).content.decode().splitlines()
        assert sum(line.endswith(r"\\") and line.startswith("run-") for line in lines) == 3, text
        rows = list(csv.reader(io.StringIO(alice.get(chosen.replace("/tex", "/csv")).content.decode(), newline="")))
        assert len(rows) == 5, text
        assert not any(re.match(FORMULA, cell) for row in rows for cell in row), text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_compiles(alice: Client, runs: list[Run], tmp_path: Path) -> None:
    body = alice.get(address(runs, "/export/tex")).content.decode()
    head = r"\documentclass{article}\usepackage{booktabs}\usepackage[T1]{fontenc}\usepackage{textcomp}\begin{document}"
    (tmp_path / "x.tex").write_text(f"{head}\n{body}\\end{{document}}")
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"], cwd=tmp_path, check=True, timeout=60)
