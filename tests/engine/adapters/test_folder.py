"""What is saved comes back, in a clean process too: equal bits by our loader, equal outputs by PEFT alone."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from engine.adapters.compile import Adapted, adapt, without_known_warnings
from engine.adapters.folder import MANIFEST, load_adapters, save_adapters
from engine.errors import CheckpointError, UserError
from tests.engine.adapters.models import CHOICE, IDS, KINDS, choices, states, stir, tiny

Checkpoint = Callable[[str], Path]
MIXED = {
    "mixed": ("lora/attention/2", "dora/both/4"),
    "rotated": ("oft/attention/2", "oft/both/16"),
    "products": ("loha/mlp/3", "lokr/both/2"),
    "scaled": ("ia3/both/1", "lora/mlp/3"),
}
CHILD = """
import sys, torch
from pathlib import Path
from peft import PeftModel
from transformers import AutoModel
from safetensors.torch import save_file
folder, base = Path(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
ids = torch.tensor({ids})
states = {{}}
with torch.no_grad():
    for kind in {kinds}:
        model = PeftModel.from_pretrained(AutoModel.from_pretrained(base), folder / kind).eval()
        states[kind] = model(input_ids=ids).last_hidden_state.contiguous()
    assert not [name for name in sys.modules if name.startswith("engine")]
    from engine.adapters.folder import load_adapters
    from engine.backbones.huggingface import load_backbone
    for name in {mixed}:
        backbone = load_backbone("mine", Path(base), torch.device("cpu"))
        load_adapters(backbone, folder / name)
        states[name] = backbone.model(input_ids=ids).last_hidden_state.contiguous()
save_file(states, folder / "theirs.safetensors")
"""


def saved(checkpoint: Checkpoint, folder: Path, *texts: str) -> tuple[Adapted, torch.Tensor]:
    """Adapters moved from their start and saved, and what the model gives with them."""
    backbone = tiny(checkpoint)
    adapted = adapt(backbone, choices(*texts))
    stir(backbone.model)
    save_adapters(adapted, folder)
    return adapted, states(backbone)


def test_a_clean_process_gets_the_same(checkpoint: Checkpoint, tmp_path: Path) -> None:
    ours = {kind: saved(checkpoint, tmp_path / kind, CHOICE[kind])[1] for kind in KINDS}
    ours |= {name: saved(checkpoint, tmp_path / name, *texts)[1] for name, texts in MIXED.items()}
    assert not any((tmp_path / kind / MANIFEST).exists() for kind in KINDS)
    code = CHILD.format(ids=IDS.tolist(), kinds=KINDS, mixed=list(MIXED))
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(checkpoint("llama"))], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    theirs = load_file(tmp_path / "theirs.safetensors")
    for name, expected in ours.items():
        assert torch.equal(theirs[name], expected), name


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("texts", [("lora/attention/2", "lora/mlp/4"), ("none", "ia3/attention/1"), ("ia3/both/1", "dora/mlp/2")])
def test_our_loader_takes_both_forms(family: str, texts: tuple[str, ...], checkpoint: Checkpoint, tmp_path: Path) -> None:
    backbone = tiny(checkpoint, family)
    adapted = adapt(backbone, choices(*texts))
    stir(backbone.model)
    save_adapters(adapted, tmp_path / "adapter")
    again = tiny(checkpoint, family)
    restored = load_adapters(again, tmp_path / "adapter")
    assert restored.layers == adapted.layers
    assert torch.equal(states(again), states(backbone))
    trained = {name for name, parameter in again.model.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, parameter in backbone.model.named_parameters() if parameter.requires_grad}


def test_each_adapter_of_several_is_one_that_peft_alone_loads(checkpoint: Checkpoint, tmp_path: Path) -> None:
    adapted, _ = saved(checkpoint, tmp_path / "adapter", *MIXED["mixed"])
    ours = dict(adapted.backbone.model.named_parameters())
    for name in adapted.adapters:
        with without_known_warnings():
            alone = PeftModel.from_pretrained(tiny(checkpoint).model, str(tmp_path / "adapter" / name))
        theirs = {path: weight for path, weight in alone.base_model.model.named_parameters() if ".default" in path}
        assert theirs
        assert all(torch.equal(weight, ours[path.replace(".default", f".{name}")]) for path, weight in theirs.items())


def test_no_adapter_leaves_no_folder(checkpoint: Checkpoint, tmp_path: Path) -> None:
    saved(checkpoint, tmp_path / "adapter", "none")
    assert not (tmp_path / "adapter").exists()
    with pytest.raises(UserError, match="adapter holds no adapters"):
        load_adapters(tiny(checkpoint), tmp_path / "adapter")


@pytest.mark.parametrize("texts", [("lora/both/2",), MIXED["mixed"]], ids=["one", "several"])
def test_no_path_of_this_machine_is_saved(texts: tuple[str, ...], checkpoint: Checkpoint, tmp_path: Path) -> None:
    adapted, _ = saved(checkpoint, tmp_path / "adapter", *texts)
    files = [file for file in (tmp_path / "adapter").rglob("*") if file.suffix in (".json", ".md")]
    assert files
    for file in files:
        assert str(checkpoint("llama").parent) not in file.read_text(encoding="utf-8")
    for config in (tmp_path / "adapter").rglob("adapter_config.json"):
        assert json.loads(config.read_text(encoding="utf-8"))["base_model_name_or_path"] == adapted.backbone.name


def test_another_model_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    saved(checkpoint, tmp_path / "adapter", *MIXED["scaled"])
    with pytest.raises(UserError, match="are for llama models with 2 layers, mine is gpt2 with 2"):
        load_adapters(tiny(checkpoint, "gpt2"), tmp_path / "adapter")


def test_damage_is_seen(checkpoint: Checkpoint, tmp_path: Path) -> None:
    saved(checkpoint, tmp_path / "whole", *MIXED["scaled"])

    def damaged(name: str) -> Path:
        return Path(shutil.copytree(tmp_path / "whole", tmp_path / name))

    cut = damaged("cut")
    weights = cut / "lora" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    less = damaged("less")
    tensors = load_file(less / "lora" / "adapter_model.safetensors")
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, less / "lora" / "adapter_model.safetensors")
    gone = damaged("gone")
    shutil.rmtree(gone / "ia3")
    strange = damaged("strange")
    manifest = json.loads((strange / MANIFEST).read_text(encoding="utf-8"))
    (strange / MANIFEST).write_text(json.dumps(manifest | {"format": 2}), encoding="utf-8")
    for folder, words in ((cut, "cannot be read"), (less, "do not fit"), (gone, "cannot be read"), (strange, "cannot be read")):
        with pytest.raises(CheckpointError, match=words):
            load_adapters(tiny(checkpoint), folder)
