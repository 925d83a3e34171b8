"""Item and user vectors as files: safetensors, Parquet with ids beside the vectors, and a sheet that says what they are."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from engine.errors import UserError
from engine.evaluation.evaluator import History
from engine.methods.vectors import VectorScore
from engine.recommend import Recommender
from engine.training.checkpoint import save_tensors

Histories = Literal["all", "test", "valid"]
ABOUT, TENSORS, ITEMS, USERS = "vectors.json", "vectors.safetensors", "items.parquet", "users.parquet"


def vector_score(recommender: Recommender) -> VectorScore:
    """The run's score as an inner product; raises UserError where it is none."""
    with torch.no_grad():
        found = recommender.method.vectors()
    if found is None:
        name = recommender.method.context.spec.method.id
        raise UserError(
            f"{name} of this run has no vectors: its score is no inner product of a user's vector and an item's.",
            "Use `predict` for its ranked lists.",
        )
    return found


def user_vectors(recommender: Recommender, score: VectorScore, histories: Histories) -> tuple[NDArray[np.int32], torch.Tensor]:
    """The users with a history, `n`, and their vectors, `n x d`, on the CPU."""
    version, split = recommender.version, recommender.split
    if histories == "all":
        sequences = version.sequences()
        users = np.flatnonzero(sequences.lengths > 0).astype(np.int32)
        read = sequences.__getitem__
    else:
        users, _ = split.targets(histories)

        def read(user: int) -> History:
            return split.history(user, histories)

    batch = recommender.method.context.spec.evaluation.batch_users
    parts = []
    with torch.no_grad():
        for start in range(0, len(users), batch):
            some = users[start : start + batch]
            parts.append(score.queries([read(int(user)) for user in some], some).float().cpu())
    return users, torch.cat(parts)


def write_vectors(recommender: Recommender, histories: Histories, folder: Path) -> dict[str, Any]:
    """Write all files into ``folder``; returns what ``vectors.json`` says.

    Raises:
        UserError: the score is no inner product, or ``folder`` holds vectors already.
    """
    score = vector_score(recommender)
    if (folder / ABOUT).exists():
        raise UserError(f"{folder} holds vectors already.", "Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    version = recommender.version
    users, of_users = user_vectors(recommender, score, histories)
    of_items = score.items.detach().float().cpu()
    save_tensors({"items": of_items, "users": of_users}, folder / TENSORS)
    _table(np.arange(len(of_items), dtype=np.int32), version.item_ids, of_items).write_parquet(folder / ITEMS)
    _table(users, [version.users[user] for user in users], of_users).write_parquet(folder / USERS)
    about = {
        "method": recommender.method.context.spec.method.id,
        "version": version.hash,
        "product": score.says,
        "whole_score": not score.missing,
        "missing": list(score.missing),
        "items": len(of_items),
        "users": len(users),
        "dimensions": of_items.shape[1],
        "histories": histories,
        "seen": "remove" if recommender.remove_seen else "keep",
    }
    # Last: a folder with it is whole.
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return about


def _table(index: NDArray[np.int32], ids: list[str], vectors: torch.Tensor) -> pl.DataFrame:
    """``index``, ``id`` and ``vector`` (float32, as many as dimensions)."""
    width = vectors.shape[1]
    columns = {"index": index, "id": pl.Series(ids, dtype=pl.String), "vector": vectors.numpy()}
    return pl.DataFrame(columns, schema_overrides={"vector": pl.Array(pl.Float32, width)})
