"""Uniform LoRA of a given size: the rival that a searched architecture has to beat. No torch here."""

from collections.abc import Callable

from engine.adapters.choice import LayerChoice

Cost = Callable[[LayerChoice, int], int]
BARE = LayerChoice(kind="none", target="both", rank=0)


def uniform_of_size(size: int, layers: int, cost: Cost) -> tuple[LayerChoice, ...]:
    """LoRA on all linear maps of all layers, alike, with ``size`` trainable parameters or as near as can be.

    Where no rank fits, some layers have one rank more than the others, spread evenly over the depth, from the top; with fewer
    parameters than rank 1 everywhere takes, that means layers without an adapter.
    """
    steps = [cost(_lora(1), layer) for layer in range(layers)]
    total = max(0, round(size / (sum(steps) / layers)))
    low, more = divmod(total, layers)
    higher = {layers - 1 - (index * layers) // more for index in range(more)} if more else set()
    return tuple(_lora(low + (layer in higher)) for layer in range(layers))


def _lora(rank: int) -> LayerChoice:
    return LayerChoice(kind="lora", target="both", rank=rank) if rank else BARE
