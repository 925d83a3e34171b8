"""A DARec whose zero-initialised parts are random, so that nothing can hide behind a zero."""

from pathlib import Path

import torch

from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.methods.darec.method import Implementation
from engine.methods.method import Context
from tests.engine.methods.runs import small_spec

MASKS = ["union", "causal", "per_layer", "per_head", "two_level"]


def build(version: Version, workdir: Path, settings: dict[str, object]) -> Implementation:
    """In eval mode, parameters shaken by a fixed seed."""
    context = Context(
        small_spec("darec", settings), version, leave_one_out(version), torch.device("cpu"), workdir, lambda event: None
    )
    torch.manual_seed(0)
    method = Implementation(context)
    with torch.no_grad():
        for name, parameter in method.model.named_parameters():
            if parameter.requires_grad and ("lora_B" in name or "from_hidden" in name or "gate" in name or "order" in name):
                torch.nn.init.normal_(parameter, std=0.5)
    method.model.eval()
    return method


def ranking_states(method: Implementation, items: list[int], window: int | None = None) -> torch.Tensor:
    """The states that rank the next item at the last ``window`` items: `window x d`; the CF model reads all of them."""
    window = window or len(items)
    table = torch.tensor([items])
    with torch.no_grad():
        collaborative = None if method.network is None else method.network.catalogue()
        view = method._view_of_histories([table[0].numpy()], collaborative, torch.tensor([window]), window)
        short = table[:, -window:]
        ranking: torch.Tensor = method.model(short, method.model.hidden(short, view), view)
    return ranking[0]
