"""A finished run, opened to answer: history in, items out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data.everything import everything
from engine.data.sequences import Sequences
from engine.data.split import Split, seen_rule
from engine.data.version import Version, is_version, read_version
from engine.errors import UserError
from engine.evaluation.evaluator import Score, only_candidates, pairs_of, rank_batch
from engine.evaluation.top import best_items
from engine.methods import METHODS
from engine.methods.method import Context, Method
from engine.run import require_spec_of_model, split_and_candidates
from engine.seal import require_unchanged
from engine.spec import parse_spec
from engine.training.checkpoint import is_complete, load_tensors
from engine.training.device import choose_device, compute_exactly, set_threads


@dataclass(frozen=True)
class Lists:
    """Recommendations to several users, one after the other, the best first.

    Attributes:
        rows: int64, `n`, whose: a place among the users asked for; places: within the list, from 0.
        items: int64, `n`, indexes of the items; scores: float32, `n`.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    items: NDArray[np.int64]
    scores: NDArray[np.float32]


class Recommender:
    """A trained method with the version that it was trained on.

    Args:
        split, candidates: those of its test; candidates None: all items are ranked.
        remove_seen: whether the items of a history are no candidates.
    """

    def __init__(
        self, method: Method[Any], version: Version, split: Split, candidates: Sequences | None, remove_seen: bool
    ) -> None:
        self.method, self.version, self.remove_seen = method, version, remove_seen
        self.split, self.candidates = split, candidates
        self._scorer: Score | None = None
        self._item_index = {item: index for index, item in enumerate(version.item_ids)}
        self._user_index = {user: index for index, user in enumerate(version.users)}

    @classmethod
    def open(cls, folder: Path, version: Version | None = None, device: str = "auto") -> "Recommender":
        """Load the run in ``folder``.

        Raises UserError if it is not finished, or its version is gone or changed; CheckpointError if its spec, or anything in
        its model's folder, is not what was written.

        Args:
            version: the one that it was trained on, where it is at hand; None: looked for where the run found it.
            device: auto, cpu or cuda.
        """
        if not (folder / "run.json").is_file() or not is_complete(folder / "model"):
            raise UserError(f"{folder} holds no finished run.", 'Name the folder that `fit` printed as "run".')
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        require_unchanged(folder / "model")
        require_spec_of_model(folder / "model", about["spec"])
        version = _find_version(folder, about) if version is None else _same(version, about)
        spec = parse_spec(about["spec"])
        set_threads(spec.training.threads)
        # A refit has learned from every interaction: nothing is held out of any history.
        split, candidates = (everything(version), None) if about.get("refit") else split_and_candidates(spec, version)
        place = choose_device(device)
        compute_exactly(place)
        context = Context(spec, version, split, place, folder, lambda event: None)
        torch.manual_seed(spec.training.seed)
        method = METHODS.get(spec.method.id).load()(context)
        method.load_state(load_tensors(folder / "model" / "model.safetensors"))
        return cls(method, version, split, candidates, seen_rule(version, spec.evaluation.seen) == "remove")

    def history_of(self, user: str) -> NDArray[np.int32]:
        """All items of a user of the version, oldest first; raises UserError for an unknown id."""
        if user not in self._user_index:
            raise UserError(
                f"There is no user {user!r} in this run's data.", "Ids are written as in the uploaded file; case counts."
            )
        return self.version.sequences()[self._user_index[user]]

    def items(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """The indexes of item ids; raises UserError for an unknown id or none at all."""
        unknown = [item for item in ids if item not in self._item_index]
        if unknown:
            raise UserError(
                f"There is no item {unknown[0]!r} in this run's catalogue.", "Name ids as in the uploaded items file."
            )
        if not ids:
            raise UserError("The history is empty.", "Name at least one item id.")
        return np.array([self._item_index[item] for item in ids], dtype=np.int32)

    def recommend(self, history: NDArray[np.int32], k: int, user: str | None = None) -> dict[str, Any]:
        """The ``k`` best items after ``history`` (of ``user``, if it is a known one's).

        ``{"history": [{id, title}], "recommended": [{id, title, score, seen}]}``; ``seen``: it is in the history.
        """
        scores = self._scores(history, None if user is None else self._user_index[user])[0]
        if self.remove_seen:
            scores[torch.from_numpy(history.astype(np.int64)).to(scores.device)] = -torch.inf
        best = scores.topk(min(k, len(scores)))
        return {
            "history": [self.line(int(item)) for item in history],
            "recommended": self._lines(history, best.indices.tolist(), best.values.tolist()),
        }

    @torch.no_grad()
    def best_for(self, users: Sequence[int], histories: Sequence[NDArray[np.int32]], k: int, *, remove: bool) -> "Lists":
        """The ``k`` best items for each of ``users`` (indexes) after these histories, of one item at least.

        Args:
            k: 1 up to the number of items.
            remove: whether items of a history are no candidates.
        """
        if not users:
            nothing = np.empty(0, np.int64)
            return Lists(nothing, nothing, nothing, np.empty(0, np.float32))
        scores = self.warm()(histories, np.asarray(users, np.int32)).detach().float().clone()
        if remove:
            pairs = pairs_of(histories, scores.device)
            scores[pairs[:, 0], pairs[:, 1]] = -torch.inf
        values, items = (part.cpu().numpy() for part in best_items(scores, k))
        rows, places = np.nonzero(values > -np.inf)
        return Lists(rows, places, items[rows, places], values[rows, places])

    def test_user(self, user: str, k: int) -> dict[str, Any]:
        """What the test asked of ``user``, and what the run answered, ranked just as in the evaluation.

        ``{"user", "history": [{id, title}], "target": {id, title}, "rank", "recommended": [{id, title, score, seen}]}``;
        ``rank`` is the 0-based mid-rank of the target. A user whom the test left out has all items for a history, and None for
        ``target`` and ``rank``. Raises UserError for an unknown id.
        """
        whole = self.history_of(user)
        index = self._user_index[user]
        target = int(self.split.test[index])
        if target < 0:
            return {"user": user, "target": None, "rank": None, **self.recommend(whole, k, user)}
        history = self.split.history(index, "test")
        scores = self._scores(history, index)
        wanted = torch.tensor([target], device=scores.device)
        if self.candidates is not None:
            scores = only_candidates(scores, [self.candidates[index]], wanted)
        ranks, items, values = rank_batch(scores, wanted, [history] if self.remove_seen else None, min(k, scores.shape[1]))
        return {
            "user": user,
            "history": [self.line(int(item)) for item in history],
            "target": self.line(target),
            "rank": float(ranks[0]),
            "recommended": self._lines(history, items[0].tolist(), values[0].tolist()),
        }

    def line(self, item: int) -> dict[str, str]:
        """The item with index ``item`` as it is shown: id and title."""
        return {"id": self.version.item_ids[item], "title": self.version.titles[item]}

    @torch.no_grad()
    def warm(self) -> Score:
        """Compute what all histories share, once: for a language model that reads a whole catalogue this takes seconds."""
        if self._scorer is None:
            self._scorer = self.method.scorer()
        return self._scorer

    @torch.no_grad()
    def _scores(self, history: NDArray[np.int32], user: int | None) -> torch.Tensor:
        """`1 x items`, to be changed freely."""
        return self.warm()([history], None if user is None else [user]).detach().float().clone()

    def _lines(self, history: NDArray[np.int32], items: list[int], scores: list[float]) -> list[dict[str, Any]]:
        seen = set(history.tolist())
        pairs = zip(items, scores, strict=True)
        return [{**self.line(item), "score": score, "seen": item in seen} for item, score in pairs if score > -torch.inf]


def version_of(folder: Path) -> Version:
    """The version that the run in ``folder`` was trained on; raises UserError if there is no run, or its version is gone."""
    if not (folder / "run.json").is_file():
        raise UserError(f"{folder} holds no run.", 'Name the folder that `fit` printed as "run".')
    return _find_version(folder, json.loads((folder / "run.json").read_text(encoding="utf-8")))


def _same(version: Version, about: dict[str, Any]) -> Version:
    if version.hash != about["version"]:
        raise UserError("The run was trained on another version than this one.", "Name the version that its page names.")
    return version


def _find_version(folder: Path, about: dict[str, Any]) -> Version:
    for path in (folder / "version", Path(about["version_path"])):
        if is_version(path):
            version = read_version(path)
            if version.hash == about["version"]:
                return version
    raise UserError(
        f"The version that {folder} was trained on is neither at {about['version_path']} nor in {folder / 'version'}.",
        "Put it back, or run `prepare` again with --out there.",
    )
