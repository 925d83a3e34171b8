from pathlib import Path

import polars as pl
import pytest

from engine.data.prepare import prepare
from engine.data.profile import profile_version
from engine.data.profile.model import TextProfile
from engine.data.read import read_raw
from engine.spec import FilterSpec
from tests.engine.data.builders import write_folder

LOG = "user_id,item_id,timestamp\na,1,10\na,2,20\nb,1,30\nb,4,40\n"
ITEMS = (
    "item_id,title,categories,description,brand\n"
    '1,"Toy Story (1995)",Children|Comedy,Toys.,Pixar\n'
    "2,Heat,Crime,,\n"
    "3,Heat,Crime|Comedy,,Warner\n"
)


@pytest.fixture
def texts(tmp_path: Path) -> TextProfile:
    raw = read_raw(write_folder(tmp_path / "raw", LOG, ITEMS))
    return profile_version(prepare(raw, FilterSpec(core=0), tmp_path / "version")).texts


def test_how_much_of_the_catalogue_has_text(texts: TextProfile) -> None:
    """Four items: the log alone names item 4, whose id stands in for a title."""
    assert (texts.with_title, texts.with_title_share, texts.distinct_titles) == (3, 0.75, 2)
    assert (texts.with_categories_share, texts.with_description_share) == (0.75, 0.25)
    assert texts.further_columns == {"brand": 0.5}


def test_titles_are_measured_in_tokens_and_characters(texts: TextProfile) -> None:
    """Toy, Story, (, 1995, )."""
    assert texts.title_tokens is not None
    assert texts.title_characters is not None
    assert (texts.title_tokens.quantiles.minimum, texts.title_tokens.quantiles.maximum) == (1, 5)
    assert (texts.title_characters.quantiles.minimum, texts.title_characters.quantiles.maximum) == (4, 16)
    assert sum(bin.count for bin in texts.title_tokens.histogram) == 3


def test_categories_are_counted_by_items_then_interactions(texts: TextProfile) -> None:
    assert texts.categories == 3
    found = [(category.name, category.items, category.interactions) for category in texts.top_categories]
    assert found == [("Comedy", 2, 2), ("Crime", 2, 1), ("Children", 1, 2)]


def test_a_catalogue_of_bare_ids_has_no_text(tmp_path: Path) -> None:
    raw = read_raw(write_folder(tmp_path / "raw", LOG))
    texts = profile_version(prepare(raw, FilterSpec(core=0), tmp_path / "version")).texts
    assert (texts.with_title, texts.title_tokens, texts.title_characters, texts.categories) == (0, None, None, 0)
    assert texts.with_title_share == texts.with_categories_share == texts.with_description_share == 0


def test_only_the_twenty_largest_categories_are_listed(tmp_path: Path) -> None:
    items = pl.DataFrame({"item_id": ["1"], "title": ["One"], "categories": ["|".join(f"c{number:02}" for number in range(30))]})
    raw = read_raw(write_folder(tmp_path / "raw", LOG, items.write_csv()))
    texts = profile_version(prepare(raw, FilterSpec(core=0), tmp_path / "version")).texts
    assert texts.categories == 30
    assert [category.name for category in texts.top_categories] == [f"c{number:02}" for number in range(20)]
