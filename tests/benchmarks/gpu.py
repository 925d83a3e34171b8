"""What only a CUDA device can show: speed, leaks, memory and quality of the backbone's passes there.

From the repository's root, with nothing installed but torch, transformers, peft and botorch:

    python tests/benchmarks/gpu.py [--out FILE] [--minutes M] [--only speed,leaks,memory,quality] [--data FOLDER]

It prints a table for each part, and writes one JSON file. A part whose packages are missing is skipped, with the reason.
Exit code 0: all that was measured is right; 1: something leaks or failed; 2: there is no CUDA device.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402 - the engine lies beside, it is not installed; what needs more than torch is imported by its part

Row = dict[str, Any]
"""What is measured once: the columns of a table. ``skipped`` and ``failed`` hold a reason."""

MODELS = {"8 x 512": (8, 512), "16 x 1024": (16, 1024)}
BATCHES = ((32, 256), (16, 512), (8, 2048))
"""Histories and tokens of each."""
ITEM_TOKENS, RANK = 12, 8
ITEMS, TARGETS, DIMENSIONS, CHUNK = 200_000, 2048, 128, 8192
ATTENTIONS = dict.fromkeys(("llama", "bert"), ("sdpa", "eager", "flex_attention")) | {"gpt2": ("sdpa", "eager")}
"""By family; transformers has no flex for GPT-2."""
LEAK = 1e-4
"""States that differ by less are equal: weights are drawn so large that a leak moves them by far more."""
QUALITY = {
    "nano 8 x 512": {"method.nano.layers": 8, "method.nano.dimensions": 512, "method.nano.heads": 8},
    "minilm": {"method.backbone": "minilm", "method.weights": "bf16", "training.learning_rate": 3e-4},
}


class Clock:
    """The time that is left, and the stopwatch of a device that works on its own."""

    def __init__(self, device: torch.device, minutes: float) -> None:
        self.device, self.end = device, time.monotonic() + 60 * minutes

    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def now(self) -> float:
        """Seconds, when all that was asked of the device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def peak(self, work: Callable[[], Any]) -> float | None:
        """The memory in MiB that ``work`` takes on top of what is there; None on a CPU, which does not count it."""
        if self.device.type != "cuda":
            work()
            return None
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return round((torch.cuda.max_memory_allocated() - before) / 2**20, 1)


