"""Settings of ``markov``."""

from typing import Literal

from engine.fields import setting
from engine.methods.spec import MethodSpec


class MarkovSpec(MethodSpec):
    """Transitions from item to item: a first-order chain by default, with farther pairs and more voters as choices."""

    id: Literal["markov"] = "markov"
    reach: int = setting(1, "pairs of items up to this many steps apart are counted; 1: neighbours only", "steps", ge=1, le=100)
    reach_decay: float = setting(0.5, "a pair counts this many times what a pair one step closer counts", gt=0, le=1)
    votes: int = setting(1, "this many of a history's last items vote; 1: the last one only", "items", ge=1, le=1000)
    vote_decay: float = setting(0.5, "a vote weighs this many times the vote of the next newer item", gt=0, le=1)
    smoothing: float = setting(
        1.0, "popularity enters each item's transitions like this many counted pairs", "pairs", gt=0, le=1_000_000
    )
