"""The register of adapter kinds. No torch here: a kind's PEFT config is built by ``engine.adapters.configs``."""

from dataclasses import dataclass

from engine.registry import Registry

TARGETS = ("attention", "mlp", "both")
HIGHEST_RANK = 1024


@dataclass(frozen=True)
class AdapterKind:
    """What is known of an adapter kind without PEFT.

    Attributes:
        title: name as people write it.
        sentence: what it does, in one sentence.
        paper: arXiv number, empty for ``none``.
        lowest_rank, highest_rank: ranks that a choice may have, inclusive; a kind without a rank has one value only.
        rank_means: what the rank counts.
        transposed: True if PEFT makes it for maps that store their weights transposed (GPT-2's Conv1D).
        four_bit: True if PEFT makes it for maps whose weights are packed to 4 bits.
        targets: parts of a layer that it can be put on.
    """

    name: str
    title: str
    sentence: str
    paper: str = ""
    lowest_rank: int = 1
    highest_rank: int = HIGHEST_RANK
    rank_means: str = "rank of the update"
    transposed: bool = True
    four_bit: bool = True
    targets: tuple[str, ...] = TARGETS

    @property
    def has_rank(self) -> bool:
        """Whether there is a rank to choose."""
        return self.lowest_rank < self.highest_rank


ADAPTER_KINDS: Registry[AdapterKind] = Registry("adapter kind")


def register_adapter_kind(kind: AdapterKind) -> None:
    """Make ``kind`` known to specs, forms and layer maps."""
    ADAPTER_KINDS.register(kind.name, kind)


register_adapter_kind(
    AdapterKind(
        "none", "none", "the layer stays as the backbone has it", lowest_rank=0, highest_rank=0, rank_means="", targets=("both",)
    )
)
register_adapter_kind(AdapterKind("lora", "LoRA", "a low-rank update added to a linear map (arXiv 2106.09685)", "2106.09685"))
register_adapter_kind(
    AdapterKind(
        "dora", "DoRA", "LoRA on the direction of a map's weights, their size learned apart (arXiv 2402.09353)", "2402.09353"
    )
)
register_adapter_kind(
    AdapterKind(
        "loha",
        "LoHa",
        "an update that is the elementwise product of two low-rank ones (FedPara, arXiv 2108.06098)",
        "2108.06098",
        rank_means="rank of each of the two factors of the update",
        transposed=False,
        four_bit=False,
    )
)
register_adapter_kind(
    AdapterKind(
        "lokr",
        "LoKr",
        "an update that is the Kronecker product of a small matrix and a low-rank one (LyCORIS, arXiv 2309.14859)",
        "2309.14859",
        rank_means="rank of the larger factor of the update",
        transposed=False,
        four_bit=False,
    )
)
register_adapter_kind(
    AdapterKind(
        "oft",
        "OFT",
        "rotates what goes into a linear map, block by block (arXiv 2306.07280)",
        "2306.07280",
        lowest_rank=2,
        rank_means="size of the rotated blocks; must divide the inputs of every map",
        transposed=False,
    )
)
register_adapter_kind(
    AdapterKind(
        "ia3",
        "(IA)³",
        "scales keys, values and the MLP's inner activations by learned vectors (arXiv 2205.05638)",
        "2205.05638",
        lowest_rank=1,
        highest_rank=1,
        rank_means="nothing: it has no rank, 1 stands for that",
    )
)
