"""One run: train a method on a version, choose on validation, test once, write all down."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from engine.data.candidates import candidates_of, limit_to_candidates
from engine.data.sequences import Sequences
from engine.data.split import Split, seen_rule
from engine.data.splits import make_split
from engine.data.version import Version
from engine.durable import write_whole
from engine.errors import CheckpointError, RunCancelled, UserError
from engine.evaluation.evaluator import Evaluation, Score, SplitName, evaluate
from engine.evaluation.intervals import mean_intervals
from engine.evaluation.metrics import METRICS
from engine.evaluation.slices import slice_lines
from engine.events import Report, ResultEvent, WarningEvent
from engine.methods import METHODS
from engine.methods.method import Context, Method
from engine.reproduce.bundle import write_bundle
from engine.reproduce.machine import this_machine
from engine.result import ItemLine, MaskSample, Protocol, Result, Sample, ScoredItem
from engine.result_file import KEY, NAME, hash_of_result
from engine.seal import hash_of_spec
from engine.spec import RunSpec
from engine.training.checkpoint import CheckpointFolder, write_folder
from engine.training.device import choose_device, compute_exactly, set_threads
from engine.training.limits import check_limits, without_limits
from engine.training.machine import forget_peak, machine_kind, peak_memory
from engine.training.position import Position
from engine.training.progress import ProgressReporter
from engine.training.trainer import Trainer

if TYPE_CHECKING:
    from engine.training.parallel import Group  # which loads accelerate, that few need

CLAIM = "run.json"
RECOMMENDED = 10
SHOWN_HISTORY = 10
SHOWN_ITEMS = 3
"""So many items the picture of the attention mask shows: a few tokens each, so that it can be read."""


def never() -> bool:
    """The answer of a caller that never stops a run."""
    return False


def run(
    spec: RunSpec,
    version: Version,
    workdir: Path,
    report: Report,
    *,
    should_stop: Callable[[], bool] = never,
    group: "Group | None" = None,
) -> Result:
    """Train, evaluate and write everything below ``workdir``; goes on from a checkpoint there, if it is of the same run.

    More epochs, minutes or patience than that run had extend it: k epochs and then up to n are n epochs straight, to the last
    bit on CPU. Of several stages only the last one goes on.

    Args:
        report: gets typed events, from this thread, the ResultEvent last.
        should_stop: asked at each step and evaluation batch; True ends the run at a checkpoint.
        group: the processes that train together, of which this is the first; None if it is the only one.

    Raises:
        UserError: the spec does not fit the data, or ``workdir`` holds another run.
        RunCancelled: ``should_stop`` said so.
    """
    begin = time.monotonic()
    warnings: list[str] = []

    def tell(event: Any) -> None:
        if isinstance(event, WarningEvent):
            warnings.append(event.message)
        report(event)

    def check_stop() -> None:
        if should_stop():
            raise RunCancelled

    set_threads(spec.training.threads or (group.threads if group is not None else 0))
    _claim_folder(spec, version, workdir)
    split, candidates = split_and_candidates(spec, version)
    for notice in split.notices:
        tell(WarningEvent(message=notice))
    device = group.device if group is not None else choose_device(spec.training.device)
    compute_exactly(device)
    forget_peak(device)
    torch.manual_seed(spec.training.seed)
    context = Context(spec, version, split, device, workdir, tell, check_stop)
    method = METHODS.get(spec.method.id).load()(context)
    progress = ProgressReporter(tell)
    judge = Judge(context, candidates, check_stop)

    def validate(stage: Any) -> dict[str, float]:
        return judge(stage.scorer(), "valid", partial(_count_users, progress.counting, "evaluating validation")).metrics

    method.fit_counts()
    trainer = Trainer(method, context, validate, progress, should_stop, group=group)
    position = trainer.run()
    progress.trained()
    # Only now: an extension that is refused leaves the folder as it was.
    _write_claim(spec, version, workdir)
    method.calibrate()
    evaluations: dict[SplitName, Evaluation] = {}
    names: tuple[SplitName, ...] = ("valid", "test") if spec.evaluation.test else ("valid",)
    for name in names:
        phase = "evaluating validation" if name == "valid" else "evaluating test"
        report_users = progress.final if name == names[-1] else progress.counting
        evaluations[name] = judge(method.scorer(), name, partial(_count_users, report_users, phase))
        evaluations[name].save_ranks(workdir / f"ranks_{name}.parquet")
    seconds = time.monotonic() - begin + trainer.seconds_before
    result = _result(context, method, position, judge, evaluations, warnings, seconds)
    text = result.model_dump_json(indent=1)
    about = {**about_model(spec, version), KEY: hash_of_result(text)}
    write_folder(workdir / "model", {"model": method.state()}, about, partial(method.export, result=result))
    write_bundle(workdir, spec, version, result, this_machine(device))
    # Last: a folder with it is finished.
    write_whole(workdir / NAME, text)
    tell(ResultEvent(result=result))
    return result


def about_model(spec: RunSpec, version: Version) -> dict[str, Any]:
    """What a model's folder says of where it comes from."""
    return {"method": spec.method.id, "version": version.hash, "spec": hash_of_spec(spec.model_dump(mode="json"))}


