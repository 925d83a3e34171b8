"""Sample recommendations as the run's page shows them."""

from typing import Any

from webapp.display import count
from webapp.experiments.models import Run, SampleRecommendation

SAMPLE_FILTERS = {"": "all", "hits": "hits", "misses": "misses"}
"""By what stands in the address, the word for it."""


def sample_part(run: Run, wanted: str) -> dict[str, Any]:
    """The stored samples, of those only hits (the held-out item is in the list) or misses if ``wanted`` says so."""
    known = [sample(row, run.protocol.get("catalogue")) for row in run.samples.all()]
    chosen = wanted if wanted in SAMPLE_FILTERS else ""
    groups = {"": known, "hits": [row for row in known if row["hit"]], "misses": [row for row in known if not row["hit"]]}
    return {
        "samples": groups[chosen],
        "sampled": len(known),
        "sample_filters": [(name, word, len(groups[name]), name == chosen) for name, word in SAMPLE_FILTERS.items()],
    }


def sample(row: SampleRecommendation, catalogue: int | None) -> dict[str, Any]:
    """One user's sample: history, held-out item with its position from 1, and the list with the held-out item marked."""
    return {
        "user": row.user_id_text,
        "history": row.history,
        "target": row.target,
        "position": position_of(row.rank, catalogue),
        "hit": any(item["id"] == row.target["id"] for item in row.recommended),
        "recommended": [
            {
                **item,
                "held_out": item["id"] == row.target["id"],
                "score": f"{item['score']:.3g}" if item.get("score") is not None else "",
            }
            for item in row.recommended
        ],
    }


def position_of(rank: float, catalogue: int | None) -> str:
    """Where the held-out item stands, counted from 1: ``4 of 240``; of a 0-based mid-rank."""
    position = rank + 1
    place = f"{position:,.0f}" if position == int(position) else f"{position:,.1f} (tied)"
    return f"{place} of {count(catalogue)}" if catalogue else place
