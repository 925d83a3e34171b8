"""``lightgcn``: vectors of users and items, smoothed over the graph of training interactions."""

from engine.collaborative.lightgcn import LightgcnModel
from engine.methods.lightgcn.spec import LightgcnSpec
from engine.methods.method import Context
from engine.methods.pairwise import PairwiseMethod


class Implementation(PairwiseMethod[LightgcnSpec]):
    """As published: propagation over the whole training graph, the batch's own edges included."""

    title = "LightGCN"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.by_vector = self.settings.users == "vector"
        self.network = LightgcnModel(context.version.counts.items, self.settings, context.split.train).to(context.device)
