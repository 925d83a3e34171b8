"""The tuning for the table of record: as many configurations and minutes for each method, DARec too, on one seed.

    python -m tests.benchmarks.tuning ml-100k > tune.yaml
    python -m engine study --data DATA --spec tune.yaml --out runs/tune --jobs 2

Choose by validation alone. Minutes are processor time, so that other work on the machine takes from no method. The larger sets
are tuned on a share of their users, see ``tests.benchmarks.sample``.
"""

import json
import sys
from typing import Any, NamedTuple

Settings = dict[str, Any]


class Setting(NamedTuple):
    """What hangs on the data: minutes of each configuration, longest window, batch, sampled items (0: all), preset."""

    minutes: float
    window: int
    batch: int
    samples: int
    darec: str


DATA = {
    "ml-100k": Setting(1.5, 50, 32, 0, "darec-nano"),
    "amazon-beauty-2014": Setting(1.5, 20, 64, 1024, "darec-minilm"),
    "online-retail": Setting(1.5, 50, 32, 1024, "darec-minilm"),
}


def tuning_study(data: str) -> dict[str, Any]:
    """The study of the data set called ``data``, as a study file holds it."""
    chosen = DATA[data]
    variants = [
        {"label": f"{preset}-{letter}", "preset": preset, "set": settings}
        for preset, configurations in _configurations(chosen).items()
        for letter, settings in zip("abc", configurations, strict=True)
    ]
    common = {"training.threads": 1, "training.clock": "processor", "training.minutes": chosen.minutes}
    return {"seeds": [0], "set": common, "variants": variants}


def _configurations(data: Setting) -> dict[str, list[Settings]]:
    windows: Settings = {"method.window": data.window, "training.batch_size": data.batch}
    full = {**windows, **({"method.softmax": "sampled", "method.samples": data.samples} if data.samples else {})}
    dropped = {"method.embedding_dropout": 0.5, "method.hidden_dropout": 0.5}
    units = {"method.dropout": 0.5, "method.unit_dropout": 0.5}
    regular = {"method.dropout": 0.5, "training.weight_decay": 0.05}
    heads = {"method.attention_dimensions": 64, "method.value_dimensions": 64}
    wide = {"method.dimensions": 128, "method.dropout": 0.5}
    first = {"method.norm": "first", "method.mask_probability": 0.4}
    alone = _darec(data)
    hstu = {**alone, "method.injection.kind": "hstu"}
    from_start = {**alone, "method.injection.share_of_time": 0}
    return {
        data.darec: [alone, hstu, from_start],
        "sasrec": [
            {**full, "method.dropout": 0.3},
            {**full, **regular},
            {**full, **wide},
        ],
        "gru4rec": [full, {**full, **dropped}, {**full, **dropped, "method.dimensions": 128, "method.hidden": 256}],
        "hstu": [
            full,
            {**full, **units},
            {**full, **units, **wide, **heads},
        ],
        "bert4rec": [full, {**full, **first}, {**full, **first, "training.learning_rate": 0.002}],
        "sasrec-gbce": [windows, {**windows, "method.calibration": 0.5}, {**windows, "method.negatives": 64}],
        "lightgcn": [{}, {"method.regularization": 0.001}, {"training.learning_rate": 0.003, "method.half_life": 1.5}],
        "bpr-mf": [{}, {"method.regularization": 0.1}, {"method.half_life": 1.5}],
        "markov": [
            {},
            {"method.reach_decay": 0.9, "method.votes": 20},
            {"method.reach": 1, "method.votes": 1, "method.smoothing": 5},
        ],
        "item-knn": [{}, {"method.neighbours": 200, "method.recency": 0.8}, {"method.neighbours": 500, "method.shrinkage": 10}],
    }


def _darec(data: Setting) -> Settings:
    windows: Settings = {f"method.injection.{kind}.window": data.window for kind in ("sasrec", "hstu", "gru4rec")}
    softmax = {"method.loss.softmax": "sampled", "method.loss.samples": data.samples} if data.samples else {}
    texts = {"method.text.window": data.window, "method.text.attributes": "categories"}
    return {**windows, **softmax, **texts, "training.batch_size": data.batch}


def study_file(study: dict[str, Any]) -> str:
    """The text of a study file. JSON is YAML too, and writes out what several configurations share: aliases are not read."""
    return json.dumps(study, indent=1)


if __name__ == "__main__":
    if sys.argv[1:] not in [[name] for name in DATA]:
        sys.exit(f"Name one of: {', '.join(DATA)}.")
    print(study_file(tuning_study(sys.argv[1])))
