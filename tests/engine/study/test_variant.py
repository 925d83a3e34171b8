import pytest

from engine.errors import SpecError, UserError
from engine.presets import get_preset
from engine.study.variant import Member, Study, Variant


def member(label: str, preset: str = "sasrec", **settings: object) -> Member:
    return Member(label, "", get_preset(preset).spec(dict(settings)))


def test_a_variant_changes_what_it_names() -> None:
    base = get_preset("sasrec").spec()
    changed = Variant("small", "", {"method.dimensions": 8, "training.patience": 2}).applied(base)
    assert changed.method.model_dump() == {**base.method.model_dump(), "dimensions": 8}
    assert changed.training.patience == 2
    assert Variant("same", "").applied(base) == base
    other = Variant("other", "", {"method": {"id": "popularity"}, "preset": None}).applied(base)
    assert (other.method.id, other.training) == ("popularity", base.training)


def test_a_wrong_setting_names_the_variant() -> None:
    with pytest.raises(SpecError, match=r"small: method\.dimensions: got 1, must be 4 or more"):
        Variant("small", "", {"method.dimensions": 1}).applied(get_preset("sasrec").spec())


def test_runs_go_seed_by_seed() -> None:
    study = Study((member("a"), member("b", "popularity")), (3, 1))
    assert [run.place for run in study.runs()] == ["a/seed-3", "b/seed-3", "a/seed-1", "b/seed-1"]
    assert [run.spec.training.seed for run in study.runs()] == [3, 3, 1, 1]
    assert study.base.label == "a"


@pytest.mark.parametrize(
    ("members", "seeds", "words"),
    [
        ([], (0,), "no variants"),
        ([member("a"), member("a")], (0,), "stands there twice"),
        ([member("../a")], (0,), "cannot name a folder"),
        ([member("A")], (0,), "cannot name a folder"),
        ([member("a")], (), "seeds"),
        ([member("a")], (1, 1), "seeds"),
        ([member("a")], (-1,), "seeds"),
        ([member("a"), member("b", **{"evaluation.seen": "keep"})], (0,), r"b: evaluation\.seen is 'keep', but 'auto' in a"),
        ([member("a"), member("b", **{"filters.core": 3})], (0,), "b: filters is"),
        ([member("a", **{"evaluation.test": False})], (0,), r"a: evaluation\.test is off"),
        ([member("a"), member("b", **{"split.kind": "temporal"})], (0,), "b: split is"),
        ([member("a"), member("b", **{"evaluation.candidates": "imported"})], (0,), r"b: evaluation\.candidates is 'imported'"),
    ],
)
def test_what_cannot_be_a_study(members: list[Member], seeds: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Study(tuple(members), seeds)
