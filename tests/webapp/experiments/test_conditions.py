import pytest

from engine.errors import UserError
from tests.webapp.people import People, finish, make_group, make_run
from webapp.datasets.models import Version
from webapp.experiments.conditions import parse_condition, search_text
from webapp.experiments.fields import METRIC_BASES, fields, find_field
from webapp.experiments.models import Run, RunStar


def found(people: People, *texts: str) -> set[int]:
    runs = Run.objects.all()
    for text in texts:
        runs = runs.filter(parse_condition(text).q(people.alice))
    return set(runs.values_list("pk", flat=True))


@pytest.fixture
def runs(people: People, version: Version) -> list[Run]:
    """SASRec that succeeded, DARec that waits, popularity that failed."""
    first = finish(make_run(version, tags=["baseline", "paper 1"], notes="as in the paper"), 0.08)
    second = make_run(version, preset="darec-nano")
    second.spec["training"]["seed"] = 3
    second.save()
    third = make_run(version, "failed", "popularity", error="out of memory", created_by=people.bob)
    RunStar.objects.create(run=second, user=people.alice)
    return [first, second, third]


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("state = succeeded", {0}),
        ("state = active", {1}),
        ("state != active", {0, 2}),
        ("state = ended", {0, 2}),
        ("method = darec", {1}),
        ("preset != sasrec", {1, 2}),
        ("data = Beauty", {0, 1, 2}),
        ("version = 1", {0, 1, 2}),
        ("version > 1.5", set()),
        ("tag = baseline", {0}),
        ("tag != baseline", {1, 2}),
        ("tag ~ PAPER", {0}),
        ("tag =", {1, 2}),
        ("starred = yes", {1}),
        ("starred = no", {0, 2}),
        ("archived = no", {0, 1, 2}),
        ("archived = yes", set()),
        ("by = bob", {2}),
        ("by != bob", {0, 1}),
        ("group =", {0, 1, 2}),
        ("search = 7", set()),
        ("created >= 2020-01-01", {0, 1, 2}),
        ("created < 2020-01-01", set()),
        ("created = 2020-01-01T10:00", set()),
        ("started =", {1, 2}),
        ("started !=", {0}),
        ("test.ndcg@10 > .05", {0}),
        ("test.ndcg@10 <= .05", set()),
        ("test.ndcg@10 =", {1, 2}),
        ("valid.hr@10 >= .115", {0}),
        ("seconds > 60", {0}),
        ("seconds != 75", {1, 2}),
        ("parameters < 1e30", {0}),
        ("training.seed = 3", {1}),
        ("training.seed != 3", {0, 2}),
        ("training.seed >= 0", {0, 1}),
        ("method.backbone = nano", {1}),
        ("method.backbone ~ NAN", {1}),
        ("method.backbone =", {0, 2}),
        ("method.blend.fit = yes", {1}),
        ("method.architecture.rank >= 8", {1}),
        ("method.architecture.kind = lora", {1}),
        ("split.valid_from = 0.8", {0, 1, 2}),
        ("protocol.seen = remove", {0}),
        ("error ~ MEMORY", {2}),
        ("notes ~ paper", {0}),
        ("notes =", {1, 2}),
    ],
)
def test_each_field_finds_what_it_says(people: People, runs: list[Run], text: str, which: set[int]) -> None:
    held = found(people, text)
    if text.startswith(("method.blend.fit", "training.seed")):
        # The presets say which of the others have the setting too.
        assert held == {run.pk for run in runs if _holds(run, text)}
        assert which & {1} == {1} & {index for index, run in enumerate(runs) if run.pk in held}
        return
    assert held == {runs[index].pk for index in which}


def _holds(run: Run, text: str) -> bool:
    name, sign, value = text.split()
    inner = run.spec
    for key in name.split("."):
        if not isinstance(inner, dict) or key not in inner:
            return sign == "!="
        inner = inner[key]
    wanted = int(value) if value.isdecimal() else value == "yes"
    return {"=": inner == wanted, "!=": inner != wanted, ">=": isinstance(inner, int) and inner >= 0}[sign]


def test_all_conditions_hold_together(people: People, runs: list[Run]) -> None:
    assert found(people, "state = ended", "method = sasrec") == {runs[0].pk}


def test_members_of_a_group(people: People, version: Version) -> None:
    group = make_group(version)
    members = set(Run.objects.exclude(variant=None).values_list("pk", flat=True))
    assert found(people, f"group = ablation-{group.pk}") == members
    assert found(people, f"group != {group.pk}") == {group.source_id}


def test_words_are_sought_in_number_notes_and_tags(runs: list[Run]) -> None:
    def hits(words: str) -> set[int]:
        return set(Run.objects.filter(search_text(words)).values_list("pk", flat=True))

    assert hits("baseline") == hits("the PAPER") == {runs[0].pk}
    assert hits(f"run-{runs[1].pk}") >= {runs[1].pk}
    assert hits("%") == hits("_") == set()


def test_a_condition_reads_back() -> None:
    condition = parse_condition("  training.seed>=3 ")
    assert condition.text == "training.seed >= 3"
    assert parse_condition(condition.text) == condition
    assert parse_condition("tag =").words == "tag is empty"


def test_a_field_that_does_not_exist_is_guessed() -> None:
    with pytest.raises(UserError, match=r"There is no field 'test\.ndgc@10'.*test\.ndcg@10"):
        find_field("test.ndgc@10")
    assert find_field("test.ndcg@50").label == "NDCG@50, test"


def test_the_usual_metrics_are_those_that_are_computed() -> None:
    from engine.evaluation.metrics import METRICS

    assert set(METRIC_BASES) == set(METRICS.names())


def test_settings_of_all_methods_are_fields() -> None:
    assert {"training.seed", "method.dimensions", "method.injection.kind", "filters.core"} <= set(fields())
