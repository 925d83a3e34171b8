"""The ablations and controls of each method (method.md section 2.6), each a few settings away from its spec. No torch here."""

from collections.abc import Callable

from engine.adapters.choice import LayerChoice
from engine.errors import UserError
from engine.methods.darec.spec import DarecSpec
from engine.registry import Registry
from engine.spec import RunSpec
from engine.study.variant import Member, Study, Variant

BASE = Variant("base", "as it is")
TASK_WEIGHT = 0.1
"""Weight of a further task where an ablation adds it."""
ALONE_SHARE = 0.35
"""Part of the time that a CF model which is not trained jointly gets alone, where the base gives it none."""

_NETWORKS = {"sasrec": "SASRec", "hstu": "HSTU", "gru4rec": "GRU4Rec"}
"""CF models that are methods of their own too, which may be ensembles."""

Ablations = Callable[[RunSpec], list[Variant]]
_BY_METHOD: Registry[Ablations] = Registry("method with ablations")


def register_ablations(method: str, ablations: Ablations) -> None:
    """Make ``ablations`` the variants, without the base, of specs whose method has the id ``method``."""
    _BY_METHOD.register(method, ablations)


def has_ablations(method: str) -> bool:
    """Whether the method with this id has any."""
    return method in _BY_METHOD


def ablations_of(spec: RunSpec) -> list[Variant]:
    """The base and the variants of ``spec``. A variant equal to the base, or to one before it, is left out.

    Raises:
        UserError: the method has none.
    """
    if not has_ablations(spec.method.id):
        raise UserError(
            f"{spec.method.id} has no ablations.", f"Methods that have: {', '.join(_BY_METHOD.names())}. Or write a study file."
        )
    variants, seen = [BASE], [spec]
    for variant in _BY_METHOD.get(spec.method.id)(spec):
        changed = variant.applied(spec)
        if changed not in seen:
            variants.append(variant)
            seen.append(changed)
    return variants


def ablation_study(spec: RunSpec, seeds: tuple[int, ...], only: list[str] | None = None) -> Study:
    """The study of ``spec`` against its ablations, or ``only`` those named; raises UserError for an unknown name."""
    variants = ablations_of(spec)
    names = [variant.name for variant in variants]
    for name in only or ():
        if name not in names:
            raise UserError(f"--only {name}: there is no such ablation of this spec.", f"There are: {', '.join(names)}.")
    chosen = [variant for variant in variants if only is None or variant.name in (*only, BASE.name)]
    return Study(tuple(Member(variant.name, variant.sentence, variant.applied(spec)) for variant in chosen), seeds)


def _darec(spec: RunSpec) -> list[Variant]:
    assert isinstance(spec.method, DarecSpec)  # noqa: S101 - registered under its id
    return [*_parts(spec.method), *_tasks(spec.method), *_controls(spec)]


def _parts(method: DarecSpec) -> list[Variant]:
    variants = [Variant("causal", "no context mask: tokens see earlier tokens only", {"method.mask": "causal"})]
    if method.injection.kind != "none":
        variants += [
            Variant(
                "no-injection",
                "no collaborative model: neither injected vectors nor the residual state in the head",
                {"method.injection.kind": "none"},
            ),
            Variant(
                "not-joint",
                "the collaborative model stays as it was trained alone",
                {
                    "method.injection.joint": False,
                    "method.injection.share_of_time": method.injection.share_of_time or ALONE_SHARE,
                },
            ),
            Variant(
                "no-long-term",
                "no token for what happened before the window",
                {"method.injection.long_term": False},
            ),
        ]
    variants.append(Variant("no-adapters", "the backbone stays frozen, without adapters", {"method.architecture": "none"}))
    if set(method.architecture) != {LayerChoice()}:
        variants.append(Variant("uniform", f"{LayerChoice()} in every layer", {"method.architecture": str(LayerChoice())}))
    variants.append(
        Variant("random-backbone", "the backbone's weights are random, not learned", {"method.random_backbone": True})
    )
    return variants


def _tasks(method: DarecSpec) -> list[Variant]:
    """Next-item ranking alone, and each further task switched: only next-item ranking trains the head that is evaluated."""
    titles = {"next_title": "generating the next title", "item_grounding": "finding an item by its text"}
    alone = {f"method.tasks.{task}": 0 for task in titles}
    variants = []
    for task, words in titles.items():
        weight = getattr(method.tasks, task)
        sentence = f"without {words}" if weight else f"with {words} as a further task, weight {TASK_WEIGHT:g}"
        value = 0 if weight else TASK_WEIGHT
        variants.append(Variant(task.replace("_", "-"), sentence, {f"method.tasks.{task}": value}))
    return [*variants, Variant("next-item-alone", "no task but ranking the next item", alone)]


def _controls(spec: RunSpec) -> list[Variant]:
    assert isinstance(spec.method, DarecSpec)  # noqa: S101 - its caller saw to it
    method = spec.method
    kind = method.injection.kind if method.injection.kind in _NETWORKS else "sasrec"
    softmax = method.loss.model_dump(mode="json")
    alone = {"id": kind, **softmax, **getattr(method.injection, kind).model_dump(mode="json")}
    blended = {**alone, "blend": method.blend.model_dump(mode="json")}
    name = _NETWORKS[kind]
    variants = [
        Variant("ids-only", "item numbers in place of texts: what is the text worth?", {"method.text.content": "ids"}),
        Variant(
            "ensemble",
            f"two {name}s of the injected one's shape, scores added, or blended as here: "
            "does a second model of any kind do as well?",
            {"method": {**blended, "members": 2}, "preset": None},
        ),
        Variant(kind, f"one {name} of the injected one's shape, alone", {"method": alone, "preset": None}),
    ]
    if method.blend.fit:
        variants += [
            Variant("not-blended", "the score as it was trained, without weights from validation", {"method.blend.fit": False}),
            Variant("no-counts", "no counted models in the blend", {"method.blend.counts": False}),
            Variant(
                f"{kind}-blended",
                f"one {name} blended with the same counted models: what is the backbone worth?",
                {"method": blended, "preset": None},
            ),
        ]
    return variants


register_ablations("darec", _darec)
