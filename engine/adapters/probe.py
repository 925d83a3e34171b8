"""Trying each adapter out: what its linear map gives must hang on each of its weights.

Flags do not tell: PEFT can leave an adapter trainable that no forward pass uses (a second adapter of LoRA's family does so to the
first). Gradients tell it exactly; by the output alone, a small change would round to none in half precision.
"""

import torch
from torch import Tensor, nn

from engine.adapters.read_back import adapted_modules, map_size, read_map
from engine.errors import EngineError

_LOWEST, _HIGHEST = 0.05, 0.2  # far from 0 (no update) and from 1 (no scaling), small enough for a rotation


def probe(model: nn.Module) -> None:
    """Try every adapted map alone, on one random input. Weights and the global random state stay as they are.

    Raises EngineError for an adapter with weights that change nothing.
    """
    for name, module in adapted_modules(model).items():
        weights = read_map(name, module).trained
        originals = {path: weight.detach().clone() for path, weight in weights.items()}
        try:
            with torch.enable_grad():
                without = _probe_map(module, weights)
        finally:
            with torch.no_grad():
                for path, weight in weights.items():
                    weight.copy_(originals[path])
        if without:
            raise EngineError(f"The adapter of {name} has no effect: {without}.")


def _probe_map(module: object, weights: dict[str, nn.Parameter]) -> str:
    assert isinstance(module, nn.Module)  # noqa: S101 - narrows the type
    base = module.get_submodule("base_layer")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in weights.values():
            # at its start an update is zero, and one of its factors gets no gradient
            weight.copy_(_LOWEST + (_HIGHEST - _LOWEST) * torch.rand(weight.shape, generator=generator))
    first = next(base.parameters())
    number = first.dtype if first.dtype.is_floating_point else torch.float32
    state = torch.randn(1, map_size(base)[0], generator=generator).to(first.device, number)
    adapted: Tensor = module(state)
    mixed = (adapted.float() * torch.randn(adapted.shape, generator=generator).to(adapted.device)).sum()
    gradients = torch.autograd.grad(mixed, list(weights.values()), allow_unused=True)
    idle = [path for path, gradient in zip(weights, gradients, strict=True) if gradient is None or not gradient.any()]
    return f"{idle} get no gradient" if idle else ""
