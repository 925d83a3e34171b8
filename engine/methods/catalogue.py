"""The methods that exist, a line each."""

from engine.methods.bert4rec.spec import Bert4recSpec
from engine.methods.bpr_mf.spec import BprMfSpec
from engine.methods.darec.spec import DarecSpec
from engine.methods.gru4rec.spec import Gru4recSpec
from engine.methods.hstu.spec import HstuSpec
from engine.methods.item_knn.spec import ItemKnnSpec
from engine.methods.lightgcn.spec import LightgcnSpec
from engine.methods.markov.spec import MarkovSpec
from engine.methods.popularity.spec import PopularitySpec
from engine.methods.registry import METHODS, register_method
from engine.methods.sasrec.spec import SasrecSpec

__all__ = ["METHODS"]

register_method(
    DarecSpec,
    title="DARec",
    sentence="A frozen language model with layer-wise adapters, context masking and collaborative knowledge injection.",
    paper="https://arxiv.org/abs/2408.07427",
)
register_method(
    SasrecSpec,
    title="SASRec",
    sentence="Self-attention over the user's last items; the baseline to beat.",
    paper="https://arxiv.org/abs/1808.09781",
)
register_method(
    PopularitySpec,
    title="Popularity",
    sentence="The same list for everybody: items by number of training interactions.",
)
register_method(
    MarkovSpec,
    title="Markov chain",
    sentence="What followed the last items in other histories, smoothed by popularity.",
    paper="https://arxiv.org/abs/1803.09587",
)
register_method(
    ItemKnnSpec,
    title="Item neighbours",
    sentence="Items that the same users had: cosine similarity, with the nearest neighbours of each item.",
    paper="https://arxiv.org/abs/1907.06902",
)
register_method(
    Gru4recSpec,
    title="GRU4Rec",
    sentence="A recurrent network over the user's last items.",
    paper="https://arxiv.org/abs/1511.06939",
)
register_method(
    Bert4recSpec,
    title="BERT4Rec",
    sentence="A bidirectional transformer that fills masked items in.",
    paper="https://arxiv.org/abs/1904.06690",
)
register_method(
    HstuSpec,
    title="HSTU",
    sentence="Gated pointwise attention over the user's last items.",
    paper="https://arxiv.org/abs/2402.17152",
)
register_method(
    BprMfSpec,
    title="BPR matrix factorisation",
    sentence="A vector for each user and item; known items score higher than unknown ones.",
    paper="https://arxiv.org/abs/1205.2618",
)
register_method(
    LightgcnSpec,
    title="LightGCN",
    sentence="Vectors of users and items, smoothed over the graph of who had what.",
    paper="https://arxiv.org/abs/2002.02126",
)
