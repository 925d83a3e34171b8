import pytest

from engine.errors import UserError
from engine.presets import get_preset
from engine.spec import RunSpec
from engine.study.ablations import ablation_study, ablations_of

ALONE = ["causal", "no-injection", "not-joint", "no-long-term", "no-adapters", "random-backbone"]
BLENDED = ["not-blended", "no-counts", "sasrec-blended"]
CONTROLS = ["ids-only", "ensemble", "sasrec", *BLENDED]


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
            "method.blend.fit": True,
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
    assert specs["not-blended"]["blend"] == {**specs["base"]["blend"], "fit": False}
    assert specs["no-counts"]["blend"] == {**specs["base"]["blend"], "counts": False}
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
    for name in ("ensemble", "sasrec", "sasrec-blended"):
        values = controls[name].method.model_dump()
        assert (values["id"], values["dimensions"]) == ("sasrec", 48)
        assert controls[name].training == base.training
        assert controls[name].preset is None
    assert controls["ensemble"].method.model_dump()["members"] == 2
    assert controls["sasrec"].method.model_dump()["members"] == 1


@pytest.mark.parametrize(
    ("injected", "kind"),
    [("sasrec", "sasrec"), ("hstu", "hstu"), ("gru4rec", "gru4rec"), ("lightgcn", "sasrec"), ("none", "sasrec")],
)
def test_controls_are_of_the_injected_kind(injected: str, kind: str) -> None:
    """Of HSTU, if HSTU is injected; of SASRec else."""
    base = darec(
        **{
            "method.injection.kind": injected,
            f"method.injection.{kind}.dimensions": 48,
            "method.loss.softmax": "sampled",
            "method.loss.samples": 99,
            "method.blend.users": 70,
        }
    )
    specs = {variant.name: variant.applied(base).model_dump()["method"] for variant in ablations_of(base)}
    for name in ("ensemble", kind, f"{kind}-blended"):
        control = specs[name]
        assert (control["id"], control["dimensions"], control["softmax"], control["samples"]) == (kind, 48, "sampled", 99)
    assert specs["ensemble"]["members"] == 2
    assert specs["ensemble"]["blend"] == specs[f"{kind}-blended"]["blend"] == specs["base"]["blend"]
    assert specs[f"{kind}-blended"]["members"] == 1
    assert specs[kind]["blend"]["fit"] is False


def test_without_a_blend_nothing_is_blended() -> None:
    base = darec(**{"method.blend.fit": False})
    assert set(names(base)) == {"base", *ALONE, "uniform", "next-title", "item-grounding", "ids-only", "ensemble", "sasrec"}
    ensemble = next(variant for variant in ablations_of(base) if variant.name == "ensemble").applied(base)
    assert ensemble.method.model_dump()["blend"]["fit"] is False


@pytest.mark.parametrize(("share", "wanted"), [(0, 0.35), (0.2, 0.2)])
def test_a_cf_model_that_is_not_joint_gets_time_alone(share: float, wanted: float) -> None:
    base = darec(**{"method.injection.share_of_time": share})
    changed = next(variant for variant in ablations_of(base) if variant.name == "not-joint").applied(base)
    assert changed.method.model_dump()["injection"]["share_of_time"] == wanted


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
