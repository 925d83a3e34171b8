import pytest

from engine.errors import UserError
from engine.presets import get_preset
from engine.spec import RunSpec
from engine.study.ablations import ablation_study, ablations_of

ALONE = ["causal", "no-injection", "not-joint", "no-long-term", "no-adapters", "random-backbone"]
CONTROLS = ["ids-only", "ensemble", "sasrec"]


def darec(**settings: object) -> RunSpec:
    return get_preset("darec-nano").spec(
        {
            "method.mask": "union",
            "method.architecture": "lora/attention/4",
            "method.injection.kind": "sasrec",
            "method.injection.joint": True,
            "method.injection.long_term": True,
            "method.random_backbone": False,
            "method.text.content": "text",
            "method.tasks.next_title": 0,
            "method.tasks.item_grounding": 0,
            **settings,
        }
    )


def names(spec: RunSpec) -> list[str]:
    return [variant.name for variant in ablations_of(spec)]


def test_darec_has_all_ablations_and_controls_of_the_method() -> None:
    assert set(names(darec())) == {"base", *ALONE, "uniform", "next-title", "item-grounding", *CONTROLS}


def test_each_ablation_changes_what_it_says() -> None:
    base = darec()
    specs = {variant.name: variant.applied(base).model_dump(mode="json")["method"] for variant in ablations_of(base)}
    assert specs["causal"]["mask"] == "causal"
    assert specs["no-injection"]["injection"]["kind"] == "none"
    assert specs["not-joint"]["injection"]["joint"] is False
    assert specs["no-long-term"]["injection"]["long_term"] is False
    assert {choice["kind"] for choice in specs["no-adapters"]["architecture"]} == {"none"}
    assert [(choice["kind"], choice["target"], choice["rank"]) for choice in specs["uniform"]["architecture"]] == [
        ("lora", "both", 8)
    ]
    assert specs["random-backbone"]["random_backbone"] is True
    assert specs["ids-only"]["text"]["content"] == "ids"
    assert specs["next-title"]["tasks"] == {**specs["base"]["tasks"], "next_title": 0.1}
    assert specs["item-grounding"]["tasks"] == {**specs["base"]["tasks"], "item_grounding": 0.1}


def test_controls_have_the_shape_and_the_training_of_the_base() -> None:
    base = darec(**{"method.injection.sasrec.dimensions": 48, "training.minutes": 3})
    controls = {variant.name: variant.applied(base) for variant in ablations_of(base) if variant.name in CONTROLS}
    for name in ("ensemble", "sasrec"):
        values = controls[name].method.model_dump()
        assert (values["id"], values["dimensions"]) == ("sasrec", 48)
        assert controls[name].training == base.training
        assert controls[name].preset is None
    assert controls["ensemble"].method.model_dump()["members"] == 2
    assert controls["sasrec"].method.model_dump()["members"] == 1


def test_what_equals_the_base_is_left_out() -> None:
    assert "uniform" not in names(darec(**{"method.architecture": "lora/both/8"}))
    four = ", ".join(["lora/both/8"] * 4)
    assert "uniform" not in names(darec(**{"method.architecture": four}))
    assert "causal" not in names(darec(**{"method.mask": "causal"}))
    without = names(darec(**{"method.injection.kind": "none", "method.injection.long_term": False}))
    assert not {"no-injection", "not-joint", "no-long-term"} & set(without)


def test_tasks_that_are_on_are_switched_off() -> None:
    base = darec(**{"method.tasks.next_title": 0.3, "method.tasks.item_grounding": 0.2})
    chosen = [variant for variant in ablations_of(base) if variant.name not in CONTROLS]
    specs = {variant.name: variant.applied(base).model_dump()["method"]["tasks"] for variant in chosen}
    assert (specs["next-title"]["next_title"], specs["next-title"]["item_grounding"]) == (0, 0.2)
    assert (specs["item-grounding"]["next_title"], specs["item-grounding"]["item_grounding"]) == (0.3, 0)
    assert (specs["next-item-alone"]["next_title"], specs["next-item-alone"]["item_grounding"]) == (0, 0)


def test_only_some() -> None:
    study = ablation_study(darec(), (0, 1), ["causal", "sasrec"])
    assert [member.label for member in study.members] == ["base", "causal", "sasrec"]
    assert study.seeds == (0, 1)
    with pytest.raises(UserError, match="no such ablation"):
        ablation_study(darec(), (0,), ["casual"])


def test_methods_without_ablations() -> None:
    with pytest.raises(UserError, match="popularity has no ablations"):
        ablations_of(get_preset("popularity").spec())
