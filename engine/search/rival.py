"""The rival's own training settings, searched with as many trials as the winner had, where the search has such settings."""

from engine.adapters.choice import LayerChoice
from engine.search.layout import Cost
from engine.search.plan import SearchPlan
from engine.search.spec import SpaceSpec


def rival_plan(plan: SearchPlan, size: int, layers: int, cost: Cost) -> SearchPlan | None:
    """A search over the further settings alone, with uniform LoRA of the rank that comes nearest to ``size`` parameters.

    None where there are no such settings: then there is nothing to tune.
    """
    if not plan.space.further:
        return None
    one = sum(cost(LayerChoice(kind="lora", target="both", rank=1), layer) for layer in range(layers))
    rank = min(1024, max(1, round(size / one)))
    space = SpaceSpec(kinds=("lora",), targets=("both",), ranks=(rank,), groups=1, further=plan.space.further)
    return plan.model_copy(update={"space": space})
