"""The register of adapter kinds. No torch here: a kind's PEFT config is built by ``engine.adapters.compile``."""

from dataclasses import dataclass

from engine.registry import Registry


@dataclass(frozen=True)
class AdapterKind:
    """What is known of an adapter kind without PEFT.

    Attributes:
        title: name as people write it.
        sentence: what it does, in one sentence.
    """

    name: str
    title: str
    sentence: str


ADAPTER_KINDS: Registry[AdapterKind] = Registry("adapter kind")


def register_adapter_kind(kind: AdapterKind) -> None:
    """Make ``kind`` known to specs, forms and layer maps."""
    ADAPTER_KINDS.register(kind.name, kind)


register_adapter_kind(AdapterKind("none", "none", "the layer stays as the backbone has it"))
register_adapter_kind(AdapterKind("lora", "LoRA", "a low-rank update added to a linear map (arXiv 2106.09685)"))
