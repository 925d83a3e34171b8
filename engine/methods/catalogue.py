"""The methods that exist, a line each."""

from engine.methods.darec.spec import DarecSpec
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
