"""The mask that the run's page shows is the one that the backbone reads with: gradients flow where it says, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.backbones.forward import read_tokens
from engine.data.version import Version
from engine.methods.darec.layout import lay_out
from engine.methods.darec.mask_sample import MARKER_TEXT, SOFT_TEXT
from engine.methods.darec.reading import WholeReader
from engine.result import MaskPart
from engine.run import run
from tests.engine.methods.darec.build import MASKS, build
from tests.engine.methods.runs import small_spec

HISTORY = np.array([3, 14, 15], np.int32)


def matrix(part: MaskPart) -> torch.Tensor:
    return torch.tensor([[sign == "1" for sign in row] for row in part.rows])


@pytest.mark.parametrize("mask", ["union", "causal", "per_head"])
def test_gradients_flow_where_the_picture_says(mask: str, planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {"method.mask": mask, "method.text.instruction": "read on"})
    name, parts = method.mask_of(HISTORY)
    assert name == mask
    reader = method.model.reader
    assert isinstance(reader, WholeReader)
    layout = lay_out(torch.tensor(HISTORY[None].astype(np.int64)), reader.table, reader.prefix, 1)
    embeddings = torch.randn(1, layout.ids.shape[1], reader.backbone.dimensions, requires_grad=True)
    states = read_tokens(reader.backbone, embeddings, layout.blocks, reader.mask)[0]
    rows = [torch.autograd.grad(state.sum(), embeddings, retain_graph=True)[0][0].abs().amax(dim=1) > 0 for state in states]
    seen = torch.stack([matrix(part) for part in parts]).any(dim=0)
    assert torch.equal(torch.stack(rows), seen)
    assert len(parts) == (2 if mask == "per_head" else 1)


@pytest.mark.parametrize("mask", MASKS)
def test_every_mask_has_parts_whose_tokens_are_said(mask: str, planted: Version, tmp_path: Path) -> None:
    _, parts = build(planted, tmp_path, {"method.mask": mask}).mask_of(HISTORY)
    for part in parts:
        assert len(part.tokens) == len(part.items) == len(part.rows)
        assert all(len(row) == len(part.rows) and row[place] == "1" for place, row in enumerate(part.rows))
        assert part.tokens.count(MARKER_TEXT) == len(HISTORY)
        assert set(part.items) - {-1} == set(range(len(HISTORY)))
    assert len({part.title for part in parts}) == len(parts)
    assert parts[-1].tokens.count(SOFT_TEXT) == 1
    if mask in ("two_level", "per_layer"):
        items = torch.tensor(parts[0].items)
        assert torch.equal(matrix(parts[0]), items[:, None] == items)
        assert SOFT_TEXT not in parts[0].tokens


def test_it_is_part_of_the_result(planted: Version, tmp_path: Path) -> None:
    result = run(small_spec("darec", {"training.epochs": 1}), planted, tmp_path / "run", lambda event: None)
    assert result.mask is not None
    assert result.mask.mask == "union"
    assert [line.id for line in result.mask.history] == [line.id for line in result.samples[0].history[-3:]]
    assert run(small_spec("popularity"), planted, tmp_path / "popularity", lambda event: None).mask is None
