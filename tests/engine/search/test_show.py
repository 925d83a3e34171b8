from typing import Any

import pytest

from engine.search.show import cell, print_answer


def side(*architecture: str) -> dict[str, Any]:
    return {"architecture": list(architecture), "test": {"ndcg@10": 0.1234}, "adapter_parameters": 4096}


def trial(number: int, value: float | None, *architecture: str, fidelity: float = 1.0) -> dict[str, Any]:
    return {"number": number, "value": value, "architecture": list(architecture), "parameters": 2048, "fidelity": fidelity}


@pytest.mark.parametrize(
    ("choice", "shown"), [("none", "·"), ("lora/both/8", "both 8"), ("lora/attention/4", "attn 4"), ("ia3/mlp/1", "ia3 mlp 1")]
)
def test_a_cell(choice: str, shown: str) -> None:
    assert cell(choice) == shown


def test_the_best_come_first_and_what_failed_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {
        "trials": [
            trial(0, 0.1, "none", "lora/both/8"),
            trial(1, 0.3, "lora/mlp/2", "none", fidelity=0.5),
            trial(2, None, "none", "none"),
        ],
        "best": side("lora/mlp/2", "none"),
        "uniform": side("lora/both/1", "none"),
        "seconds": 90.0,
        "full_training_seconds": 45.0,
        "verdict": "Worth it: +3.1% NDCG@10",
    }
    print_answer(answer)
    told = capsys.readouterr().err
    assert told.index("trial 1") < told.index("trial 0")
    assert "trial 2" not in told
    assert "0.3000*" in told
    assert "* ended early" in told
    assert "3 trials in 1.5 min, 2.0 times one full training." in told
    assert told.rstrip().endswith("Worth it: +3.1% NDCG@10")
