"""Candidates as they are kept, and what a trial is worth."""

import json

import pytest

from engine.adapters.choice import LayerChoice
from engine.search.trial import LEAST_FIDELITY, Candidate, trial_value


def test_a_candidate_survives_json() -> None:
    choices = tuple(LayerChoice.model_validate(text) for text in ("none", "lora/mlp/4", "ia3/attention/1"))
    candidate = Candidate(choices, (("training.learning_rate", 3.1622776601683795e-4), ("method.gate", True), ("a.b", "x")))
    kept = json.loads(json.dumps({**candidate.to_json(), "seed": 3}))
    assert kept["architecture"] == ["none", "lora/mlp/4", "ia3/attention/1"]
    read = Candidate.from_json(kept)
    assert (read, hash(read)) == (candidate, hash(candidate))


@pytest.mark.parametrize(
    ("stopped", "at", "fidelity"),
    [(False, [0.3, 1.0], 1.0), (False, [0.3, 0.6], 1.0), (True, [0.3, 0.6], 0.6), (True, [0.0], LEAST_FIDELITY), (True, [], 0.5)],
)
def test_a_trial_is_worth_its_validation(stopped: bool, at: list[float], fidelity: float) -> None:
    assert trial_value({"ndcg@10": 0.25, "hr@10": 0.5}, stopped, at) == (0.25, fidelity)
