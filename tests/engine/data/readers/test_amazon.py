import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.read import read_raw
from engine.data.readers import READERS
from engine.errors import DataError

REVIEW = {
    "reviewerID": "A1",
    "asin": "B1",
    "overall": 4.0,
    "unixReviewTime": 1_600_000_000,
    "reviewText": 'x "y" \n z',
    "vote": "2",
}
NEW = {"user_id": "A1", "parent_asin": "P1", "asin": "B1", "rating": 4.0, "timestamp": 1_600_000_000_123, "images": [{"a": "b"}]}


def write(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(found) + "\n" for found in objects), encoding="utf-8")
    return path


def test_the_old_layouts(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path / "Beauty_5.json", REVIEW, {**REVIEW, "asin": "B2", "overall": 1}))
    assert raw.interactions.rows() == [("A1", "B1", 1_600_000_000, 4.0), ("A1", "B2", 1_600_000_000, 1.0)]


def test_the_new_layout_has_milliseconds_and_parents(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path / "All_Beauty.jsonl", NEW))
    assert raw.interactions.select("user", "item", "timestamp", "fraction").rows() == [("A1", "P1", 1_600_000_000, 123)]
    assert "in milliseconds" in raw.notices[0]


def test_a_bad_review_is_rejected_with_its_line(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path / "Beauty_5.json", REVIEW, {**REVIEW, "asin": ["B2"]}, {**REVIEW, "asin": "B3"}))
    assert raw.interactions["item"].to_list() == ["B1", "B3"]
    assert raw.rejected.select("file", "line", "reason").rows() == [("Beauty_5.json", 2, "`asin` is a list, not one value")]


def test_products_are_found_beside_the_reviews(tmp_path: Path) -> None:
    write(tmp_path / "Beauty_5.json", REVIEW)
    product = {"asin": "B1", "title": "Soap", "category": ["Beauty", "Hair Care"], "description": ["One.", "Two."], "brand": "Z"}
    write(tmp_path / "products.json", {**product, "also_buy": ["x"], "details": {"a": 1}})
    raw = read_raw(tmp_path)
    assert raw.items.rows(named=True) == [
        {"id": "B1", "title": "Soap", "categories": ["Beauty", "Hair Care"], "description": "One. Two.", "brand": "Z"}
    ]
    assert set(raw.sources) == {"Beauty_5.json", "products.json"}


def test_paths_of_categories_are_joined(tmp_path: Path) -> None:
    write(tmp_path / "reviews.json", REVIEW)
    (tmp_path / "meta.json").write_text("{'asin': 'B1', 'categories': [['Beauty', 'Hair'], ['Beauty', 'Skin']], 'price': 1.5}\n")
    assert read_raw(tmp_path).items["categories"].to_list() == [["Beauty", "Hair", "Skin"]]


@pytest.mark.parametrize("names", [("a.json", "b.json"), ("a.json", "b.jsonl")])
def test_two_files_of_reviews_are_ambiguous(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        write(tmp_path / name, REVIEW)
    with pytest.raises(DataError, match="several files of reviews: a"):
        read_raw(tmp_path)


@pytest.mark.parametrize("found", [{"user_id": "u", "item_id": "i"}, {"asin": "B1", "title": "t"}, {}])
def test_other_objects_are_no_reviews(tmp_path: Path, found: dict[str, str]) -> None:
    assert not READERS.get("amazon").recognises(write(tmp_path / "a.jsonl", found))
    assert not READERS.get("amazon").recognises(tmp_path)