def require_spec_of_model(folder: Path, spec: dict[str, Any]) -> None:
    """Raise CheckpointError if the model in ``folder`` was trained by another spec than ``spec``, as JSON."""
    told = CheckpointFolder.read_state(folder).get("spec")
    if told is not None and told != hash_of_spec(spec):
        raise CheckpointError(
            f"{folder.parent.name}/{CLAIM} was changed: its model was trained by another spec.",
            "Restore the folder from a back-up, or start the run again.",
        )


def split_and_candidates(spec: RunSpec, version: Version) -> tuple[Split, Sequences | None]:
    """How ``version`` is split for a run, and, unless its tests rank the full catalogue, the candidates of each user.

    Raises:
        DataError: the data cannot be split so, or have no candidates for anybody who is tested.
    """
    split = make_split(version, spec.split)
    if spec.evaluation.candidates == "full":
        return split, None
    candidates = candidates_of(version)
    return limit_to_candidates(split, candidates), candidates


class Judge:
    """Evaluates scores under the run's protocol.

    Args:
        candidates: what each user's test target is ranked among; None: the whole catalogue.
        check_stop: called after each batch of users; may raise to stop.
    """

    def __init__(self, context: Context, candidates: Sequences | None, check_stop: Callable[[], None]) -> None:
        self.context, self.candidates = context, candidates
        self.check_stop = check_stop
        self.seen = seen_rule(context.version, context.spec.evaluation.seen)

    def __call__(self, score: Score, name: SplitName, on_batch: Callable[[int, int], None]) -> Evaluation:
        """Rank the targets of ``name`` by ``score``; ``on_batch`` as for :func:`engine.evaluation.evaluator.evaluate`."""

        def step(done: int, total: int) -> None:
            on_batch(done, total)
            self.check_stop()

        return evaluate(
            score,
            self.context.split,
            name,
            catalogue=self.context.version.counts.items,
            remove_seen=self.seen == "remove",
            candidates=self.candidates if name == "test" else None,
            batch_users=self.context.spec.evaluation.batch_users,
            on_batch=step,
        )

    def protocol(self) -> Protocol:
        """All that must be equal before its numbers may stand beside others."""
        context = self.context
        return Protocol(
            version=context.version.hash,
            split=context.split.name,
            split_hash=context.split.hash,
            seen=self.seen,
            candidates=context.spec.evaluation.candidates,
            ties="mid-rank",
            catalogue=context.version.counts.items,
            metrics=sorted(METRICS.names()),
        )


def _count_users(report: Callable[[str, int, int, str], None], phase: str, done: int, total: int) -> None:
    report(phase, done, total, "users")


def _claim_folder(spec: RunSpec, version: Version, workdir: Path) -> None:
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / CLAIM
    if not path.exists():
        _write_claim(spec, version, workdir)
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.get("refit"):
        raise UserError(f"{workdir} holds a refit of another run.", "Choose a fresh folder for --out.")
    before = found.get("spec") or {}
    wanted = spec.model_dump(mode="json")
    if without_limits(before) != without_limits(wanted) or found.get("version") != version.hash:
        raise UserError(f"{workdir} holds another run (other spec or version).", "Choose a fresh folder for --out.")
    check_limits(before["training"], spec.training)


