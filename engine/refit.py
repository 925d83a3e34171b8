"""Training once more what a run has chosen, now on every interaction: the model that goes into use.

Nothing is held out, so a refit has no metrics. Those of the run that it repeats were measured with the same settings and less
data; they are the ones to quote.
"""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from engine.data.everything import everything
from engine.data.split import seen_rule
from engine.data.version import Version
from engine.durable import write_whole
from engine.errors import RunCancelled, UserError
from engine.events import Report, ResultEvent, WarningEvent
from engine.methods import METHODS
from engine.methods.method import Context, Method
from engine.result import Protocol, Result
from engine.result_file import KEY, NAME, hash_of_result, read_result_text
from engine.run import CLAIM, about_model, never, require_spec_of_model
from engine.seal import require_unchanged
from engine.spec import RunSpec, parse_spec
from engine.training.checkpoint import is_complete, load_tensors, write_folder
from engine.training.device import choose_device, compute_exactly, set_threads
from engine.training.machine import forget_peak, machine_kind, peak_memory
from engine.training.position import Position
from engine.training.progress import ProgressReporter
from engine.training.refit import RefitTrainer

_NO_PATIENCE_NEEDED = 100_000


def refit(
    source: Path,
    version: Version,
    workdir: Path,
    report: Report,
    *,
    name: str = "",
    should_stop: Callable[[], bool] = never,
) -> Result:
    """Train the spec of the finished run in ``source`` on all interactions of its version, and write everything to ``workdir``.

    Each stage gets as many epochs as validation chose there; weights that were fitted on validation (of a blend) are taken over.
    A refit that was stopped goes on from its checkpoint.

    Args:
        name: what people call the run in ``source``; its folder's name if empty.
        report, should_stop: as for :func:`engine.run.run`.

    Raises:
        UserError: ``source`` holds no finished run, or one of another version, or a refit; or ``workdir`` holds something else.
        RunCancelled: ``should_stop`` said so.
    """
    begin = time.monotonic()
    name = name or source.name
    chosen = _read(source, version, name)
    spec, warnings = _unlimited(parse_spec(chosen["spec"])), [_no_metrics(name)]

    def tell(event: Any) -> None:
        if isinstance(event, WarningEvent):
            warnings.append(event.message)
        report(event)

    def check_stop() -> None:
        if should_stop():
            raise RunCancelled

    set_threads(spec.training.threads)
    split = everything(version)
    device = choose_device(spec.training.device)
    compute_exactly(device)
    forget_peak(device)
    torch.manual_seed(spec.training.seed)
    context = Context(spec, version, split, device, workdir, tell, check_stop)
    _claim(chosen["spec"], version, workdir, {"run": name})
    method = METHODS.get(spec.method.id).load()(context)
    progress = ProgressReporter(tell)
    method.fit_counts()
    epochs = _epochs(chosen["result"], len(method.stages()), name)
    trainer = RefitTrainer(method, context, progress, should_stop, epochs)
    position = trainer.run()
    progress.trained()
    method.adopt_calibration(load_tensors(source / "model" / "model.safetensors"))
    seconds = time.monotonic() - begin + trainer.seconds_before
    result = _result(context, method, position, chosen["result"], warnings, seconds, name)
    text = result.model_dump_json(indent=1)
    about = {**about_model(parse_spec(chosen["spec"]), version), KEY: hash_of_result(text)}
    write_folder(workdir / "model", {"model": method.state()}, about, partial(method.export, result=result))
    write_whole(workdir / NAME, text)
    tell(ResultEvent(result=result))
    return result


def _read(source: Path, version: Version, name: str) -> dict[str, Any]:
    """``spec`` as JSON and ``result`` of the finished run."""
    if not (source / CLAIM).is_file() or not (source / NAME).is_file() or not is_complete(source / "model"):
        raise UserError(f"{name} holds no finished run.", "Refit a run that has succeeded.")
    require_unchanged(source / "model")
    claim = json.loads((source / CLAIM).read_text(encoding="utf-8"))
    require_spec_of_model(source / "model", claim["spec"])
    if claim.get("refit"):
        raise UserError(f"{name} is a refit already: it has learned from all interactions.", "Use it as it is.")
    if claim["version"] != version.hash:
        raise UserError(f"{name} was trained on another version than this one.", "Train it on this version first, then refit.")
    return {"spec": claim["spec"], "result": json.loads(read_result_text(source))}


def _unlimited(spec: RunSpec) -> RunSpec:
    """``spec`` without time, patience and rules about validation: the epochs are known."""
    free = {"minutes": None, "patience": _NO_PATIENCE_NEEDED, "stop_below": ()}
    return spec.model_copy(update={"training": spec.training.model_copy(update=free)})


def _epochs(result: dict[str, Any], stages: int, name: str) -> list[int]:
    epochs = result.get("stage_epochs") or ([result["best_epoch"]] if stages == 1 else [])
    if len(epochs) != stages:
        raise UserError(
            f"{name} was trained in {stages} stages, and does not say how many epochs validation chose for each.",
            "It is of an older release: train it once more (clone it), and refit that run.",
        )
    return [int(number) for number in epochs]


def _claim(spec: dict[str, Any], version: Version, workdir: Path, refit_of: dict[str, str]) -> None:
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / CLAIM
    claim = {"spec": spec, "version": version.hash, "version_path": str(version.path.resolve()), "refit": refit_of}
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if any(found.get(key) != claim[key] for key in ("spec", "version", "refit")):
            raise UserError(f"{workdir} holds another run.", "Choose a fresh folder for --out.")
    write_whole(path, json.dumps(claim, indent=1))


def _no_metrics(name: str) -> str:
    return (
        f"Trained on all interactions: nothing was held out, so this model has no metrics of its own. The metrics of {name} are "
        "those of the same settings, measured on what it had not seen."
    )


def _result(
    context: Context,
    method: Method[Any],
    position: Position,
    chosen: dict[str, Any],
    warnings: Sequence[str],
    seconds: float,
    name: str,
) -> Result:
    spec, version = context.spec, context.version
    return Result(
        method=spec.method.id,
        preset=spec.preset,
        data=version.counts,
        protocol=Protocol(
            version=version.hash,
            split=context.split.name,
            split_hash=context.split.hash,
            seen=seen_rule(version, spec.evaluation.seen),
            candidates="full",
            ties=str(chosen["protocol"]["ties"]),
            catalogue=version.counts.items,
            metrics=[],
        ),
        valid={},
        test={},
        seconds=round(seconds, 2),
        trainable_parameters=method.trainable_parameters(),
        targets_per_second=round(position.targets / position.step_seconds, 1) if position.step_seconds else 0.0,
        machine=machine_kind(context.device),
        peak_memory_bytes=peak_memory(context.device),
        epochs=position.epochs,
        best_epoch=position.epochs,
        stage_epochs=position.stage_epochs,
        refit_of=name,
        users_evaluated=0,
        architecture=method.architecture(),
        warnings=list(warnings),
    )
