"""Taking over saved tensors, exactly or not at all."""

from torch import Tensor, nn

from engine.errors import CheckpointError


def take_tensors(expected: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state``, if it has just the names and shapes of ``expected``; raises CheckpointError otherwise."""
    missing, unknown = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or unknown:
        raise CheckpointError(f"The saved model does not fit the spec: missing {missing[:3]}, unknown {unknown[:3]}.")
    for name, tensor in expected.items():
        if tensor.shape != state[name].shape:
            raise CheckpointError(f"The saved {name} has shape {tuple(state[name].shape)}, not {tuple(tensor.shape)}.")
    return state


def module_state(module: nn.Module) -> dict[str, Tensor]:
    """Trainable parameters and buffers that are saved, by name; frozen parameters are left out."""
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {name: tensor.detach() for name, tensor in module.state_dict().items() if name not in frozen}


def load_module_state(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Put back what ``module_state`` gave; raises CheckpointError if a name or shape differs."""
    module.load_state_dict(take_tensors(module_state(module), state), strict=False)
