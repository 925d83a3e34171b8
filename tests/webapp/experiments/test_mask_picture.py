"""Which token sees which, drawn."""

from django.template.loader import render_to_string

from webapp.experiments.mask_picture import mask_picture

ITEMS = [-1, 0, 0, 1, 1]
LABELS = ["Recommend", "red", "ITEM", '<script>"x"', "ITEM"]
UNION = [[key <= query or (ITEMS[key] == ITEMS[query] >= 0) for key in range(5)] for query in range(5)]


def test_every_seen_pair_is_drawn_once_and_stands_in_the_table() -> None:
    picture = mask_picture(UNION, LABELS, ITEMS)
    cells = sum(int(part.split("h")[1].split("v")[0]) // 18 for _, path in picture["areas"] for part in path.split("M")[1:])
    assert cells == sum(map(sum, UNION)) == 17
    assert [row["sees"] for row in picture["table"]] == ["1", "1-3", "1-3", "1-5", "1-5"]
    assert [row["item"] for row in picture["table"]] == ["", "1", "1", "2", "2"]
    assert "5 tokens of 2 items: 17 of 25 pairs are seen, 2 of them look ahead" in picture["words"]
    assert [kind for kind, _ in picture["keys"]] == ["own", "later", "before"]
    assert len(picture["frames"]) == 2


def test_a_causal_mask_has_nothing_that_looks_ahead() -> None:
    causal = [[key <= query for key in range(5)] for query in range(5)]
    picture = mask_picture(causal, LABELS, ITEMS)
    assert [kind for kind, _ in picture["keys"]] == ["own", "before"]
    assert "0 of them look ahead" in picture["words"]


def test_labels_are_text() -> None:
    html = render_to_string("experiments/parts/mask.html", {"picture": mask_picture(UNION, LABELS, ITEMS), "caption": "<b>"})
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html
    assert "style=" not in html


def test_stretches_with_gaps_are_told_apart() -> None:
    rows = [[True, False, True], [False, True, False], [True, True, True]]
    assert [row["sees"] for row in mask_picture(rows, list("abc"), [0, 1, 2])["table"]] == ["1, 3", "2", "1-3"]
