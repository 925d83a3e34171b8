from typing import Any

from engine.presets import get_preset
from webapp.experiments.estimate import MOST_RUNS, Range, Record, estimate, flattened, same_architecture, stages_of

HERE, THERE = 1, 2


def record(name: str = "run-1", settings: dict[str, Any] | None = None, **values: Any) -> Record:
    known: dict[str, Any] = {
        "version": HERE,
        "interactions": 10_000,
        "machine": "CPU, 2 threads",
        "seconds": 600.0,
        "epochs": 60,
        "targets_per_second": 1000.0,
        "peak": 500,
        "parameters": 7,
    }
    spec = get_preset("sasrec").spec(settings or {}).model_dump(mode="json")
    return Record(name=name, settings=flattened(spec), **{**known, **values})


def guess(records: list[Record], settings: dict[str, Any] | None = None, interactions: int = 10_000) -> Any:
    return estimate(get_preset("sasrec").spec(settings or {}), HERE, interactions, records)


def test_nothing_is_known_without_runs() -> None:
    found = guess([], {"training.minutes": 8})
    assert (found.runs, found.seconds, found.memory, found.limit) == ((), None, None, 480)
    assert guess([record(machine="")]).runs == ()


def test_the_median_of_equal_runs_with_their_range() -> None:
    found = guess([record(seconds=500, peak=400), record(seconds=600, peak=None), record(seconds=900, peak=800)])
    assert found.seconds == Range(600, 500, 900)
    assert found.memory == Range(600, 400, 800)
    assert (len(found.runs), found.same_version, found.differing, found.rate) == (3, True, 0, 1000)
    assert not found.at_most


def test_fewer_epochs_cost_less_and_more_do_not_cost_more_where_runs_stopped_by_themselves() -> None:
    assert guess([record()], {"training.epochs": 30}).seconds.middle == 300
    assert guess([record()], {"training.epochs": 1000}).seconds.middle == 600


def test_runs_that_their_own_limits_stopped_say_little() -> None:
    short = record(settings={"training.epochs": 10}, epochs=10, seconds=100)
    found = guess([short])
    assert (found.seconds.middle, found.at_most) == (2000, True)
    clock = record(settings={"training.minutes": 1}, epochs=10, seconds=61)
    found = guess([clock])
    assert (round(found.seconds.middle), found.at_most) == (1220, True)


def test_a_limit_in_minutes_is_the_most() -> None:
    found = guess([record()], {"training.minutes": 5})
    assert (found.seconds.middle, found.limited) == (300, True)
    assert not guess([record()], {"training.minutes": 50}).limited


def test_the_same_version_comes_before_the_same_settings() -> None:
    other = record("other-version", version=THERE, seconds=60)
    changed = record("other-settings", settings={"method.dimensions": 128}, seconds=1200)
    found = guess([other, changed])
    assert [run.name for run in found.runs] == ["other-settings"]
    assert (found.differing, found.same_version) == (1, True)


def test_other_versions_are_scaled_by_their_interactions() -> None:
    found = guess([record(version=THERE, interactions=1000, seconds=60)])
    assert (found.seconds.middle, found.same_version) == (600, False)
    counted = guess([record(version=THERE, interactions=1000, seconds=3, epochs=0, targets_per_second=0.0)])
    assert (counted.seconds.middle, counted.rate) == (30, None)


def test_only_the_newest_kind_of_machine_counts() -> None:
    found = guess([record(machine="H100", seconds=10), record(seconds=600)])
    assert (found.machine, found.seconds.middle) == ("H100", 10)


def test_the_seconds_of_a_resumed_run_are_not_all_there_were() -> None:
    resumed = record(seconds=60, attempts=2)
    assert guess([resumed]).seconds.middle == 60 * 10  # 10,000 interactions at 1,000 a second in each of 60 epochs


def test_as_many_runs_as_are_read_on_a_page() -> None:
    assert len(guess([record()] * 30).runs) == MOST_RUNS


def test_equal_architectures_have_equal_parameters() -> None:
    spec = get_preset("sasrec").spec({"training.epochs": 3})
    assert same_architecture(spec, HERE, [record(version=THERE), record("twin", settings={"training.seed": 5})]).name == "twin"  # type: ignore[union-attr]
    assert same_architecture(spec, HERE, [record(settings={"method.dimensions": 128})]) is None


def test_stages() -> None:
    assert stages_of(get_preset("darec-nano").spec()) == 2
    assert stages_of(get_preset("darec-nano").spec({"method.injection.kind": "none"})) == 1
    assert stages_of(get_preset("sasrec").spec({"method.members": 3})) == 3
    assert stages_of(get_preset("popularity").spec()) == 1
