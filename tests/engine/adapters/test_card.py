"""The card that lies beside exported adapters, and what it promises: its own lines, run in a clean process, give equal states."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from engine.adapters.card import CARD
from engine.adapters.names import public_name
from engine.data.version import Version
from engine.recommend import Recommender
from engine.run import run
from tests.engine.methods.runs import small_spec

IDS = torch.tensor([[3, 7, 11, 2], [5, 5, 1, 0]])
CHILD = """
{lines}
import sys, torch
from safetensors.torch import save_file
assert bool([name for name in sys.modules if name.partition(".")[0] == "engine"]) == {ours}
torch.set_num_threads(1)
with torch.no_grad():
    states = model.eval()(input_ids=torch.tensor({ids})).last_hidden_state
save_file({{"states": states.contiguous()}}, "theirs.safetensors")
"""


@pytest.mark.parametrize("several", [False, True], ids=["lora", "mixed"])
def test_its_lines_give_equal_states_in_a_clean_process(several: bool, planted: Version, tmp_path: Path) -> None:
    architecture = "lora/attention/2,dora/mlp/4" if several else "lora/both/4"
    folder = tmp_path / "run"
    result = run(
        small_spec("darec", {"training.epochs": 1, "method.architecture": architecture}), planted, folder, lambda event: None
    )
    text = (folder / "model" / "adapter" / CARD).read_text(encoding="utf-8")
    head = ModelCard(text).data.to_dict()
    assert head["library_name"] == "peft"
    assert head["base_model"] == "nano"
    assert head["license"] == "other"
    assert {"recommendation", "lora"} <= set(head["tags"])
    assert yaml.safe_load(text.split("---")[1]) == head
    assert f"| ndcg@10 | {result.test['ndcg@10']:.4f} |" in text
    assert "leave-one-out, each target ranked against the full catalogue of 60 items, seen items left out, ties mid-rank" in text
    assert str(tmp_path) not in text
    # The lines name the folders by their own names: lay them out so.
    place = tmp_path / "place"
    place.mkdir()
    (place / "backbone").symlink_to(folder / "backbone")
    (place / "adapter").symlink_to(folder / "model" / "adapter")
    lines = textwrap.dedent("\n".join(re.search(r"## Use\n(.*?)## Figures", text, re.S)[1].split("\n\n")[1:]))  # type: ignore[index]
    code = CHILD.format(lines=lines, ids=IDS.tolist(), ours=several)
    environment = {**os.environ, "PYTHONPATH": os.getcwd() if several else ""}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=place, env=environment)
    assert done.returncode == 0, done.stderr
    method: Any = Recommender.open(folder, planted, "cpu").method
    with torch.no_grad():
        ours = method.model.backbone(input_ids=IDS).last_hidden_state
    assert torch.equal(load_file(place / "theirs.safetensors")["states"], ours)


@pytest.mark.parametrize(
    ("backbone", "name"),
    [
        ("nano", "nano"),
        ("minilm", "sentence-transformers/all-MiniLM-L6-v2"),
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("/home/me/models/Qwen`3\n", "Qwen-3-"),
        ("./models/tiny", "tiny"),
        ("a/b/c", "c"),
    ],
)
def test_what_a_base_model_is_called_elsewhere(backbone: str, name: str) -> None:
    assert public_name(backbone) == name


def test_a_run_without_adapters_has_no_card(planted: Version, tmp_path: Path) -> None:
    run(small_spec("darec", {"training.epochs": 1, "method.architecture": "none"}), planted, tmp_path, lambda event: None)
    assert not (tmp_path / "model" / "adapter").exists()
