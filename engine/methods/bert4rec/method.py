"""``bert4rec``: masked items filled in from both sides."""

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.softmax import training_proposal
from engine.evaluation.evaluator import Score
from engine.methods.bert4rec.network import Bert4recNetwork
from engine.methods.bert4rec.spec import Bert4recSpec
from engine.methods.method import Context, StepLoss
from engine.methods.sequential import SequentialMethod
from engine.methods.vectors import VectorScore


class Implementation(SequentialMethod[Bert4recSpec]):
    """Trained on masks within windows, asked for a mask behind the history."""

    title = "BERT4Rec"
    network: Bert4recNetwork

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.inputs = self.settings.window - 1
        items = context.version.counts.items
        proposal = training_proposal(context.split.train, items)
        self.network = Bert4recNetwork(items, self.settings, proposal).to(context.device)

    def step_loss(self, batch: SequenceBatch) -> StepLoss:
        """The network's own loss."""
        return self.network.loss(batch, self.context.spec.training.seed)

    def scorer(self) -> Score:
        """What is filled in for the item after the history."""
        return self.network.scorer()

    def vectors(self) -> VectorScore:
        """Item vectors with their biases, and what the mask behind a history becomes, with a 1 for the bias."""
        items, queries = self.network.vectors()
        return VectorScore(items, queries, f"the whole score of {self.title}; the last dimension is the item's bias")
