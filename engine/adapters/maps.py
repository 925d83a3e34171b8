"""Which linear maps of a layer a choice adapts. No torch here."""

from engine.backbones.families import Family
from engine.errors import UserError

KEYS_AND_VALUES = frozenset(
    {"self_attn.k_proj", "self_attn.v_proj", "attn.c_attn", "attention.self.key", "attention.self.value"},
)
"""Maps whose output (IA)³ scales: keys and values (arXiv 2205.05638, section 3.3). GPT-2 has them in one map with the queries."""

SCALED_AT_INPUT = frozenset({"mlp.down_proj", "mlp.c_proj", "output.dense"})
"""Maps whose input (IA)³ scales: the MLP's inner activations enter there."""


def adapted_maps(kind: str, family: Family, target: str) -> list[str]:
    """Paths, below one layer, of the maps that ``kind`` adapts on ``target`` (attention, mlp or both).

    All maps of the target; with ``ia3`` the keys, the values and the map behind the MLP's activation only.

    Raises UserError for ``ia3`` on a family of which it is not known where those are.
    """
    chosen = {"attention": family.attention, "mlp": family.mlp, "both": family.attention + family.mlp}[target]
    if kind == "none":
        return []
    if kind != "ia3":
        return list(chosen)
    for part, names in (("attention", KEYS_AND_VALUES), ("mlp", SCALED_AT_INPUT)):
        if target in (part, "both") and not names & set(getattr(family, part)):
            raise UserError(
                f"method.architecture: ia3/{target} is not possible here: it is not known which of {list(getattr(family, part))} "
                "it belongs on.",
                "Choose another kind for this backbone.",
            )
    return [name for name in chosen if name in KEYS_AND_VALUES | SCALED_AT_INPUT]
