"""How far the ranking of a search's short trials agrees with full training: Kendall's tau over some of its whole trials.

    python -m tests.benchmarks.agreement plan SEARCH --trials 8 > full.yaml
    python -m engine study --data DATA --spec full.yaml --out runs/full
    python -m tests.benchmarks.agreement compare SEARCH runs/full

SEARCH is the folder of a local search. The full trainings have the seed of the trials, so that only their length differs. The
last line is ``{"tau","p","trials":[{"number","short","full","test"}]}``; ``short`` and ``full`` are validation NDCG@10.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import kendalltau

from engine.search.folder import PLAN, SearchFolder
from engine.search.plan import SearchPlan, full_run
from engine.search.trial import Trial
from engine.spec import validate
from engine.study.folder import finished, read_result
from tests.benchmarks.tuning import study_file


def spread(trials: Sequence[Trial], count: int) -> list[Trial]:
    """``count`` of the whole trials, or all if there are fewer: the best, the worst, and evenly spaced ranks between them."""
    whole = sorted(
        (trial for trial in trials if trial.value is not None and trial.fidelity == 1), key=lambda trial: trial.value or 0
    )
    if len(whole) <= count:
        return whole
    return [whole[round(place * (len(whole) - 1) / (count - 1))] for place in range(count)]


def study_of(plan: SearchPlan, trials: Sequence[Trial]) -> dict[str, Any]:
    """A study file with the full training of each trial."""
    variants = [
        {"label": f"trial-{trial.number}", "spec": full_run(plan, trial.candidate).model_dump(mode="json")} for trial in trials
    ]
    return {"seeds": [plan.run.training.seed], "variants": variants}


def compare(trials: Sequence[Trial], study: Path, seed: int) -> dict[str, Any]:
    """Values of short and full training side by side, and how far their orders agree (-1 to 1)."""
    rows = []
    for trial in trials:
        folder = study / f"trial-{trial.number}" / f"seed-{seed}"
        if finished(folder):
            result = read_result(folder)
            full, test = result.valid["ndcg@10"], result.test["ndcg@10"]
            rows.append({"number": trial.number, "short": trial.value, "full": full, "test": test})
    tau = kendalltau([row["short"] for row in rows], [row["full"] for row in rows])
    return {"tau": round(float(tau.statistic), 4), "p": round(float(tau.pvalue), 4), "trials": rows}


def main(arguments: Sequence[str]) -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(prog="agreement")
    parser.add_argument("what", choices=("plan", "compare"))
    parser.add_argument("search", type=Path)
    parser.add_argument("study", type=Path, nargs="?")
    parser.add_argument("--trials", type=int, default=8)
    options = parser.parse_args(arguments)
    plan = validate(SearchPlan, json.loads((options.search / PLAN).read_text(encoding="utf-8"))["plan"])
    trials = [each.trial() for each in SearchFolder(options.search).trials()]
    if options.what == "plan":
        print(study_file(study_of(plan, spread(trials, options.trials))))
    elif options.study is None:
        parser.error("compare needs the folder of the study too")
    else:
        print(json.dumps(compare(trials, options.study, plan.run.training.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
