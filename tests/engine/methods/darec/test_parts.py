from pathlib import Path

import numpy as np
import pytest
import torch

from engine.blend.blend import STATE
from engine.data.version import Version
from engine.methods.darec.method import Implementation
from engine.methods.darec.parts import part_names
from tests.engine.methods.darec.build import build

MATCH: dict[str, object] = {"method.text_match": 4.0, "method.text.components": 8}
ALONE: dict[str, object] = {"method.blend.counts": False}


def shown(version: Version) -> list[np.ndarray]:  # type: ignore[type-arg]
    """Histories shorter and longer than both windows."""
    whole = np.arange(20, dtype=np.int32)
    return [whole[:1], whole[:4], whole[3:11], whole, *[version.sequences()[user] for user in range(6)]]


def weighted(method: Implementation, weights: dict[str, float], version: Version) -> torch.Tensor:
    """The score with these weights for its parts, in place of fitted ones."""
    names = part_names(method.model)
    method.load_state({**method.state(), STATE: torch.tensor([weights.get(name, 0.0) for name in names])})
    return method.score(shown(version))


@pytest.mark.parametrize("kind", ["sasrec", "hstu", "gru4rec", "lightgcn", "bpr-mf", "none"])
@pytest.mark.parametrize("match", [MATCH, {}], ids=["matched", "unmatched"])
@pytest.mark.parametrize("mask", ["union", "two_level"])
def test_parts_of_weight_1_add_up_to_the_score(
    kind: str, match: dict[str, object], mask: str, planted: Version, tmp_path: Path
) -> None:
    method = build(planted, tmp_path, {**ALONE, **match, "method.injection.kind": kind, "method.mask": mask})
    names = part_names(method.model)
    assert list(names) == [
        "network",
        *(["collaborative"] if kind != "none" else []),
        *(["text match", "text history"] if match else []),
    ]
    unblended = method.score(shown(planted))
    assert not method.blend.fitted
    torch.testing.assert_close(weighted(method, names, planted), unblended, atol=1e-4, rtol=1e-4)
    assert method.blend.fitted
    for name in names:
        assert weighted(method, {name: 1.0}, planted).std() > 1e-3, name


@pytest.mark.parametrize("kind", ["sasrec", "hstu", "gru4rec", "lightgcn", "bpr-mf"])
def test_the_collaborative_part_is_what_the_cf_model_ranks_with(kind: str, planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {**ALONE, **MATCH, "method.injection.kind": kind})
    assert method.network is not None
    found = weighted(method, {"collaborative": 1.0}, planted)
    torch.testing.assert_close(found, method.network.scorer()(shown(planted), None), atol=1e-4, rtol=1e-4)


def test_the_text_history_is_the_match_without_the_backbone(planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {**ALONE, **MATCH})
    match = method.model.text_match
    assert match is not None
    history = weighted(method, {"text history": 1.0}, planted)
    with_hidden = weighted(method, {"text match": 1.0}, planted)
    assert (with_hidden - 4 * history).abs().max() > 1e-2
    torch.nn.init.zeros_(match.from_hidden.weight)
    torch.testing.assert_close(weighted(method, {"text history": 1.0}, planted), history)
    torch.testing.assert_close(weighted(method, {"text match": 1.0}, planted), 4 * history, atol=1e-5, rtol=1e-4)


def test_a_part_says_nothing_of_other_histories_in_the_batch(planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {**ALONE, **MATCH})
    names = part_names(method.model)
    for name in names:
        together = weighted(method, {name: 1.0}, planted)
        for row, history in enumerate(shown(planted)[:4]):
            torch.testing.assert_close(method.score([history])[0], together[row], atol=1e-4, rtol=1e-4)
