"""From a kind to its collaborative model."""

from typing import Protocol

from engine.collaborative.bpr_mf import BprMfModel
from engine.collaborative.gru4rec import Gru4recNetwork
from engine.collaborative.hstu import HstuNetwork
from engine.collaborative.lightgcn import LightgcnModel
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.sasrec import SasrecNetwork
from engine.collaborative.softmax import training_proposal
from engine.collaborative.spec import BprMfShape, Gru4recShape, HstuShape, LightgcnShape, SasrecShape, SoftmaxSpec
from engine.data.sequences import Sequences


class CollaborativeChoice(Protocol):
    """Settings that name a kind and hold the shape of each."""

    @property
    def kind(self) -> str:
        """``sasrec``, ``hstu``, ``gru4rec``, ``lightgcn`` or ``bpr-mf``."""

    @property
    def sasrec(self) -> SasrecShape:
        """Shape of the SASRec network."""

    @property
    def hstu(self) -> HstuShape:
        """Shape of the HSTU network."""

    @property
    def gru4rec(self) -> Gru4recShape:
        """Shape of the GRU4Rec network."""

    @property
    def lightgcn(self) -> LightgcnShape:
        """Shape of LightGCN."""

    @property
    def bpr_mf(self) -> BprMfShape:
        """Shape of the matrix factorisation."""


def build_collaborative(
    choice: CollaborativeChoice, items: int, train: Sequences, softmax: SoftmaxSpec | None = None
) -> CollaborativeModel:
    """The model of ``choice.kind``, with random weights from torch's generator.

    Args:
        items: size of the catalogue.
        train: training items of each user, the only ones that a graph is made of.
        softmax: how the sequence networks' own loss over the catalogue is computed, full if None; the others have a loss over
            pairs.

    Raises:
        ValueError: there is no such kind.
    """
    match choice.kind:
        case "sasrec":
            return SasrecNetwork(items, choice.sasrec, softmax, training_proposal(train, items))
        case "hstu":
            return HstuNetwork(items, choice.hstu, softmax, training_proposal(train, items))
        case "gru4rec":
            return Gru4recNetwork(items, choice.gru4rec, softmax, training_proposal(train, items))
        case "lightgcn":
            return LightgcnModel(items, choice.lightgcn, train)
        case "bpr-mf":
            return BprMfModel(items, choice.bpr_mf, train, user_vectors=False)
        case kind:
            raise ValueError(f"got {kind!r}, must be sasrec, hstu, gru4rec, lightgcn or bpr-mf")
