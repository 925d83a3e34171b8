"""The preview against what is really built: decoded windows, and masks as attention gets them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.collaborative.batches import history_batch
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import UserError
from engine.masking.masks import causal_mask, per_head_mask, token_mask
from engine.methods import METHODS
from engine.methods.darec.layout import MARKER, lay_out
from engine.methods.method import Context
from engine.preview.darec import MARKER_SIGN, SOFT_SIGN, word
from engine.preview.model import MOST_SEEN, MaskPicture, SequencePreview
from engine.preview.sequence import preview_sequence
from tests.engine.conftest import write_version
from tests.engine.methods.darec.build import build
from tests.engine.methods.runs import PRESETS, small_spec

CPU = torch.device("cpu")
SEQUENTIAL = ("sasrec", "hstu", "gru4rec", "bert4rec")


def matrix(picture: MaskPicture) -> torch.Tensor:
    return torch.tensor([[cell == "1" for cell in row] for row in picture.rows])


def lower_triangle(picture: MaskPicture) -> torch.Tensor:
    return torch.ones(len(picture.rows), len(picture.rows)).tril() > 0


def history_of(version: Version, preview: SequencePreview) -> Any:
    return leave_one_out(version).history(version.users.index(preview.user), "test")


@pytest.mark.parametrize("mask", ["union", "causal", "per_head", "per_layer"])
def test_tokens_and_masks_are_those_of_the_model(planted: Version, tmp_path: Path, mask: str) -> None:
    settings: dict[str, object] = {"method.mask": mask, "method.text.instruction": "What comes next?"}
    method = build(planted, tmp_path, settings)
    backbone, material = method.material.backbone, method.material
    preview = preview_sequence(small_spec("darec", settings), planted, 3)
    items, _ = history_batch([history_of(planted, preview)], 6, planted.counts.items, CPU)
    layout = lay_out(items, material.table, material.prefix, 1)
    assert layout.ids.shape[1] == len(preview.tokens)
    grid = material.table[items[0]].flatten()
    real = grid[grid != -1].tolist()
    words = [word(backbone, token) for token in material.prefix] + [SOFT_SIGN]
    words += [MARKER_SIGN if token == MARKER else word(backbone, token) for token in real]
    assert [token.text for token in preview.tokens] == words
    assert [-1 if token.item is None else token.item for token in preview.tokens] == layout.blocks[0].tolist()
    states = torch.zeros(*layout.ids.shape, backbone.dimensions)
    last = slice(-len(preview.masks[-1].rows), None)
    if mask == "causal":
        assert torch.equal(
            matrix(preview.masks[0]), torch.ones(len(preview.masks[0].rows), len(preview.masks[0].rows)).tril() > 0
        )
        assert causal_mask(backbone, states).dim() == 2  # ones: plain causality, by the kernel
    elif mask == "per_head":
        heads = per_head_mask(backbone, states, layout.blocks)[0]
        assert torch.equal(matrix(preview.masks[0]), heads[0, last, last])
        assert torch.equal(matrix(preview.masks[1]), heads[-1, last, last])
    else:
        seen = token_mask(backbone, states, layout.blocks, "union")[0, 0]
        assert torch.equal(matrix(preview.masks[-1]), seen[last, last])


def test_two_levels(planted: Version) -> None:
    preview = preview_sequence(small_spec("darec", {"method.mask": "two_level"}), planted, 0)
    lower, upper = preview.masks
    assert (lower.title, upper.title) == ("Layer 1", "Layer 2")
    assert upper.labels == [SOFT_SIGN, *(f"item {number + 1}" for number in range(len(preview.items)))]
    assert torch.equal(matrix(upper), lower_triangle(upper))
    same = torch.tensor([[one == other for other in lower.items] for one in lower.items])
    assert torch.equal(matrix(lower), same)


@pytest.mark.parametrize("method", SEQUENTIAL)
def test_a_state_changes_just_with_the_items_that_the_picture_shows(planted: Version, tmp_path: Path, method: str) -> None:
    spec = small_spec(method)
    preview = preview_sequence(spec, planted, 1)
    context = Context(spec, planted, leave_one_out(planted), CPU, tmp_path, lambda event: None)
    network: Any = METHODS.get(method).load()(context).network.eval()  # type: ignore[attr-defined]
    count = planted.counts.items
    items, lengths = history_batch([history_of(planted, preview)], 9 if method == "bert4rec" else 10, count, CPU)
    if method == "bert4rec":
        items, lengths = torch.cat([items, torch.tensor([[network.mask]])], dim=1), lengths + 1
    titles = [planted.titles[item] if item < count else "[MASK]" for item in items[0].tolist()]
    assert [token.text for token in preview.tokens] == titles
    seen = matrix(preview.masks[0])
    with torch.no_grad():

        def states(table: torch.Tensor) -> torch.Tensor:
            whole = method == "bert4rec"
            found: torch.Tensor = network(table, lengths) if whole else network.states(table, lengths, network.catalogue())
            return found[0]

        before = states(items)
        for place in range(items.shape[1]):
            other = items.clone()
            other[0, place] = (items[0, place] + 1) % count
            changed = (states(other) - before).abs().amax(dim=1) > 1e-6
            assert torch.equal(changed, seen[:, place])


@pytest.mark.parametrize(
    "method", [method for method in PRESETS if method not in ("darec", "sasrec", "hstu", "gru4rec", "bert4rec")]
)
def test_methods_without_attention_say_so(planted: Version, method: str) -> None:
    preview = preview_sequence(small_spec(method), planted, 0)
    assert preview.masks == []
    assert preview.sentences
    assert bool(preview.tokens) == (method != "popularity")


def test_windows_and_cut_texts_are_counted(planted: Version) -> None:
    preview = preview_sequence(small_spec("darec", {"method.mask": "union", "method.text.max_item_tokens": 1}), planted, 2)
    assert len(preview.items) == min(6, preview.history)
    assert all(item.cut > 0 for item in preview.items)
    assert preview.target.id in planted.item_ids
    users = {preview_sequence(small_spec("sasrec"), planted, number).user for number in range(6)}
    assert len(users) == 6


def test_long_sequences_show_their_end(tmp_path: Path) -> None:
    rows = [(user, f"i{time}", time) for user in "abc" for time in range(80)]
    version = write_version(tmp_path, rows)
    preview = preview_sequence(small_spec("sasrec", {"method.window": 70}), version, 0)
    assert (preview.history, len(preview.items), len(preview.tokens)) == (79, 70, 70)
    assert (len(preview.masks[0].rows), preview.masks[0].hidden) == (MOST_SEEN, 70 - MOST_SEEN)


def test_a_window_that_does_not_fit_is_said(planted: Version, checkpoint: Callable[[str], Path]) -> None:
    settings = {"method.mask": "union", "method.backbone": str(checkpoint("bert")), "method.text.instruction": "word " * 300}
    with pytest.raises(UserError, match="need"):
        preview_sequence(small_spec("darec", settings), planted, 0)
