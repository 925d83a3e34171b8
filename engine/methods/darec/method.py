"""``darec``: a re-implementation from the abstract of arXiv 2408.07427; every choice of ours is a field of its spec.

Stage 1 trains the small CF model alone; stage 2 trains it jointly with the adapters, the marker, the injection and the head.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from engine.backbones.backbone import Backbone
from engine.backbones.huggingface import load_backbone
from engine.backbones.nano import nano_folder
from engine.backbones.text_vectors import text_vectors
from engine.collaborative.batches import SequenceBatch, history_batch, window_epoch
from engine.collaborative.losses import softmax_loss
from engine.collaborative.sasrec import SasrecNetwork
from engine.errors import UserError
from engine.evaluation.evaluator import History, Score
from engine.events import LogEvent
from engine.methods.darec.batches import JointBatch, joint_epoch, take_window
from engine.methods.darec.layout import item_texts, token_table
from engine.methods.darec.model import DarecModel
from engine.methods.darec.spec import DarecSpec
from engine.methods.method import Context, EpochBatches, Method, ParameterGroup, Stage, StepLoss
from engine.methods.state import load_module_state, module_state
from engine.result import LayerAdapter
from engine.training.progress import ProgressReporter


class Implementation(Method[DarecSpec]):
    """Backbone, CF model and head."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.items = context.version.counts.items
        texts = item_texts(context.version.items, self.settings.text.attributes)
        backbone = self._load_backbone(texts)
        tokens = backbone.encode(texts, self.settings.text.max_item_tokens)
        prefix = backbone.prefix_ids + backbone.encode([self.settings.text.instruction], backbone.positions)[0]
        self._check_length(backbone, len(prefix), max(map(len, tokens)))
        progress = ProgressReporter(context.report)
        vectors = text_vectors(backbone, tokens, lambda done, total: self._step(progress, "reading item texts", done, total))
        injection = self.settings.injection
        self.network = SasrecNetwork(self.items, injection.sasrec).to(context.device) if injection.kind == "sasrec" else None
        table = token_table(tokens, context.device)
        self.model = DarecModel(self.settings, backbone, table, vectors, prefix, self.network).to(context.device)

    def stages(self) -> list[Stage]:
        """The CF model alone (if there is one), then everything jointly."""
        training, injection = self.context.spec.training, self.settings.injection
        own = list(self.network.parameters()) if self.network is not None else []
        known = {id(parameter) for parameter in own}
        rest = [p for p in self.model.parameters() if p.requires_grad and id(p) not in known]
        if self.network is None:
            group = ParameterGroup(rest, training.learning_rate)
            return [Stage("DARec", self.model, [group], self._joint_epoch, self._joint_loss, self.scorer)]
        alone = Stage(
            "the CF model alone",
            self.network,
            [ParameterGroup(own, training.learning_rate)],
            self._alone_epoch,
            self._alone_loss,
            self.network.scorer,
            share=injection.share_of_time,
        )
        groups = [ParameterGroup(rest, training.learning_rate), ParameterGroup(own, injection.learning_rate)]
        joint = Stage(
            "DARec jointly",
            self.model,
            groups,
            self._joint_epoch,
            self._joint_loss,
            self.scorer,
            share=1 - injection.share_of_time,
            evaluate_start=True,
        )
        return [alone, joint]

    def scorer(self) -> Score:
        """``s(i|k)`` after the last item of each history."""
        with torch.no_grad():
            vectors = self.model.item_vectors()
        return lambda histories, users: self._score(histories, vectors)

    @torch.no_grad()
    def _score(self, histories: Sequence[History], vectors: Tensor) -> Tensor:
        window = self.settings.text.window
        items, lengths = history_batch(histories, window, self.items, self.context.device)
        states = None
        if self.network is not None:
            long, long_lengths = history_batch(histories, self.network.window, self.items, self.context.device)
            states = take_window(
                self.network.states(long, long_lengths, self.network.catalogue()), long_lengths - lengths, items.shape[1]
            )
        ranking = self.model(items, states)
        last = ranking[torch.arange(len(items), device=items.device), lengths - 1]
        scores: Tensor = last @ vectors.T
        return scores

    def state(self) -> dict[str, Tensor]:
        """All trainable weights: adapters, marker, injection, head and CF model."""
        return module_state(self.model)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over trainable weights."""
        load_module_state(self.model, state)
        self.model.eval()

    def export(self, folder: Path) -> None:
        """The adapters as PEFT writes them, for ``PeftModel.from_pretrained`` on the backbone's base model."""
        if self.model.adapted.peft_model is not None:
            self.model.adapted.peft_model.save_pretrained(str(folder / "adapter"), save_embedding_layers=False)

    def architecture(self) -> list[LayerAdapter]:
        """The layer map, read back from the injected model."""
        return self.model.adapted.layers

    def _load_backbone(self, texts: list[str]) -> Backbone:
        context = self.context
        if self.settings.backbone != "nano":
            return load_backbone(self.settings.backbone, self.settings.backbone, context.device)
        folder = context.workdir / "backbone"
        if not (folder / "model.safetensors").is_file():
            context.report(LogEvent(message="making nano from the catalogue's text; it has no world knowledge"))
            progress = ProgressReporter(context.report)
            made = nano_folder(
                self.settings.nano,
                texts,
                context.spec.training.seed,
                lambda done, total: self._step(progress, "warming up nano", done, total),
            )
            temporary = context.workdir / ".backbone.writing"
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.copytree(made, temporary)
            temporary.rename(folder)
        return load_backbone("nano", folder, context.device)

    def _step(self, progress: ProgressReporter, phase: str, done: int, total: int) -> None:
        self.context.check_stop()
        progress.counting(phase, done, total, "steps")

    def _check_length(self, backbone: Backbone, prefix: int, longest: int) -> None:
        need = prefix + self.settings.text.window * (longest + 1)
        if need > backbone.positions:
            raise UserError(
                f"method.text.window: {self.settings.text.window} items of up to {longest} tokens need {need} positions, "
                f"but {backbone.name} reads {backbone.positions}.",
                "Lower method.text.window or method.text.max_item_tokens, or choose a backbone that reads more.",
            )

    def _alone_epoch(self, epoch: int) -> EpochBatches:
        training, network = self.context.spec.training, self._network()
        key = (training.seed, 0, epoch)
        return window_epoch(self.context.split.train, network.window, training.batch_size, self.items, self.context.device, key)

    def _alone_loss(self, batch: object) -> StepLoss:
        return self._network().loss(cast(SequenceBatch, batch), self.context.spec.training.seed)

    def _joint_epoch(self, epoch: int) -> EpochBatches:
        training, text = self.context.spec.training, self.settings.text
        long = self.network.window if self.network is not None else text.window
        key = (training.seed, 1, epoch)
        return joint_epoch(
            self.context.split.train, (text.window, long), training.batch_size, self.items, self.context.device, key
        )

    def _joint_loss(self, batch: object) -> StepLoss:
        windows = cast(JointBatch, batch)
        states = None
        if self.network is not None:
            states = windows.align(self.network.states(windows.long.inputs, windows.long.lengths, self.network.catalogue()))
        ranking = self.model(windows.short.inputs, states)
        loss = self._softmax(ranking, self.model.item_vectors(), windows.short.targets)
        if self.network is None or states is None or not self.settings.injection.alpha:
            return loss
        own = self._softmax(self.network.norm(states), self.network.catalogue(), windows.short.targets)
        return StepLoss(loss.value + self.settings.injection.alpha * own.value, loss.targets)

    def _softmax(self, states: Tensor, item_vectors: Tensor, targets: Tensor) -> StepLoss:
        supervised = targets != self.items
        chosen = targets[supervised]
        return StepLoss(softmax_loss(states[supervised], item_vectors, chosen), len(chosen))

    def _network(self) -> SasrecNetwork:
        return cast(SasrecNetwork, self.network)