def _write_claim(spec: RunSpec, version: Version, workdir: Path) -> None:
    claim = {"spec": spec.model_dump(mode="json"), "version": version.hash, "version_path": str(version.path.resolve())}
    write_whole(workdir / CLAIM, json.dumps(claim, indent=1))


def _result(
    context: Context,
    method: Method[Any],
    position: Position,
    judge: Judge,
    evaluations: dict[SplitName, Evaluation],
    warnings: list[str],
    seconds: float,
) -> Result:
    test = evaluations.get("test")
    return Result(
        method=context.spec.method.id,
        preset=context.spec.preset,
        data=context.version.counts,
        protocol=judge.protocol(),
        valid=evaluations["valid"].metrics,
        test=test.metrics if test else {},
        intervals={name: mean_intervals(evaluation.ranks) for name, evaluation in evaluations.items()},
        seconds=round(seconds, 2),
        trainable_parameters=method.trainable_parameters(),
        targets_per_second=round(position.targets / position.step_seconds, 1) if position.step_seconds else 0.0,
        machine=machine_kind(context.device),
        peak_memory_bytes=peak_memory(context.device),
        epochs=position.epochs,
        best_epoch=position.best_epoch,
        stage_epochs=position.stage_epochs,
        curve=[round(value, 6) for value in position.curve],
        curve_at=[round(share, 4) for share in position.curve_at],
        stopped_below=position.stopped_below,
        users_evaluated=len((test or evaluations["valid"]).users),
        slices=slice_lines(context.split, "test", test.users, test.ranks) if test else [],
        architecture=method.architecture(),
        samples=_samples(context, test) if test else [],
        mask=_mask(context, method, "test" if test else "valid"),
        warnings=warnings,
    )


def _mask(context: Context, method: Method[Any], name: SplitName) -> MaskSample | None:
    """The mask over the last items of the first user, who is the first of the samples too."""
    users, _ = context.split.targets(name)
    history = context.split.history(int(users[0]), name)[-SHOWN_ITEMS:]
    found = method.mask_of(history)
    if found is None:
        return None
    version = context.version
    lines = [ItemLine(id=version.item_ids[item], title=version.titles[item]) for item in history]
    return MaskSample(mask=found[0], history=lines, parts=found[1])


def _samples(context: Context, evaluation: Evaluation) -> list[Sample]:
    """Users spread evenly over the test split, the same for every method on the same split.

    A run with fewer samples has the first ones of a run with more, so that runs can be read side by side.
    """
    rows = spread(len(evaluation.users), context.spec.evaluation.samples)
    return [_sample(context.version, context.split, evaluation, row) for row in rows]


def spread(total: int, count: int) -> list[int]:
    """The first ``count`` places of one order of ``range(total)`` whose beginnings all lie evenly in it: halves, quarters, ...

    (van der Corput's sequence, 1935)
    """
    found: dict[int, None] = {}
    number = 0
    while len(found) < min(count, total):
        digits = f"{number:b}"[::-1]
        found.setdefault(int(digits, 2) * total >> len(digits))
        number += 1
    return list(found)


def _sample(version: Version, split: Split, evaluation: Evaluation, row: int) -> Sample:
    def line(item: int) -> ItemLine:
        return ItemLine(id=version.item_ids[item], title=version.titles[item])

    user = int(evaluation.users[row])
    shown = [index for index in range(RECOMMENDED) if evaluation.lists[row, index] >= 0]
    return Sample(
        user=version.users[user],
        history=[line(int(item)) for item in split.history(user, "test")[-SHOWN_HISTORY:]],
        target=line(int(split.test[user])),
        rank=float(evaluation.ranks[row]),
        recommended=[
            ScoredItem(**line(int(evaluation.lists[row, index])).model_dump(), score=float(evaluation.scores[row, index]))
            for index in shown
        ],
    )
