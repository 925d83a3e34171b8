"""``predict`` and ``vectors`` as people meet them; what they write is tested in tests/engine/neighbours."""

from pathlib import Path

from engine.data.generated import generate
from tests.engine.commands.test_main import engine, last_line


def test_lists_and_vectors_of_a_run(tmp_path: Path) -> None:
    generate(tmp_path / "raw", users=60, items=40, seed=3)
    settings = ["--set=training.epochs=1", "--set=training.threads=1", "--set=method.dimensions=16", "--set=filters.core=2"]
    last_line(engine("fit", "--data", "raw", "--preset", "sasrec", "--out", "run", *settings, cwd=tmp_path))
    made = last_line(engine("predict", "--run", "run", "--format", "trec", "--k", "5", "--split", "valid", cwd=tmp_path))
    lists, qrels = ((tmp_path / made[name]).read_text(encoding="utf-8").splitlines() for name in ("lists", "qrels"))
    assert (len(lists), len(qrels)) == (made["lines"], made["users"]) == (5 * made["users"], len(qrels))
    assert len((tmp_path / made["ties"]).read_text(encoding="utf-8").splitlines()) == made["tied"] == 0
    assert lists[0].split()[1] == "Q0"
    assert lists[0].split()[3::2] == ["1", "sasrec"]
    found = last_line(engine("vectors", "--run", "run", "--out", "vectors", cwd=tmp_path))
    assert (found["dimensions"], found["histories"], found["whole_score"], found["path"]) == (16, "all", True, "vectors")
    again = engine("vectors", "--run", "run", "--out", "vectors", cwd=tmp_path)
    assert again.returncode == 2
    assert "holds vectors already" in again.stderr
    wrong = engine("predict", "--run", "run", "--k", "0", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "must be 1 or more" in wrong.stderr
