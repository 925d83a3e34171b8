"""What must be known of a model family to adapt it: where its layers are, and which linear maps make attention and MLP.

A family is one ``register_family`` line; its name is the ``model_type`` of transformers.
"""

from dataclasses import dataclass

from engine.registry import Registry


@dataclass(frozen=True)
class Family:
    """Names of modules within the base model.

    Attributes:
        layers: path of the list of layers, e.g. ``layers``.
        attention, mlp: paths of the adaptable linear maps below one layer.
        transposed: True if the maps are Conv1D (weights stored transposed, GPT-2).
        norm: path of the norm behind the last layer; empty if the layers end with one.
        entry: path of the module that makes states of embeddings (BERT: positions, token types, norm); empty if there is none.
        positions: path of a table of learned positions that is added outside of ``entry``; empty with rotary positions.
        dropout: path of the dropout before the first layer; empty if there is none.
        encoder: True if attention is bidirectional by nature.
    """

    layers: str
    attention: tuple[str, ...]
    mlp: tuple[str, ...]
    transposed: bool = False
    norm: str = ""
    entry: str = ""
    positions: str = ""
    dropout: str = ""
    encoder: bool = False

    def modules(self, layer: int, target: str) -> list[str]:
        """Full names of the maps that ``target`` (attention, mlp or both) means in ``layer``."""
        chosen = {"attention": self.attention, "mlp": self.mlp, "both": self.attention + self.mlp}[target]
        return [f"{self.layers}.{layer}.{name}" for name in chosen]


FAMILIES: Registry[Family] = Registry("model family")


def register_family(model_type: str, family: Family) -> None:
    """Make models of ``model_type`` usable as backbones."""
    FAMILIES.register(model_type, family)


_ATTENTION = tuple(f"self_attn.{name}_proj" for name in "qkvo")
_GATED_MLP = tuple(f"mlp.{name}_proj" for name in ("gate", "up", "down"))
for _name in ("llama", "qwen2", "qwen3", "mistral"):
    register_family(_name, Family("layers", _ATTENTION, _GATED_MLP, norm="norm"))
register_family(
    "gpt2",
    Family(
        "h",
        attention=("attn.c_attn", "attn.c_proj"),
        mlp=("mlp.c_fc", "mlp.c_proj"),
        transposed=True,
        norm="ln_f",
        positions="wpe",
        dropout="drop",
    ),
)
register_family(
    "bert",
    Family(
        "encoder.layer",
        attention=(*(f"attention.self.{name}" for name in ("query", "key", "value")), "attention.output.dense"),
        mlp=("intermediate.dense", "output.dense"),
        entry="embeddings",
        encoder=True,
    ),
)
