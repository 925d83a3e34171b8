"""Small, quick specs of every method, for the planted version."""

from typing import Any

from engine.methods import METHODS
from engine.presets import get_preset
from engine.spec import RunSpec

PRESETS = {
    "popularity": "popularity",
    "sasrec": "sasrec",
    "darec": "darec-nano",
    "markov": "markov",
    "item-knn": "item-knn",
    "gru4rec": "gru4rec",
    "bert4rec": "bert4rec",
    "hstu": "hstu",
    "bpr-mf": "bpr-mf",
    "lightgcn": "lightgcn",
}
DAREC_SIZES: dict[str, Any] = {
    "method.nano.layers": 2,
    "method.nano.dimensions": 32,
    "method.nano.heads": 2,
    "method.nano.vocabulary": 400,
    "method.nano.warmup_steps": 3,
    "method.text.window": 6,
    "method.text.max_item_tokens": 6,
    "method.injection.sasrec.window": 10,
    "method.injection.sasrec.dimensions": 32,
    "method.injection.sasrec.blocks": 1,
    "method.injection.sasrec.dropout": 0.1,
    "method.injection.hstu.window": 10,
    "method.injection.hstu.dimensions": 32,
    "method.injection.hstu.layers": 1,
    "method.injection.hstu.dropout": 0.1,
    "method.injection.hstu.unit_dropout": 0.1,
}
DAREC_PLAIN: dict[str, Any] = {
    "method.mask": "union",
    "method.text.components": 0,
    "method.text_scale": 0.02,
    "method.text_match": 0,
    "method.marker_dropout": 0,
    "method.head_dropout": 0,
    "method.injection.share_of_time": 0.35,
    "method.blend.fit": False,  # counted models would learn the planted pattern in its place
    "training.weight_decay": 0,
}
"""The plain reading, so that the parts that the preset adds can be switched on one by one."""
SMALL: dict[str, dict[str, Any]] = {
    "popularity": {},
    "sasrec": {"method.window": 10, "method.dimensions": 32, "method.blocks": 1, "method.dropout": 0.1},
    "markov": {},
    "item-knn": {},
    "gru4rec": {"method.window": 10, "method.dimensions": 32, "method.hidden": 32, "method.hidden_dropout": 0.1},
    "bert4rec": {
        "training.batch_size": 16,  # a masked item is one target, where the others have a window of them
        "method.window": 10,
        "method.dimensions": 32,
        "method.blocks": 1,
        "method.dropout": 0.1,
        "method.norm": "first",
        "method.mask_probability": 0.4,
    },
    "hstu": {"method.window": 10, "method.dimensions": 32, "method.layers": 1, "method.unit_dropout": 0.1},
    "bpr-mf": {"method.dimensions": 32},
    "lightgcn": {"method.dimensions": 32, "method.layers": 2},
    "darec": {**DAREC_SIZES, **DAREC_PLAIN},
}
COMMON = {"training.epochs": 2, "training.threads": 1, "training.batch_size": 64, "training.warmup_steps": 5}


def small_spec(method: str, settings: dict[str, Any] | None = None) -> RunSpec:
    """A spec that trains in a second or two."""
    return get_preset(PRESETS[method]).spec({**COMMON, **SMALL[method], **(settings or {})})


def preset_darec(settings: dict[str, Any] | None = None) -> RunSpec:
    """DARec as its preset has it, but small."""
    return get_preset(PRESETS["darec"]).spec({**COMMON, **DAREC_SIZES, **(settings or {})})


assert set(PRESETS) == set(METHODS.names()), "a new method joins the behaviour suite by a line in PRESETS and SMALL"
COUNTED = ["popularity", "markov", "item-knn"]
"""Methods without gradients."""
TRAINED = [method for method in PRESETS if method not in COUNTED]
