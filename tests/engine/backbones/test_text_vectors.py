from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.backbones.backbone import right_padded
from engine.backbones.huggingface import load_backbone
from engine.backbones.text_vectors import text_vectors
from tests.engine.backbones.tiny import TEXTS


def test_padding_changes_no_vector_and_the_cache_serves_the_second_time(checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint("llama"), torch.device("cpu"))
    tokens = backbone.encode([*TEXTS, "A much longer title than all the others have"], 99)
    together = text_vectors(backbone, tokens)
    for index, ids in enumerate(tokens):
        torch.testing.assert_close(text_vectors(backbone, [ids])[0], together[index], atol=1e-4, rtol=1e-4)
    calls: list[int] = []
    again = text_vectors(backbone, tokens, lambda done, total: calls.append(done))
    assert calls == []
    assert torch.equal(again, together)
    assert together.mean(dim=1).abs().max() < 1e-5
    torch.testing.assert_close(together.std(dim=1, unbiased=False), torch.ones(len(tokens)), atol=1e-3, rtol=0)


def test_items_without_text_get_a_vector_too(checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint("llama"), torch.device("cpu"))
    assert torch.isfinite(text_vectors(backbone, [[], [5, 6]])).all()


def test_right_padding() -> None:
    ids, mask = right_padded([[3, 4], [], [5]])
    assert ids.tolist() == [[3, 4], [0, 0], [5, 0]]
    assert mask.tolist() == [[1, 1], [1, 0], [1, 0]]


@pytest.fixture(autouse=True)
def _fresh_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DARECLAB_CACHE", str(tmp_path))
