"""The model card of adapters: ``README.md`` with the front matter that the Hugging Face hub reads."""

from collections.abc import Sequence
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
_SEVERAL = """    from peft import PeftConfig, inject_adapter_in_model, load_peft_weights, set_peft_model_state_dict
    from transformers import AutoModel
    model = AutoModel.from_pretrained("{base}")
    for part in {parts}:
        inject_adapter_in_model(PeftConfig.from_pretrained(part), model)
        set_peft_model_state_dict(model, load_peft_weights(part, device="cpu"))
"""


def write_card(folder: Path, backbone: str, result: Result, parts: Sequence[str] = ()) -> None:
    """Write the card beside the adapters in ``folder``, in place of what PEFT wrote there.

    Args:
        backbone: as in the spec: ``nano``, ``minilm``, hub id or folder.
        parts: names of the adapters in the folder, each with a folder of its own; empty if it holds a single one itself.
    """
    (folder / CARD).write_text(card(folder.name, backbone, result, parts), encoding="utf-8")


def card(folder: str, backbone: str, result: Result, parts: Sequence[str] = ()) -> str:
    """The text of the card; ``parts`` as of ``write_card``."""
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
    within = ", ".join(f'"{folder}/{part}"' for part in parts)
    use = (_SEVERAL if parts else _ALONE).format(base=base, folder=folder, parts=f"[{within}]")
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

{_use_words(several=bool(parts))}

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


def _use_words(*, several: bool) -> str:
    if several:
        # All get PEFT's own name, which stays the active one: no map has two of them.
        return (
            "The layers have adapters of several kinds, and each folder inside is one that PEFT loads. PEFT alone puts them "
            "together, by the three lines of the loop:"
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
