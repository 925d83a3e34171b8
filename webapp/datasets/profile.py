"""A version's profile as its page shows it: numbers in words, charts, the most popular items and categories."""

from typing import Any

from webapp.datasets.asking import last_question
from webapp.datasets.charts import profile_charts
from webapp.datasets.models import Question, QuestionKind, QuestionState, Version, VersionState
from webapp.display import NOTHING, count, duration


def profile_section(version: Version) -> dict[str, Any]:
    """What the template ``datasets/parts/profile.html`` needs.

    ``known`` says whether there is a profile; if there is none, ``waiting`` whether a worker makes it, and ``failed`` is the
    question that failed, if one did.
    """
    if version.profile:
        profile = version.profile
        return {
            "known": True,
            "facts": _facts(profile),
            "charts": profile_charts(profile),
            "top": [{**item, "interactions": count(item["interactions"])} for item in profile["popularity"]["top"]],
            "categories": [
                {"name": one["name"], "items": count(one["items"]), "interactions": count(one["interactions"])}
                for one in profile["texts"]["top_categories"]
            ],
        }
    question: Question | None = None
    if version.state == VersionState.READY:
        question = last_question(version, QuestionKind.PROFILE)
    return {
        "known": False,
        "waiting": question is not None and question.state == QuestionState.ASKED,
        "failed": question if question is not None and question.state == QuestionState.FAILED else None,
    }


def _facts(profile: dict[str, Any]) -> list[tuple[str, str]]:
    lengths, popularity, texts, times = profile["lengths"], profile["popularity"], profile["texts"], profile["times"]
    items = profile["counts"]["items"]
    facts = [
        ("Interactions a user", _quantiles(lengths["quantiles"])),
        ("Inequality of items", f"Gini {popularity['gini']:.2f} (0: all equally popular, 1: one has everything)"),
        ("Cold items", f"{_of(popularity['cold_items'], items)} with 1 to 4 interactions"),
        ("Items without interactions", _of(popularity["unused_items"], items)),
        ("Repeats", f"{_share(profile['repeats']['share'])} of the interactions are with an item that the user has had before"),
    ]
    if times:
        facts += [("Time span", f"{times['first'][:10]} to {times['last'][:10]} (UTC)")]
        if gaps := times["gaps"]:
            words = (("median", "median"), ("p90", "90 % have at most"), ("maximum", "longest"))
            facts.append(("Gaps in a user's sequence", ", ".join(f"{word} {duration(gaps[name])}" for name, word in words)))
        facts.append(("Ties in time", _ties(times)))
    facts += [
        ("Items with a title", f"{_share(texts['with_title_share'])}; {count(texts['distinct_titles'])} different titles"),
        ("Items with categories", f"{_share(texts['with_categories_share'])}; {count(texts['categories'])} different categories"),
        ("Items with a description", _share(texts["with_description_share"])),
    ]
    facts += [(f"Items with {name}", _share(share)) for name, share in texts["further_columns"].items()]
    if tokens := texts["title_tokens"]:
        facts.append(("Title lengths", f"{_quantiles(tokens['quantiles'])} tokens ({texts['tokeniser']})"))
    return facts


def _ties(times: dict[str, Any]) -> str:
    return (
        f"{_share(times['tied_interactions'])} of the interactions, of {_share(times['tied_users'])} of the users; for "
        f"{_share(times['tied_last'])} of the users the order in the file decides which interaction is the last"
    )


def _quantiles(values: dict[str, float]) -> str:
    names = (("minimum", "shortest"), ("median", "median"), ("p90", "90 % have at most"), ("maximum", "longest"))
    return ", ".join(f"{word} {values[name]:,.12g}" for name, word in names)


def _of(number: int, whole: int) -> str:
    return f"{count(number)} ({_share(number / whole)})" if whole else NOTHING


def _share(fraction: float) -> str:
    return f"{fraction * 100:.3g} %"
