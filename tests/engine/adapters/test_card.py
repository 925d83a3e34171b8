"""The card beside exported adapters, and what it promises: its own lines give equal states where this project is not."""

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from torch import Tensor

from engine.adapters.card import CARD, card
from engine.adapters.names import public_name
from engine.backbones.huggingface import load_backbone
from engine.data.version import Version
from engine.recommend import Recommender
from engine.run import run
from tests.engine.adapters import models
from tests.engine.adapters.models import CHOICE, KINDS
from tests.engine.adapters.test_folder import MIXED, saved
from tests.engine.methods.runs import small_spec
from tests.tools.environments import peft_python

IDS = torch.tensor([[3, 7, 11, 2], [5, 5, 1, 0]])
CHILD = """
import os, sys, torch
from importlib.util import find_spec
from pathlib import Path
from safetensors.torch import save_file
assert find_spec("engine") is None and find_spec("webapp") is None, "this project is not to be found here"
torch.set_num_threads(1)
for place in sys.argv[1:]:
    os.chdir(place)
    exec(compile(Path("lines.py").read_text(encoding="utf-8"), place, "exec"))
    with torch.no_grad():
        states = model.eval()(input_ids=torch.tensor({ids})).last_hidden_state
    save_file({{"states": states.contiguous()}}, "theirs.safetensors")
"""


def states_by_the_lines_of(cards: dict[Path, str], ids: Tensor) -> list[Tensor]:
    """What each card's own lines give for ``ids``, in its folder, in an environment with PEFT and without this project."""
    for place, text in cards.items():
        lines = textwrap.dedent("\n".join(re.search(r"## Use\n(.*?)## Figures", text, re.S)[1].split("\n\n")[1:]))  # type: ignore[index]
        assert "engine" not in lines
        (place / "lines.py").write_text(lines, encoding="utf-8")
    home = next(iter(cards))
    python = [str(peft_python()), "-I", "-W", "ignore", "-c", CHILD.format(ids=ids.tolist()), *map(str, cards)]
    variables = {"PATH": os.defpath, "PYTHONPATH": "", "HOME": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(python, check=False, capture_output=True, text=True, cwd=home, env=variables)
    assert done.returncode == 0, done.stderr
    return [load_file(place / "theirs.safetensors")["states"] for place in cards]


@pytest.mark.parametrize("several", [False, True], ids=["lora", "mixed"])
def test_its_lines_give_equal_states_where_this_project_is_not(several: bool, planted: Version, tmp_path: Path) -> None:
    peft_python()  # skips before the training
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
    assert ("PeftModel.from_pretrained" in text) != several
    # The lines name the folders by their own names: lay them out so.
    place = tmp_path / "place"
    shutil.copytree(folder / "model" / "adapter", place / "adapter")
    shutil.copytree(folder / "backbone", place / "backbone")
    (theirs,) = states_by_the_lines_of({place: text}, IDS)
    method: Any = Recommender.open(folder, planted, "cpu").method
    with torch.no_grad():
        ours = method.model.backbone(input_ids=IDS).last_hidden_state
        plain = load_backbone("plain", folder / "backbone", torch.device("cpu")).model(input_ids=IDS).last_hidden_state
    assert torch.equal(theirs, ours)
    assert not torch.allclose(theirs, plain, atol=1e-4), "the adapters have learned something"


def test_its_lines_load_every_kind_and_every_mixture(checkpoint: Callable[[str], Path], planted: Version, tmp_path: Path) -> None:
    peft_python()
    result = run(small_spec("popularity"), planted, tmp_path / "run", lambda event: None)
    cards, ours = {}, {}
    for name, texts in {**{kind: (CHOICE[kind],) for kind in KINDS}, **MIXED}.items():
        place = tmp_path / name
        adapted, ours[name] = saved(checkpoint, place / "adapter", *texts)
        shutil.copytree(checkpoint("llama"), place / "tiny")
        told = result.model_copy(update={"architecture": adapted.layers})
        parts = tuple(adapted.adapters) if name in MIXED else ()
        cards[place] = card("adapter", str(place / "tiny"), told, parts)
    for name, theirs in zip(ours, states_by_the_lines_of(cards, models.IDS), strict=True):
        assert torch.equal(theirs, ours[name]), name


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
