"""Answers of trained runs as pages show them, and what to say while there is none."""

from typing import Any

from django.utils import timezone

from webapp.display import count, duration
from webapp.experiments.samples import position_of
from webapp.serving.models import Ask, AskKind, AskState

LONELY_SECONDS = 4.0
"""A question that nobody has taken for so long deserves an explanation."""
SEEN_WORDS = {
    "remove": "Items of the history are not recommended again, as in this run's protocol.",
    "keep": "Items of the history may be recommended again, as in this run's protocol; they are marked.",
}


def waiting(ask: Ask | None) -> dict[str, Any] | None:
    """What to say about a question that is open: ``words``, and ``lonely`` if it seems that no worker listens; else None."""
    if ask is None or ask.state != AskState.ASKED:
        return None
    waited = (timezone.now() - (ask.taken_at or ask.asked_at)).total_seconds()
    if ask.taken_at is not None:
        words = f"A worker loads the model, for {duration(waited)}. The next answers come at once."
        return {"words": words, "lonely": False}
    if waited < LONELY_SECONDS:
        return {"words": "Asked.", "lonely": False}
    words = (
        f"No worker has taken the question for {duration(waited)}. A worker on the queue serve must run, and not be busy with "
        "other models; whoever runs this server can start one. The question stays asked, and this page goes on looking."
    )
    return {"words": words, "lonely": True}


def answer_of(ask: Ask | None) -> dict[str, Any] | None:
    """An answer with its list, for ``serving/parts/answer.html``; None without one."""
    if ask is None or ask.state != AskState.ANSWERED:
        return None
    answer = ask.answer
    target = answer.get("target")
    lines = [
        {
            **item,
            "score": f"{item['score']:.4g}" if item["score"] is not None else "",
            "held_out": bool(target) and item["id"] == target["id"],
        }
        for item in answer["recommended"]
    ]
    opened = answer["opened"]
    return {
        "history": answer["history"],
        "found": answer.get("found", []),
        "recommended": lines,
        "seen": SEEN_WORDS.get(answer.get("seen", ""), ""),
        "user": answer.get("user", ""),
        "is_user": ask.kind == AskKind.USER,
        "target": target,
        "position": position_of(answer["rank"], answer["catalogue"]) if target else "",
        "hit": any(line["held_out"] for line in lines),
        "length": count(len(answer["history"])),
        "took": f"{answer['seconds'] * 1000:.0f} ms" + (f", after loading the model in {opened:.1f} s" if opened else ""),
    }
