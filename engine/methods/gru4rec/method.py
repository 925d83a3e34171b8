"""``gru4rec``: gated recurrent units over the last items."""

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.softmax import training_proposal
from engine.evaluation.evaluator import Score
from engine.methods.gru4rec.network import Gru4recNetwork
from engine.methods.gru4rec.spec import Gru4recSpec
from engine.methods.method import Context, StepLoss
from engine.methods.sequential import SequentialMethod


class Implementation(SequentialMethod[Gru4recSpec]):
    """Every position of each window is supervised."""

    title = "GRU4Rec"
    network: Gru4recNetwork

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.inputs = self.settings.window
        items = context.version.counts.items
        proposal = training_proposal(context.split.train, items)
        self.network = Gru4recNetwork(items, self.settings, proposal).to(context.device)

    def step_loss(self, batch: SequenceBatch) -> StepLoss:
        """The network's own loss."""
        return self.network.loss(batch, self.context.spec.training.seed)

    def scorer(self) -> Score:
        """The last state's product with each item vector."""
        return self.network.scorer()