def attempt(row: Row, work: Callable[[], Row]) -> Row:
    """``row`` with what ``work`` measures, or with why it could not: the rest is measured all the same."""
    try:
        return row | work()
    except ImportError as error:
        if (error.name or "").split(".")[0] in ("engine", "tests"):
            raise
        return row | {"skipped": f"needs {error.name}" if error.name else str(error)}
    except Exception as error:
        return row | {"failed": f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"}


def make_backbone(config: Any, attention: str, device: torch.device, dtype: torch.dtype = torch.float32) -> Any:
    """A frozen backbone with random weights and no tokenizer."""
    from transformers import AutoModel

    from engine.backbones.backbone import Backbone
    from engine.backbones.families import FAMILIES

    torch.manual_seed(0)
    model = AutoModel.from_config(config, attn_implementation=attention).to(device=device, dtype=dtype)
    model.requires_grad_(False)
    model.eval()
    return Backbone(config.model_type, "random", model, None, FAMILIES.get(config.model_type))  # type: ignore[arg-type]


def measure_speed(
    clock: Clock,
    models: dict[str, tuple[int, int]] = MODELS,
    batches: tuple[tuple[int, int], ...] = BATCHES,
    attentions: tuple[str, ...] = ("sdpa", "flex_attention"),
    seconds: float = 3.0,
) -> Iterator[Row]:
    """Tokens per second of ``read_tokens``, union mask, LoRA in all layers, forward and backward, in bf16."""
    for name, shape in models.items():
        for batch in batches:
            for attention in attentions:
                row = {"model": name, "batch": batch[0], "tokens": batch[1], "attention": attention}
                if clock.left() < seconds:
                    yield row | {"skipped": "time is up"}
                    continue
                yield attempt(row, partial(_speed, clock, shape, batch, attention, seconds))
                torch.compiler.reset()  # flex is compiled for each shape
                if clock.device.type == "cuda":
                    torch.cuda.empty_cache()


def _speed(clock: Clock, shape: tuple[int, int], batch: tuple[int, int], attention: str, seconds: float) -> Row:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig

    from engine.backbones.forward import read_tokens

    layers, dimensions = shape
    config = LlamaConfig(
        vocab_size=4096,
        hidden_size=dimensions,
        intermediate_size=3 * dimensions,
        num_hidden_layers=layers,
        num_attention_heads=max(dimensions // 64, 1),
        max_position_embeddings=8192,
    )
    backbone = make_backbone(config, attention, clock.device, torch.bfloat16)
    maps = [path.rpartition(".")[2] for path in backbone.family.attention + backbone.family.mlp]
    with warnings.catch_warnings():
        # peft 0.21.2 asks for a property that transformers 5.23 has renamed; nothing of ours hangs on it
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        adapted = get_peft_model(backbone.model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=maps))
    parameters = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    embeddings = torch.randn(*batch, dimensions, device=clock.device)
    blocks = (torch.arange(batch[1], device=clock.device) // ITEM_TOKENS).expand(batch[0], -1).contiguous()

    def step() -> None:
        with torch.autocast(clock.device.type, dtype=torch.bfloat16):
            states = read_tokens(backbone, embeddings, blocks, "union")
        states.float().pow(2).mean().backward()
        for parameter in parameters:
            parameter.grad = None

    for _ in range(3):
        step()
    peak, steps, begin = clock.peak(step), 0, clock.now()
    while steps < 3 or clock.now() - begin < seconds:
        step()
        steps += 1
    return {"tokens/s": round(steps * batch[0] * batch[1] / (clock.now() - begin)), "peak MiB": peak}


def measure_leaks(clock: Clock, attentions: dict[str, tuple[str, ...]] = ATTENTIONS) -> Iterator[Row]:
    """Every mode, family and attention implementation in float32: what a changed token moves, and what it does not.

    ``leak``: the most that a change in one item moves any state of an earlier one. ``sight``: the least that it moves a state
    that must see it. ``inside``: the same for earlier tokens of its item, which ``causal`` alone must not move.
    ``padding``: the most that padding moves a real state.
    """
    for family, implementations in attentions.items():
        for attention in implementations:
            for mode in ("union", "causal", "per_head", "two_level", "per_layer"):
                row = {"family": family, "attention": attention, "mode": mode}
                if clock.left() < 0:
                    yield row | {"skipped": "time is up"}
                    continue
                yield attempt(row, partial(_leaks, clock.device, family, attention, mode))


def small_config(family: str) -> Any:
    """Two layers, with heads of 16 dimensions, the fewest that flex takes."""
    from transformers import BertConfig, GPT2Config, LlamaConfig

    size = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    if family == "gpt2":
        return GPT2Config(vocab_size=256, n_positions=256, n_embd=64, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=None)
    if family == "bert":
        return BertConfig(vocab_size=256, max_position_embeddings=256, **size)
    return LlamaConfig(vocab_size=256, max_position_embeddings=256, num_key_value_heads=2, **size)


@torch.no_grad()
def _leaks(device: torch.device, family: str, attention: str, mode: str) -> Row:
    from tests.engine.masking.modes import MODES, History, lower

    backbone = make_backbone(small_config(family), attention, device)
    for parameter in backbone.model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)

    with torch.device(device):
        history = History([5, 6], [[11, 12, 13], [21, 22], [31, 32, 33, 34], [41, 42, 43]])
        before = MODES[mode](backbone, history, 0)
        padded = (MODES[mode](backbone, history, 3).states - before.states).abs().max().item()
        earlier, sight, inside = [], [], []
        for item, ids in enumerate(history.items):
            for token in (0, len(ids) - 1):
                items = [list(other) for other in history.items]
                items[item][token] = 250
                changed = History(history.prefix, items)
                moved = (MODES[mode](backbone, changed, 0).states - before.states).abs().amax(dim=1).tolist()
                own = [place for place, of in enumerate(before.items) if of == item]
                earlier += moved[: own[0]]
                sight += moved[own[token if len(own) == len(ids) else 0] :]
                if mode == "two_level":
                    states = [lower(backbone, one, 0)[item] for one in (history, changed)]
                    inside += (states[1] - states[0]).abs().amax(dim=1).tolist()[:token]
                elif token:
                    inside += moved[own[0] : own[-1]]
    unseen, seen = (earlier + inside, sight) if mode == "causal" else (earlier, sight + inside)
    right = all(value < LEAK for value in unseen) and all(value > LEAK for value in seen)  # NaN is neither
    row = {"leak": max(earlier), "sight": min(sight), "inside": max(inside) if mode == "causal" else min(inside)}
    row["padding"] = padded
    return row if right and padded < 10 * LEAK else row | {"failed": "what tokens see is not what the mode says"}


def measure_memory(clock: Clock, items: int = ITEMS, targets: int = TARGETS, chunk: int = CHUNK) -> Iterator[Row]:
    """Loss and gradients of the softmax over a large catalogue, in full and in chunks: peak memory, time, and the difference."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(targets, DIMENSIONS, generator=generator).to(clock.device).requires_grad_()
    vectors = (0.1 * torch.randn(items, DIMENSIONS, generator=generator)).to(clock.device).requires_grad_()
    wanted = torch.randint(items, (targets,), generator=generator).to(clock.device)
    found: dict[str, tuple[torch.Tensor, ...]] = {}

    def work(softmax: str) -> Row:
        from engine.collaborative.losses import softmax_loss
        from engine.collaborative.softmax import chunked_softmax_loss

        def once() -> None:
            if softmax == "full":
                loss = softmax_loss(states, vectors, wanted)
            else:
                loss = chunked_softmax_loss(states, vectors, wanted, chunk)
            found[softmax] = (loss.detach(), *torch.autograd.grad(loss, (states, vectors)))

        once()
        peak, begin = clock.peak(once), clock.now()
        once()
        row: Row = {"peak MiB": peak, "seconds": round(clock.now() - begin, 4), "loss": round(found[softmax][0].item(), 6)}
        if len(found) < 2:
            return row
        pairs = zip(found["full"], found["chunked"], strict=True)
        row["difference"] = max(((one - other).norm() / one.norm()).item() for one, other in pairs)
        return row if row["difference"] < LEAK else row | {"failed": "the chunked softmax gives something else"}

    for softmax in ("full", "chunked"):
        row = {"softmax": softmax, "items": items, "targets": targets}
        yield attempt(row, partial(work, softmax)) if clock.left() > 0 else row | {"skipped": "time is up"}


def measure_quality(clock: Clock, data: Path | None = None, backbones: dict[str, Row] = QUALITY) -> Iterator[Row]:
    """Runs of darec in bf16 with larger backbones, in equal shares of the time that is left, as ``python -m engine fit`` does."""
    for number, (name, settings) in enumerate(backbones.items()):
        minutes = clock.left() / 60 / (len(backbones) - number)
        if minutes <= 0.1:
            yield {"backbone": name, "skipped": "time is up"}
            continue
        yield attempt({"backbone": name}, partial(_quality, clock.device, data, settings, minutes))


def _quality(device: torch.device, data: Path | None, settings: Row, minutes: float) -> Row:
    from engine.backbones import minilm
    from engine.data.generated import generate
    from engine.data.prepare import prepare
    from engine.data.read import read_raw
    from engine.data.version import is_version, read_version
    from engine.errors import UserError
    from engine.presets import get_preset
    from engine.run import run

    if settings.get("method.backbone") == "minilm":
        try:
            minilm.minilm_folder()
        except UserError as error:
            return {"skipped": str(error)}
    share = 0.8 * minutes  # the rest is for preparing and evaluating
    common = {"method.precision": "bf16", "training.minutes": share, "training.device": device.type}
    spec = get_preset("darec-nano").spec(common | settings)
    with tempfile.TemporaryDirectory(prefix="gpu-") as name:
        folder = Path(name)
        if data is None:
            generate(folder / "data", users=2000, items=1000)
        source = data or folder / "data"
        version = read_version(source) if is_version(source) else prepare(read_raw(source), spec.filters, folder / "version")
        result = run(spec, version, folder / "run", lambda event: None)
    metrics = {f"test {metric}": round(result.test[metric], 4) for metric in ("ndcg@10", "hr@10")}
    speed = {"targets/s": round(result.targets_per_second), "epochs": result.epochs, "minutes": round(result.seconds / 60, 2)}
    return {"data": data.name if data else "generated", **metrics, **speed}


def real_data() -> Path | None:
    """ml-100k, where the tests look for it; None if it is not there."""
    folder = Path(os.environ.get("DARECLAB_DATA") or ROOT.parent / "shared" / "data") / "ml-100k"
    return folder if folder.is_dir() else None


def show(rows: list[Row]) -> str:
    """A table in plain text, reasons at the end of their rows."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in ("skipped", "failed")))
    lines = [columns, *[[_cell(row.get(column)) for column in columns] for row in rows]]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    reasons = ["", *[", ".join(f"{key}: {row[key]}" for key in ("skipped", "failed") if key in row) for row in rows]]
    text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(f"  {line}  {reason}".rstrip() for line, reason in zip(text, reasons, strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def measure(device: torch.device, parts: list[str], minutes: float, data: Path | None) -> dict[str, list[Row]]:
    """All rows of the ``parts``, printed as they are ready."""
    clock = Clock(device, minutes)
    makers: dict[str, Callable[[], Iterator[Row]]] = {
        "speed": lambda: measure_speed(clock),
        "leaks": lambda: measure_leaks(clock),
        "memory": lambda: measure_memory(clock),
        "quality": lambda: measure_quality(clock, data),
    }
    found = {}
    for part in parts:
        found[part] = list(makers[part]())
        print(f"{part}\n{show(found[part])}\n", flush=True)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; returns the exit code."""
    everything = ["leaks", "memory", "speed", "quality"]
    parser = argparse.ArgumentParser(description="Measure on a CUDA device what no CPU can show.")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "gpu.json", help="JSON file to write (runs/gpu.json)")
    parser.add_argument("--minutes", type=float, default=9.0, help="time for all parts; quality takes what is left (default 9)")
    parser.add_argument("--only", default=",".join(everything), help=f"parts with commas between them: {', '.join(everything)}")
    parser.add_argument("--data", type=Path, help="version or raw data for quality (ml-100k if it is there, else generated)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.only.split(",")) - set(everything))
    if unknown:
        parser.error(f"--only: there is no part {unknown[0]!r}; choose among {', '.join(everything)}")
    if not torch.cuda.is_available():
        print("needs a CUDA device: torch sees none on this machine.", file=sys.stderr)
        return 2
    about = torch.cuda.get_device_properties(0)
    device = {"name": about.name, "memory GiB": round(about.total_memory / 2**30, 1), "torch": torch.__version__}
    print(f"{about.name}, {device['memory GiB']} GiB, torch {torch.__version__}\n", flush=True)
    parts = [part for part in everything if part in options.only.split(",")]
    found = measure(torch.device("cuda"), parts, options.minutes, options.data or real_data())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"device": device, "parts": found}, indent=1) + "\n", encoding="utf-8")
    print(f"written: {options.out}")
    return 1 if any("failed" in row for rows in found.values() for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
