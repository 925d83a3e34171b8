"""What DARec needs before it can be built: the backbone, the items' tokens and their text vectors."""

import shutil
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from engine.backbones.backbone import Backbone
from engine.backbones.huggingface import load_backbone
from engine.backbones.nano import nano_folder
from engine.backbones.text_vectors import text_vectors
from engine.events import LogEvent, WarningEvent
from engine.methods.darec.layout import item_texts, token_table
from engine.methods.darec.spec import DarecSpec
from engine.methods.darec.tasks import title_table
from engine.methods.darec.tokenising import tokenise
from engine.methods.method import Context
from engine.seal import require_unchanged
from engine.training.progress import ProgressReporter


@dataclass(frozen=True)
class Material:
    """What a model is built from.

    Attributes:
        table: token table of the catalogue, see ``layout.token_table``.
        titles: see ``tasks.title_table``; None without the next_title task.
        same_title: `items`, equal numbers for equal texts.
        vectors: ``t_i``, `items x components`.
        prefix: ids of the start token and the instruction.
    """

    backbone: Backbone
    table: Tensor
    titles: Tensor | None
    same_title: Tensor
    vectors: Tensor
    prefix: list[int]


def prepare_material(context: Context, settings: DarecSpec) -> Material:
    """Load the backbone, tokenise all texts once, and compute the text vectors.

    Raises UserError for a backbone that cannot be loaded or is shorter than the window, and for unknown columns.
    """
    items, text = context.version.items, settings.text
    with_text = text.content == "text"
    texts = item_texts(items, text.attributes)
    backbone = _load(context, settings, texts)
    tokenised = tokenise(settings, backbone, items)
    tokens, prefix = tokenised.tokens, tokenised.prefix
    titles = None
    if settings.tasks.next_title:
        titles = title_table(backbone.encode(item_texts(items, ()), text.max_item_tokens), context.device)
    if with_text:
        _warn_of_empty(context, tokens)
        progress = ProgressReporter(context.report)
        vectors = text_vectors(backbone, tokens, partial(_step, context, progress, "reading item texts"))
        vectors = principal_components(vectors, text.components) if text.components else vectors
    else:
        vectors = torch.zeros(len(texts), 1, device=context.device)
    groups = {each: number for number, each in enumerate(dict.fromkeys(texts))}
    same_title = torch.tensor([groups[each] for each in texts], device=context.device)
    return Material(backbone, token_table(tokens, context.device), titles, same_title, vectors, prefix)


def principal_components(vectors: Tensor, count: int) -> Tensor:
    """The first ``count`` principal components over the rows, fewer if there are fewer, each of mean 0 and variance 1."""
    centred = (vectors - vectors.mean(dim=0)).double()
    count = min(count, len(vectors) - 1, vectors.shape[1])
    left, values, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = values > 1e-9 * values[0]
    signs = left.gather(0, left.abs().argmax(dim=0, keepdim=True)).sign()
    components: Tensor = (left * signs)[:, :count][:, kept[:count]] * (len(vectors) - 1) ** 0.5
    return components.float()


def _load(context: Context, settings: DarecSpec, texts: list[str]) -> Backbone:
    load = partial(
        load_backbone,
        weights=settings.weights,
        attention=settings.attention,
        checkpointing=settings.checkpointing,
    )
    seed = context.spec.training.seed
    if settings.backbone != "nano":
        return load(settings.backbone, settings.backbone, context.device, random_seed=seed if settings.random_backbone else None)
    folder = context.workdir / "backbone"
    if not (folder / "model.safetensors").is_file():
        context.report(LogEvent(message="making nano from the catalogue's text; it has no world knowledge"))
        progress = ProgressReporter(context.report)
        nano = settings.nano.model_copy(update={"warmup_steps": 0}) if settings.random_backbone else settings.nano
        made = nano_folder(nano, texts, seed, partial(_step, context, progress, "warming up nano"))
        temporary = context.workdir / ".backbone.writing"
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(made, temporary)
        temporary.rename(folder)
    require_unchanged(folder)
    return load("nano", folder, context.device)


def _step(context: Context, progress: ProgressReporter, phase: str, done: int, total: int) -> None:
    context.check_stop()
    progress.counting(phase, done, total, "steps")


def _warn_of_empty(context: Context, tokens: list[list[int]]) -> None:
    empty = sum(not ids for ids in tokens)
    if not empty:
        return
    some = "No item has a text" if empty == len(tokens) else f"{empty:,} of {len(tokens):,} items have no text"
    message = f"{some}: the backbone knows them by their interactions alone."
    hint = "Add an items file with titles, or choose columns by method.text.attributes."
    context.report(WarningEvent(message=message, hint=hint))
