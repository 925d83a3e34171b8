"""The end of a search, for people: was it worth it? Winner and uniform LoRA of its size side by side, and what it cost."""

from typing import Any

from webapp.display import NOTHING, count, duration, score
from webapp.experiments.group_table import signed
from webapp.searches import further
from webapp.searches.models import OPEN_STATES, Search

_SMALLEST_P = 0.001


def first_words(verdict: str) -> str:
    """The verdict without its figures: ``Worth it``."""
    return verdict.partition(":")[0]


def ending(search: Search) -> dict[str, Any] | None:
    """The verdict, both sides and the difference; None before there is an answer."""
    answer = search.answer
    if not answer:
        return None
    comparison = answer["comparison"]
    lead, _, figures = str(answer["verdict"]).partition(": ")
    return {
        "lead": lead,
        "figures": figures,
        "good": lead.startswith("Worth it"),
        "sides": [
            _side("Winner", answer["best"], comparison, "a"),
            _side("Uniform LoRA of its size", answer["uniform"], comparison, "b"),
        ],
        "difference": signed(comparison["difference"]),
        "interval": f"{signed(comparison['low'])} to {signed(comparison['high'])}",
        "p": "< .001" if comparison["p"] < _SMALLEST_P else f"{comparison['p']:.3f}".removeprefix("0"),
        "users": count(comparison["users"]),
        "seeds": len(comparison["seeds_a"]),
        "trial": answer["best"]["trial"],
        "reason": search.winner.get("reason", ""),
        "times": _times(answer),
        "outdated": search.state in OPEN_STATES,
    }


def _side(name: str, side: dict[str, Any], comparison: dict[str, Any], letter: str) -> dict[str, Any]:
    deviation = comparison[f"deviation_{letter}"]
    return {
        "name": name,
        "ndcg": score(comparison[f"mean_{letter}"]),
        "deviation": score(deviation) if deviation is not None else "",
        "hr": score(side["test"].get("hr@10")),
        "valid": score(side["valid"].get("ndcg@10")),
        "adapters": count(side["adapter_parameters"]),
        "trainable": count(side["trainable_parameters"]),
        "seconds": duration(side["seconds"]),
        "fields": further.words(side["fields"]),
    }


def _times(answer: dict[str, Any]) -> dict[str, str]:
    full = answer["full_training_seconds"]
    return {
        "trials": count(len(answer["trials"])),
        "search": duration(answer["seconds"]),
        "full": duration(full),
        "ratio": f"{answer['seconds'] / full:.1f}" if full else NOTHING,
        "final": duration(answer["final_seconds"]),
    }
