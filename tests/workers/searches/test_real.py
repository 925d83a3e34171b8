"""A small search with real trainings and the model's own proposals, in this process."""

from engine.data.version import read_version
from engine.run import run
from engine.spec import parse_spec
from tests.workers.fixtures import Run, Version, storage_root
from tests.workers.searches.searching import best_of_rows, end_run, make_search, play
from webapp.searches.models import SearchState, SearchTrial, Stage
from workers.claims import claim_run
from workers.outcome import succeed


def train(trial: SearchTrial) -> None:
    """What a worker's child does with the trial's run."""
    row = Run.objects.select_related("version").get(pk=trial.run_id)
    attempt = claim_run(row.pk)
    assert attempt is not None
    version = read_version(storage_root() / row.version.storage_key)
    assert succeed(attempt, run(parse_spec(row.spec), version, storage_root() / row.folder_key, lambda event: None))


def test_real_trainings_end_in_a_comparison(version: Version) -> None:
    settings = {"run.method.blend.fit": False, "run.training.epochs": 1, "final_seeds": 1, "trials": 2}
    search = play(make_search(version, **settings), train)
    assert (search.state, search.message) == (SearchState.FINISHED, "")
    for trial in search.trials.select_related("run"):
        assert trial.value == trial.run.valid["ndcg@10"]
        assert len(trial.run.curve) >= 1
        read_back = {layer.layer: f"{layer.kind}/{layer.target}/{layer.rank}" for layer in trial.run.layers.all()}
        planned = trial.candidate["architecture"]
        assert [text for text in planned if text != "none"] == [text for text in read_back.values() if "none" not in text]
        assert sum(layer.parameters for layer in trial.run.layers.all()) == trial.parameters
    (winner,) = search.trials.filter(stage=Stage.WINNER)
    assert search.answer["best"]["test"] == winner.run.test
    assert search.answer["best"]["adapter_parameters"] == winner.parameters
    assert search.answer["comparison"]["users"] == winner.run.users_evaluated


def test_the_model_proposes_and_says_what_it_expects(version: Version) -> None:
    search = play(make_search(version, at_once=2, trials=9, start=0, **{"space.ranks": [2, 4, 8]}), end_run)
    modelled = search.trials.filter(stage=Stage.TRIAL, origin="model")
    assert modelled.count() >= 2
    for trial in modelled:
        assert trial.expected_mean is not None
        assert trial.expected_sd is not None
        assert trial.expected_sd > 0
        assert trial.acquisition is not None
        assert trial.suggestion_seconds > 0
    assert search.answer["best"]["trial"] == best_of_rows(search)
    assert search.answer["best"]["expected"] is not None
    figures = search.winner["importance"]
    assert sorted(figures) == [str(layer) for layer in range(len(search.answer["best"]["architecture"]))]
    assert all(figure["mean"] >= 0 and figure["sd"] > 0 for figure in figures.values())
