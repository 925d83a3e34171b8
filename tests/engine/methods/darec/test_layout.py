import polars as pl
import pytest
import torch

from engine.errors import UserError
from engine.methods.darec.layout import MARKER, NOTHING, item_texts, lay_out, token_table

CPU = torch.device("cpu")


def test_a_batch_by_hand() -> None:
    table = token_table([[10, 11], [12], []], CPU)
    assert table.tolist() == [[10, 11, MARKER], [12, MARKER, NOTHING], [MARKER, NOTHING, NOTHING], [NOTHING] * 3]
    layout = lay_out(torch.tensor([[1, 0, 2], [0, 3, 3]]), table, [7, 8], 0)
    assert layout.ids.tolist() == [[7, 8, 12, 0, 10, 11, 0, 0], [7, 8, 10, 11, 0, 0, 0, 0]]
    assert layout.blocks.tolist() == [[-1, -1, 0, 0, 1, 1, 1, 2], [-1, -1, 0, 0, 0, -1, -1, -1]]
    assert layout.rows.tolist() == [0, 0, 0, 1]
    assert layout.items.tolist() == [0, 1, 2, 0]
    assert layout.columns.tolist() == [3, 6, 7, 4]
    assert layout.tokens.places.tolist() == [0, 1, 0, 1, 2, 0, 0, 1, 2]
    softened = lay_out(torch.tensor([[1, 0, 2], [0, 3, 3]]), table, [7, 8], 1)
    assert softened.ids[:, :4].tolist() == [[7, 8, 0, 12], [7, 8, 0, 10]]
    assert softened.columns.tolist() == [4, 7, 8, 5]
    assert softened.blocks[:, 2].tolist() == [-1, -1]


def test_texts_join_title_and_chosen_columns() -> None:
    items = pl.DataFrame(
        {"index": [0, 1], "id": ["a", "b"], "title": ["One", "Two"], "categories": [["x", "y"], []], "description": ["d", None]}
    )
    assert item_texts(items, []) == ["One", "Two"]
    assert item_texts(items, ["categories", "description"]) == ["One | x, y | d", "Two"]
    with pytest.raises(UserError, match=r"no column 'colour'.*categories, description"):
        item_texts(items, ["colour"])
