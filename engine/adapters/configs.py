"""From an architecture to PEFT configs: one for each kind (and, where PEFT knows no pattern of ranks, for each rank)."""

import re
from collections.abc import Callable

from peft import IA3Config, LoHaConfig, LoKrConfig, LoraConfig, OFTConfig, PeftConfig

from engine.adapters.choice import LayerChoice
from engine.adapters.maps import SCALED_AT_INPUT, adapted_maps
from engine.backbones.families import Family

ALPHA_PER_RANK = 2
"""The alpha of LoRA and DoRA is this times the rank, so that the size of an update does not depend on the rank."""

LYCORIS_ALPHA_PER_RANK = 1
"""The same for LoHa and LoKr, whose updates are products and have this scale by default."""

ALONE = "default"
"""The name of an adapter that is the only one of its model: PEFT's own, so that PEFT alone loads it."""

Ranks = dict[str, int]


def adapter_configs(family: Family, choices: list[LayerChoice]) -> dict[str, PeftConfig]:
    """One config an adapter, by adapter name, every map named in full; empty if no layer has an adapter."""
    groups: dict[str, Ranks] = {}
    kinds: dict[str, str] = {}
    for layer, choice in enumerate(choices):
        name = f"{choice.kind}-{choice.rank}" if choice.kind == "oft" else choice.kind
        for path in adapted_maps(choice.kind, family, choice.target):
            groups.setdefault(name, {})[f"{family.layers}.{layer}.{path}"] = choice.rank
            kinds[name] = choice.kind
    configs = {name: _CONFIGS[kinds[name]](family, ranks) for name, ranks in groups.items()}
    return {ALONE: next(iter(configs.values()))} if len(configs) == 1 else configs


def _any_of(names: list[str]) -> str:
    """A regular expression for just these names: unescaped, or without its ends, ``layers.1`` would be ``layers.10`` too."""
    return "|".join(f"({re.escape(name)})" for name in names)


def _lora(family: Family, ranks: Ranks, *, dora: bool = False) -> PeftConfig:
    first = next(iter(ranks.values()))
    return LoraConfig(
        r=first,
        lora_alpha=ALPHA_PER_RANK * first,
        target_modules=_any_of(list(ranks)),
        rank_pattern={re.escape(name): rank for name, rank in ranks.items()},
        alpha_pattern={re.escape(name): ALPHA_PER_RANK * rank for name, rank in ranks.items()},
        fan_in_fan_out=family.transposed,
        use_dora=dora,
    )


def _dora(family: Family, ranks: Ranks) -> PeftConfig:
    return _lora(family, ranks, dora=True)


def _lycoris(config: type[LoHaConfig] | type[LoKrConfig], ranks: Ranks) -> PeftConfig:
    first = next(iter(ranks.values()))
    return config(
        r=first,
        alpha=LYCORIS_ALPHA_PER_RANK * first,
        target_modules=_any_of(list(ranks)),
        rank_pattern={re.escape(name): rank for name, rank in ranks.items()},
        alpha_pattern={re.escape(name): LYCORIS_ALPHA_PER_RANK * rank for name, rank in ranks.items()},
    )


def _loha(family: Family, ranks: Ranks) -> PeftConfig:
    return _lycoris(LoHaConfig, ranks)


def _lokr(family: Family, ranks: Ranks) -> PeftConfig:
    return _lycoris(LoKrConfig, ranks)


def _oft(family: Family, ranks: Ranks) -> PeftConfig:
    return OFTConfig(r=0, oft_block_size=next(iter(ranks.values())), target_modules=_any_of(list(ranks)))


def _ia3(family: Family, ranks: Ranks) -> PeftConfig:
    inputs = [name for name in ranks if name.endswith(tuple(f".{path}" for path in SCALED_AT_INPUT))]
    return IA3Config(
        target_modules=_any_of(list(ranks)),
        feedforward_modules=_any_of(inputs) if inputs else [],
        fan_in_fan_out=family.transposed,
    )


_CONFIGS: dict[str, Callable[[Family, Ranks], PeftConfig]] = {
    "lora": _lora,
    "dora": _dora,
    "loha": _loha,
    "lokr": _lokr,
    "oft": _oft,
    "ia3": _ia3,
}
