"""A finished run, opened to answer: history in, items out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data.split import seen_rule
from engine.data.splits import make_split
from engine.data.version import Version, is_version, read_version
from engine.errors import UserError
from engine.methods import METHODS
from engine.methods.method import Context, Method
from engine.spec import parse_spec
from engine.training.checkpoint import is_complete, load_tensors
from engine.training.device import choose_device, set_threads


class Recommender:
    """A trained method with the version that it was trained on."""

    def __init__(self, method: Method[Any], version: Version, remove_seen: bool) -> None:
        self.method, self.version, self.remove_seen = method, version, remove_seen
        self._item_index = {item: index for index, item in enumerate(version.item_ids)}
        self._user_index = {user: index for index, user in enumerate(version.users)}

    @classmethod
    def open(cls, folder: Path) -> "Recommender":
        """Load the run in ``folder``; raises UserError if it is not finished, or its version is gone or changed."""
        if not (folder / "run.json").is_file() or not is_complete(folder / "model"):
            raise UserError(f"{folder} holds no finished run.", 'Name the folder that `fit` printed as "run".')
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        version = _find_version(folder, about)
        spec = parse_spec(about["spec"])
        set_threads(spec.training.threads)
        context = Context(spec, version, make_split(version, spec.split), choose_device("auto"), folder, lambda event: None)
        torch.manual_seed(spec.training.seed)
        method = METHODS.get(spec.method.id).load()(context)
        method.load_state(load_tensors(folder / "model" / "model.safetensors"))
        return cls(method, version, seen_rule(version, spec.evaluation.seen) == "remove")

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

        ``{"history": [{id, title}], "recommended": [{id, title, score}]}``
        """
        known = None if user is None else [self._user_index[user]]
        scores = self.method.score([history], known)[0].detach().float()
        if self.remove_seen:
            scores[torch.from_numpy(history.astype(np.int64)).to(scores.device)] = -torch.inf
        best = scores.topk(min(k, len(scores)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return {
            "history": [self._line(int(item)) for item in history],
            "recommended": [{**self._line(item), "score": score} for item, score in pairs if score > -torch.inf],
        }

    def _line(self, item: int) -> dict[str, str]:
        return {"id": self.version.item_ids[item], "title": self.version.titles[item]}


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
