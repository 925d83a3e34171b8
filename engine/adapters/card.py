"""The model card of adapters: ``README.md`` with the front matter that the Hugging Face hub reads."""

from pathlib import Path

import yaml

from engine.adapters.names import PUBLISHED, public_name
from engine.result import LayerAdapter, Protocol, Result

CARD = "README.md"
LICENCES = {"minilm": "apache-2.0"}
"""Of base models that are known; what is made from the catalogue's own text has the terms of the data."""

_ALONE = """    from peft import PeftModel
    from transformers import AutoModel
    model = PeftModel.from_pretrained(AutoModel.from_pretrained("{base}"), "{folder}")
"""
_SEVERAL = """    from engine.backbones.huggingface import load_backbone
    backbone = load_backbone("{name}", Path("{base}"), torch.device("cpu"))
    adapted = load_adapters(backbone, Path("{folder}"))
    model = backbone.model
"""
_IMPORTS = """    import torch
    from pathlib import Path
    from engine.adapters.folder import load_adapters
"""


def write_card(folder: Path, backbone: str, result: Result, *, several: bool) -> None:
    """Write the card beside the adapters in ``folder``, in place of what PEFT wrote there.

    Args:
        backbone: as in the spec: ``nano``, ``minilm``, hub id or folder.
        several: whether the folder holds adapters of several kinds, which PEFT alone cannot put together.
    """
    (folder / CARD).write_text(card(folder.name, backbone, result, several=several), encoding="utf-8")


def card(folder: str, backbone: str, result: Result, *, several: bool) -> str:
    """The text of the card."""
    name = public_name(backbone)
    head = {
        "library_name": "peft",
        "base_model": name,
        "license": LICENCES.get(backbone, "other"),
        **({} if backbone in LICENCES else {"license_name": "terms-of-the-base-model-and-the-data"}),
        "tags": ["recommendation", "sequential-recommendation", *sorted({layer.kind for layer in _adapted(result)})],
        "metrics": sorted(result.test or result.valid),
    }
    base = "backbone" if backbone == "nano" else name
    use = (_IMPORTS + _SEVERAL if several else _ALONE).format(base=base, folder=folder, name=name)
    return f"""---
{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---

# Adapters of a {result.method} recommender on {name}

{len(_adapted(result))} of {len(result.architecture)} layers of the frozen base model carry an adapter, trained to rank
the next item of a user's history. They are the language model's part of the recommender
only: item vectors, the collaborative model and the head are in `model.safetensors` beside this folder, and the recommender as a
whole answers by `python -m engine recommend`.
{_base_words(backbone)}

| layer | kind | part | rank | parameters |
|---|---|---|---|---|
{_rows(result.architecture)}

## Use

{_use_words(several)}

{use}
## Figures

{_figures(result)}

{_protocol(result.protocol)}
The recommender as a whole was measured, not the adapters alone.

## Licence

{_licence(backbone)}
"""


def _adapted(result: Result) -> list[LayerAdapter]:
    return [layer for layer in result.architecture if layer.parameters]


def _base_words(backbone: str) -> str:
    if backbone == "nano":
        return "The base model is `nano`, made from the catalogue's own text: the folder `backbone` of the run holds it."
    return f"The base model is `{public_name(backbone)}`" + (", taken from a package." if backbone in PUBLISHED else ".")


def _rows(layers: list[LayerAdapter]) -> str:
    return "\n".join(
        f"| {layer.layer} | {layer.kind} | {layer.target} | {layer.rank} | {layer.parameters:,} |"
        if layer.parameters
        else f"| {layer.layer} | none | | | 0 |"
        for layer in layers
    )


def _use_words(several: bool) -> str:
    if several:
        return (
            "The layers have adapters of several kinds. Each folder inside is one that PEFT loads by itself; together they need "
            "this project, three lines after its imports:"
        )
    return "PEFT alone loads them:"


def _figures(result: Result) -> str:
    part, values = ("Test", result.test) if result.test else ("Validation", result.valid)
    ends = result.intervals.get(part.lower().replace("validation", "valid"), {})
    lines = [
        f"{part}, means over {result.users_evaluated:,} users:",
        "",
        "| metric | value | 95 % interval over users |",
        "|---|---|---|",
    ]
    for name, value in sorted(values.items()):
        interval = f"{ends[name][0]:.4f} to {ends[name][1]:.4f}" if name in ends else ""
        lines.append(f"| {name} | {value:.4f} | {interval} |")
    return "\n".join(lines)


def _protocol(protocol: Protocol) -> str:
    ranked = "against the full catalogue" if protocol.candidates == "full" else "among imported candidates"
    seen = "left out" if protocol.seen == "remove" else "kept"
    return (
        f"Protocol: {protocol.split}, each target ranked {ranked} of {protocol.catalogue:,} items, seen items {seen}, "
        f"ties {protocol.ties}; data {protocol.version[:12]}, split {protocol.split_hash[:12]}."
    )


def _licence(backbone: str) -> str:
    if backbone in LICENCES:
        return (
            f"The base model is under {LICENCES[backbone]}. The terms of the data that the adapters were trained on hold as well."
        )
    return "The terms of the base model, and of the data that the adapters were trained on, hold for them."
