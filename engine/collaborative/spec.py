"""Settings of the collaborative models, shared by the methods that train them. No torch here."""

from typing import Literal

from pydantic import model_validator

from engine.fields import Spec, setting


class SoftmaxSpec(Spec):
    """How the cross-entropy over the catalogue is computed."""

    softmax: Literal["full", "chunked", "sampled"] = setting(
        "full",
        "full: over all items at once; chunked: the same numbers, in memory that does not grow with the catalogue; "
        "sampled: against drawn items, with the logQ correction",
    )
    chunk: int = setting(4096, "items scored at once, with chunked", "items", ge=1, le=10_000_000)
    samples: int = setting(
        512, "items drawn for a batch, with sampled; from the catalogue's size on it is full", "items", ge=1, le=10_000_000
    )


class SasrecShape(Spec):
    """Size and regularisation of a SASRec network."""

    window: int = setting(50, "items that the model looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states (d_model)", ge=4, le=4096)
    blocks: int = setting(2, "transformer blocks", ge=1, le=64)
    heads: int = setting(2, "attention heads; must divide the dimensions", ge=1, le=64)
    dropout: float = setting(0.3, "dropout on embeddings, attention and feed-forward", ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> "SasrecShape":
        if self.dimensions % self.heads:
            raise ValueError(f"got {self.dimensions} dimensions for {self.heads} heads, must be a multiple of {self.heads}")
        return self


class HstuShape(Spec):
    """Size and regularisation of an HSTU network."""

    window: int = setting(50, "items that the model looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states", ge=4, le=4096)
    layers: int = setting(2, "units, one upon the other", ge=1, le=64)
    heads: int = setting(2, "attention heads of each unit", ge=1, le=64)
    attention_dimensions: int = setting(32, "size of queries and keys, in each head", ge=1, le=4096)
    value_dimensions: int = setting(32, "size of values and gates, in each head", ge=1, le=4096)
    relative_bias: bool = setting(True, "add a learned bias for each distance between two positions to the attention")
    positions: bool = setting(True, "add a learned vector of its position to each input, as the published code does")
    dropout: float = setting(0.3, "dropout on the inputs", ge=0, lt=1)
    unit_dropout: float = setting(0.3, "dropout on the gated values of each unit", ge=0, lt=1)


class Gru4recShape(Spec):
    """Size and regularisation of a GRU4Rec network."""

    window: int = setting(50, "items that the model looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states", ge=4, le=4096)
    hidden: int = setting(128, "units of each recurrent layer", ge=4, le=8192)
    layers: int = setting(1, "recurrent layers", ge=1, le=16)
    embedding_dropout: float = setting(0.3, "dropout on the item vectors that go in", ge=0, lt=1)
    hidden_dropout: float = setting(0.3, "dropout on what each recurrent layer gives out", ge=0, lt=1)


class BprMfShape(Spec):
    """Size and regularisation of a matrix factorisation, and how it reads a history."""

    window: int = setting(200, "items that a history's state looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item and user vectors", ge=4, le=4096)
    half_life: float = setting(3.0, "so many items back, an item counts half in a history's state", "items", gt=0, le=100_000)
    negatives: int = setting(4, "sampled negatives for each target", "items", ge=1, le=4096)
    regularization: float = setting(1e-4, "weight of the squared size of the batch's vectors in the loss", ge=0, le=10)


class LightgcnShape(BprMfShape):
    """Size and regularisation of LightGCN, and how it reads a history."""

    layers: int = setting(3, "steps of propagation over the graph of users and items", ge=1, le=16)


class UsersSpec(Spec):
    """How a model with user vectors ranks for users that it was trained on."""

    users: Literal["history", "vector"] = setting(
        "history",
        "history: by the recency-weighted mean of their items' vectors, as for strangers; "
        "vector: by their own vector, as published",
    )
