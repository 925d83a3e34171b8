"""``darec``: a re-implementation from the abstract of arXiv 2408.07427; every choice of ours is a field of its spec.

Stage 1 trains the small CF model alone; stage 2 trains it jointly with the adapters, the marker, the injection and the head.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from engine.adapters.card import write_card
from engine.adapters.folder import save_adapters
from engine.blend.blend import Blend
from engine.blend.counts import Parts
from engine.cache import recipe_hash
from engine.collaborative.batches import SequenceBatch, history_batch, window_epoch
from engine.collaborative.build import build_collaborative
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.softmax import catalogue_loss, training_proposal
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.darec.batches import JointBatch, joint_epoch, view_of
from engine.methods.darec.injection import CollaborativeView
from engine.methods.darec.mask_sample import mask_parts
from engine.methods.darec.model import DarecModel
from engine.methods.darec.parts import LastStates, part_items, part_names, part_queries, score_parts
from engine.methods.darec.preparation import prepare_material
from engine.methods.darec.spec import DarecSpec
from engine.methods.darec.tasks import alignment_loss, item_grounding_loss, next_title_loss
from engine.methods.method import Context, EpochBatches, Method, ParameterGroup, Stage, StepLoss
from engine.methods.state import load_module_state, module_state
from engine.methods.vectors import VectorScore
from engine.result import LayerAdapter, MaskPart, Result

ALONE_REVISION = 2
"""Raise it when the same settings train another CF model than before: what was kept no longer counts then."""


class Implementation(Method[DarecSpec]):
    """Backbone, CF model and head."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.items = context.version.counts.items
        self.proposal = training_proposal(context.split.train, self.items).to(context.device)
        self.material = prepare_material(context, self.settings)
        self.network: CollaborativeModel | None = None
        if self.settings.injection.kind != "none":
            with torch.random.fork_rng(devices=[]):
                # its start hangs on the seed alone, so that runs which differ elsewhere share the stage that trains it alone
                torch.manual_seed(context.spec.training.seed)
                injection, train = self.settings.injection, context.split.train
                self.network = build_collaborative(injection, self.items, train, self.settings.loss)
            self.network.to(context.device)
        material = self.material
        model = DarecModel(self.settings, material.backbone, material.table, material.vectors, material.prefix, self.network)
        self.model = model.to(context.device)
        self.blend = Blend(context, self.settings.blend, part_names(self.model))

    def stages(self) -> list[Stage]:
        """The CF model alone (if there is one), then everything jointly."""
        training, injection = self.context.spec.training, self.settings.injection
        own = list(self.network.parameters()) if self.network is not None else []
        known = {id(parameter) for parameter in own}
        rest = [p for p in self.model.parameters() if p.requires_grad and id(p) not in known]
        groups = [ParameterGroup(rest, self.settings.learning_rate or training.learning_rate)]
        if own and injection.joint:
            # a CF model that starts untrained here learns at the common rate
            rate = injection.learning_rate if injection.share_of_time else training.learning_rate
            groups.append(ParameterGroup(own, rate))
        first = self.network is not None and injection.share_of_time > 0
        joint = Stage(
            "DARec jointly" if first else "DARec",
            self.model,
            groups,
            self._joint_epoch,
            self._joint_loss,
            self.scorer,
            share=1 - injection.share_of_time if first else 1.0,
            evaluate_start=first and training.keep_start,
        )
        if self.network is None or not first:
            return [joint]
        alone = Stage(
            "the CF model alone",
            self.network,
            [ParameterGroup(own, training.learning_rate)],
            self._alone_epoch,
            self._alone_loss,
            self.network.scorer,
            share=injection.share_of_time,
            recipe=self._alone_recipe() if injection.reuse else None,
        )
        return [alone, joint]

    def calibrate(self) -> None:
        """Weigh the parts of the score and counted models on validation, if asked for."""
        self.blend.fit(self._parts())

    def adopt_calibration(self, state: dict[str, Tensor]) -> None:
        """The weights of the blend, if there are any."""
        self.blend.take(state)

    def scorer(self) -> Score:
        """``s(i|k)`` after the last item of each history, blended if weights were fitted."""
        if self.blend.fitted:
            return self.blend.scorer(self._parts())
        last_states = self._last_states()

        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            last = last_states(histories)
            return last.ranking @ last.vectors.T

        return score

    def vectors(self) -> VectorScore:
        """All parts but the counted models: each is the product of a state of the history with a vector of the item."""
        last_states = self._last_states()
        with torch.no_grad():
            collaborative = self.network.catalogue() if self.network is not None else None
            items = self.model.item_vectors(collaborative)
        if self.blend.fitted:
            parts = part_items(self.model, items, collaborative)
            return self.blend.vectors(parts, lambda histories, users: part_queries(self.model, last_states(histories)))
        whole = "the whole score of DARec: network" + (" + text match" if self.model.text_match is not None else "")
        return VectorScore(items, lambda histories, users: last_states(histories).ranking, whole)

    def _parts(self) -> Parts:
        last_states = self._last_states()

        def parts(histories: Sequence[History], users: Users | None) -> list[Tensor]:
            return score_parts(self.model, last_states(histories))

        return parts

    def _last_states(self) -> Callable[[Sequence[History]], LastStates]:
        """Compute what all histories share, and give the function that reads some to their last item."""
        with torch.no_grad():
            collaborative = self.network.catalogue() if self.network is not None else None
            vectors = self.model.item_vectors(collaborative)
            lower = self.model.reader.prepare()

        @torch.no_grad()
        def read(histories: Sequence[History]) -> LastStates:
            items, lengths = history_batch(histories, self.settings.text.window, self.items, self.context.device)
            view = self._view_of_histories(histories, collaborative, lengths, items.shape[1])
            hidden = self.model.hidden(items, view, lower)
            ranking = self.model(items, hidden, view)
            last = (torch.arange(len(items), device=items.device), lengths - 1)
            own = None if view is None else view.states[last]
            return LastStates(items, lengths, ranking[last], vectors, own, collaborative)

        return read

    def state(self) -> dict[str, Tensor]:
        """All trainable weights: adapters, marker, injection, head and CF model; and those of the blend."""
        return {**module_state(self.model), **self.blend.state()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over trainable weights."""
        load_module_state(self.model, self.blend.take(state))
        self.model.eval()

    def export(self, folder: Path, result: Result) -> None:
        """The adapters, for ``load_adapters``, or for PEFT alone on the backbone's base model if they are of one kind; a card."""
        adapted = self.model.adapted
        save_adapters(adapted, folder / "adapter")
        if adapted.adapters:
            parts = () if adapted.peft_model is not None else tuple(adapted.adapters)
            write_card(folder / "adapter", self.settings.backbone, result, parts)

    def architecture(self) -> list[LayerAdapter]:
        """The layer map, read back from the injected model."""
        return self.model.adapted.layers

    def mask_of(self, history: History) -> tuple[str, list[MaskPart]]:
        """The mask that the reader puts over the tokens of ``history``, as far as it reads back."""
        window = history[-self.settings.text.window :]
        return self.settings.mask, mask_parts(self.model.reader, self.settings, window, self.model.soft is not None)

    def _view_of_histories(
        self, histories: Sequence[History], vectors: Tensor | None, lengths: Tensor, length: int
    ) -> CollaborativeView | None:
        if self.network is None or vectors is None:
            return None
        long, long_lengths = history_batch(histories, self.network.window, self.items, self.context.device)
        return view_of(self.network, long, long_lengths, vectors, long_lengths - lengths, length)

    def _alone_epoch(self, epoch: int) -> EpochBatches:
        training, window = self.context.spec.training, self.settings.injection.window
        key = (training.seed, 0, epoch)
        return window_epoch(self.context.split.train, window, training.batch_size, self.items, self.context.device, key)

    def _alone_recipe(self) -> str:
        """All that the CF model trained alone depends on."""
        context, injection, training = self.context, self.settings.injection, self.context.spec.training
        seconds = None if training.minutes is None else round(60 * training.minutes * injection.share_of_time, 3)
        shape = getattr(injection, injection.kind.replace("-", "_"))
        return recipe_hash(
            ALONE_REVISION,
            context.version.hash,
            context.split.hash,
            context.device.type,
            training.model_dump(mode="json", exclude={"minutes", "stop_below", "keep_start"}),
            [seconds, context.spec.evaluation.seen],
            self.settings.loss.model_dump(mode="json"),
            [injection.kind, shape.model_dump(mode="json")],
        )

    def _alone_loss(self, batch: object) -> StepLoss:
        return cast(CollaborativeModel, self.network).loss(cast(SequenceBatch, batch), self.context.spec.training.seed)

    def _joint_epoch(self, epoch: int) -> EpochBatches:
        training, text = self.context.spec.training, self.settings.text
        windows = (text.window, self.settings.injection.window or text.window)
        key = (training.seed, 1, epoch)
        return joint_epoch(self.context.split.train, windows, training.batch_size, self.items, self.context.device, key)

    def _joint_loss(self, batch: object) -> StepLoss:
        """``L = sum of w_task L_task + alpha L_cf + beta L_align``; ``L_cf`` is a softmax over ``<LN(z_k), c_i>``."""
        windows = cast(JointBatch, batch)
        histories, targets = windows.short.inputs, windows.short.targets
        injection, tasks = self.settings.injection, self.settings.tasks
        generator = np.random.default_rng([self.context.spec.training.seed, *windows.short.key])
        full = self._view(windows)
        view = full.detached() if full is not None and injection.stop_gradient else full
        supervised = targets != self.items
        chosen = targets[supervised]
        hidden = self.model.hidden(histories, view)
        vectors = self.model.item_vectors(view.vectors if view is not None else None)
        ranking = self.model(histories, hidden, view)
        loss = tasks.next_item * self._catalogue_loss(ranking[supervised], vectors, chosen, generator)
        if tasks.next_title and self.material.titles is not None:
            written = next_title_loss(self.model, histories, targets, view, self.material.titles, generator)
            loss = loss + tasks.next_title * written
        if tasks.item_grounding:
            collaborative = view.vectors if view is not None else self.model.free_vectors
            found = item_grounding_loss(self.model, targets, collaborative, self.material.same_title, generator)
            loss = loss + tasks.item_grounding * found
        if full is not None and self.network is not None:
            loss = loss + self._collaborative_loss(full, hidden, chosen, supervised, generator)
        return StepLoss(loss, len(chosen))

    def _collaborative_loss(
        self, view: CollaborativeView, hidden: Tensor, chosen: Tensor, supervised: Tensor, generator: np.random.Generator
    ) -> Tensor:
        injection, network = self.settings.injection, cast(CollaborativeModel, self.network)
        loss = hidden.new_zeros(())
        if injection.joint and injection.alpha:
            states = network.norm(view.states[supervised])
            loss = loss + injection.alpha * self._catalogue_loss(states, view.vectors, chosen, generator)
        if injection.beta:
            loss = loss + injection.beta * alignment_loss(self.model.from_hidden(hidden[supervised]), view.states[supervised])
        return loss

    def _catalogue_loss(self, states: Tensor, vectors: Tensor, targets: Tensor, generator: np.random.Generator) -> Tensor:
        return catalogue_loss(states, vectors, targets, self.settings.loss, generator, self.proposal)

    def _view(self, windows: JointBatch) -> CollaborativeView | None:
        if self.network is None:
            return None
        with torch.set_grad_enabled(self.settings.injection.joint):
            vectors = self.network.catalogue(windows.edges(self.items))
            long, length = windows.long, windows.short.inputs.shape[1]
            return view_of(self.network, long.inputs, long.lengths, vectors, windows.offsets, length)
