import re

import pytest
from django.test import Client

from tests.webapp.people import HOSTILE, People
from tests.webapp.searches.planting import add_trial, candidate, finish_search, make_search, plant, uniform
from webapp.datasets.models import Version
from webapp.experiments.models import Run
from webapp.searches.board import load
from webapp.searches.models import Search, SearchState, TrialState

POLL = {"HX-Request": "true"}


@pytest.fixture
def search(version: Version) -> Search:
    """Twelve layers, ten trials of 30, two of them running."""
    made = make_search(version, settings={"space.budget": 400_000})
    plant(made, 12, 10, running=2)
    return made


def text_of(body: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def map_of(body: str) -> str:
    found = re.search(r'<table class="map">.*?</table>', body, re.DOTALL)
    assert found
    return found.group()


def test_the_header_says_how_it_is_going(alice: Client, search: Search) -> None:
    add_trial(search, candidate(12, 99), state=TrialState.FAILED, run={"error": HOSTILE})
    body = alice.get(f"/searches/{search.pk}").content.decode()
    said = text_of(body)
    best = load(search).best
    assert best is not None
    assert "30 trials (8 done, 2 running, 1 failed, 19 to come)" in said
    assert f"best {best.value:.4f}".replace("0.", ".") in said
    assert f"trial {best.number}" in said
    assert "uniform lora/both/8" in said
    assert "budget 400,000 parameters" in said
    assert "&lt;script&gt;alert" in body
    assert "<script>alert" not in body
    assert "full ranking over 240 items" in said


def test_the_map_has_a_row_a_layer_and_a_column_a_trial(alice: Client, version: Version) -> None:
    search = make_search(version)
    add_trial(search, uniform(3, 4), 0.04, origin="uniform lora/both/4")
    better = add_trial(search, candidate(3, 5), 0.05)
    add_trial(search, candidate(3, 6), 0.03, fidelity=0.5)
    going = add_trial(search, candidate(3, 7))
    table = map_of(alice.get(f"/searches/{search.pk}").content.decode())
    head, body = table.split("<tbody>")
    assert re.findall(r'href="/runs/(\d+)"', head)[0] == str(better.run_id)
    assert re.findall(r'href="/runs/(\d+)"', head)[-1] == str(going.run_id)
    assert text_of(head).index("1 ★") < text_of(head).index("NDCG@10 .0500 .0400 .0300 * …")
    rows = body.split('<th scope="row">')[1:]
    assert [text_of(row).split()[1] for row in rows] == ["2", "1", "0"]
    for layer, row in zip((2, 1, 0), rows, strict=True):
        cells = re.findall(r"<td[^>]*title=\"[^\"]*\"[^>]*>", row)
        assert len(cells) == 4
        choice = better.candidate["architecture"][layer]
        words = "no adapter" if choice == "none" else f"rank {choice.rpartition('/')[2]}"
        assert words in cells[0]
        assert "marked" in cells[0]
        assert 'title="LoRA on attention and MLP, rank 4"' in cells[1]
        assert "marked" not in cells[1]


def test_a_poll_sends_large_parts_only_after_a_change(alice: Client, search: Search) -> None:
    page = alice.get(f"/searches/{search.pk}").content.decode()
    assert 'hx-trigger="every 3s"' in page
    seen = re.search(r'id="seen" name="seen" value="(\w+)"', page)
    assert seen
    address = f"/searches/{search.pk}?seen={seen.group(1)}"
    same = alice.get(address, headers=POLL)
    assert same.status_code == 200
    assert "hx-swap-oob" not in same.content.decode()
    assert "Running now" in same.content.decode()
    row = search.trials.filter(state=TrialState.RUNNING).first()
    assert row is not None
    row.state, row.value = TrialState.DONE, 0.09
    row.save()
    changed = alice.get(address, headers=POLL).content.decode()
    for part in ("actions", "verdict", "charts", "map", "trials"):
        assert f'id="part-{part}" hx-swap-oob="innerHTML"' in changed
    assert ".0900" in map_of(changed)
    search.trials.filter(state=TrialState.RUNNING).update(state=TrialState.CANCELLED)
    Search.objects.filter(pk=search.pk).update(state=SearchState.CANCELLED)
    assert alice.get(address, headers=POLL).status_code == 286


def test_what_the_model_expected_of_running_trials(alice: Client, search: Search) -> None:
    row = search.trials.filter(state=TrialState.RUNNING).first()
    assert row is not None
    said = text_of(alice.get(f"/searches/{search.pk}").content.decode())
    expected = f"{row.expected_mean:.4f} ± {row.expected_sd:.4f}".replace("0.", ".")
    assert f"trial {row.number} ● running 50 % the model {expected} \N{MINUS SIGN}6.50 {row.parameters:,}" in said


def test_the_end_says_if_it_was_worth_it(alice: Client, search: Search) -> None:
    search.trials.filter(state=TrialState.RUNNING).update(state=TrialState.FAILED)
    finish_search(search)
    body = alice.get(f"/searches/{search.pk}").content.decode()
    said = text_of(body)
    for words in (
        "Worth it +3.2% NDCG@10 against uniform LoRA of the same size",
        "22,363 users",
        "393,216",
        "390,144",
        ".0584 ± .0004",
        ".0566 ± .0006",
        "Difference +.0018 95 % interval +.0008 to +.0028, p .012",
        "10 trials took 12 min 05 s: 2.6 full trainings of 4 min 40 s. The final comparison took 28 min 00 s.",
        "winner: highest posterior mean",
        "winner in full, seed 2",
    ):
        assert words in said, words
    assert "hx-trigger" not in body
    assert "Worth it" in text_of(alice.get("/searches").content.decode())


def test_importance_is_shown_where_there_is_some(alice: Client, search: Search) -> None:
    address = f"/searches/{search.pk}"
    assert "Importance" not in alice.get(address).content.decode()
    figures = {str(layer): {"mean": 0.001 * layer, "sd": 0.0005} for layer in range(12)}
    search.winner = {**search.winner, "importance": figures}
    search.save()
    table = map_of(alice.get(address).content.decode())
    assert table.count('aria-label=".0110 ± .0005"') == 1
    assert table.count("<rect") == 12


def test_actions_by_role_and_state(people: People, search: Search) -> None:
    address = f"/searches/{search.pk}"
    client = people.client("bob")
    assert 'name="action"' not in client.get(address).content.decode()
    assert client.post(address, {"action": "pause"}).status_code == 403
    client = people.client("bob", "researcher")
    assert "Resume</button>" not in client.get(address).content.decode()
    assert "is paused" in client.post(address, {"action": "pause"}, follow=True).content.decode()
    body = client.get(address).content.decode()
    assert "Resume</button>" in body
    assert "Pause</button>" not in body
    assert "there is nothing to pause" in client.post(address, {"action": "pause"}, follow=True).content.decode()
    assert "goes on" in client.post(address, {"action": "resume"}, follow=True).content.decode()
    assert "now has 35 trials" in client.post(address, {"action": "extend", "more": "5"}, follow=True).content.decode()
    for more in ("-1", "many", "", "0"):
        assert "More trials: got" in client.post(address, {"action": "extend", "more": more}, follow=True).content.decode()
    assert "There is no action" in client.post(address, {"action": "explode"}, follow=True).content.decode()
    assert "is cancelled" in client.post(address, {"action": "cancel"}, follow=True).content.decode()
    search.refresh_from_db()
    assert (search.state, search.plan["trials"]) == (SearchState.CANCELLED, 35)
    assert re.findall(r'name="action" value="(\w+)"', client.get(address).content.decode()) == ["launch"]


def test_charlie_gets_404(charlie: Client, search: Search) -> None:
    for response in (
        charlie.get(f"/searches/{search.pk}"),
        charlie.get(f"/searches/{search.pk}", headers=POLL),
        charlie.post(f"/searches/{search.pk}", {"action": "cancel"}),
        charlie.get("/searches/99999999999999999999999"),
    ):
        assert response.status_code == 404
    assert str(search) not in charlie.get("/searches").content.decode()


def test_a_failed_search_says_what_to_do(alice: Client, version: Version) -> None:
    search = make_search(version, SearchState.FAILED)
    Search.objects.filter(pk=search.pk).update(message=f"All failed {HOSTILE}", hint="Mend it.", reference="ab12")
    body = alice.get(f"/searches/{search.pk}").content.decode()
    for words in ("All failed &lt;script", "Mend it.", "ab12", "No trial yet"):
        assert words in body
    assert "All failed" in alice.get("/searches").content.decode()


def test_warnings_name_their_trials_once(alice: Client, search: Search) -> None:
    search.trials.filter(number__in=(3, 4)).update(warning="The model could not be fitted.")
    Search.objects.filter(pk=search.pk).update(message="The model could not be fitted.")
    body = alice.get(f"/searches/{search.pk}").content.decode()
    assert body.count("The model could not be fitted.") == 1
    assert "(trials 3, 4)" in body


def test_the_list_and_the_ways_to_it(alice: Client, bob: Client, search: Search) -> None:
    said = text_of(alice.get("/searches").content.decode())
    best = load(search).best
    assert best is not None
    assert "search-1 ● running Beauty v1 8 of 30 done, 2 running" in said
    assert f"{best.value:.4f}"[1:] in said
    assert 'href="/searches"' in alice.get("/").content.decode()
    assert alice.get("/searches", headers=POLL).status_code == 200
    Search.objects.update(state=SearchState.PAUSED)
    assert alice.get("/searches", headers=POLL).status_code == 286
    page = alice.get(f"/runs/{load(search).trials[4].run_id}").content.decode()
    assert f'trial 4 of <a href="/searches/{search.pk}" id="to-search">search-1</a>' in page
    search.trials.all().delete()
    Search.objects.all().delete()
    assert "No search yet" in alice.get("/searches").content.decode()
    assert "A researcher of this project can start one" in bob.get("/searches").content.decode()


def test_the_list_has_pages(alice: Client, version: Version) -> None:
    for _ in range(51):
        make_search(version, SearchState.FINISHED)
    assert "50 of 51" in alice.get("/searches").content.decode()
    assert "51 of 51" in alice.get("/searches?page=2").content.decode()


def test_a_run_that_is_no_trial_names_no_search(alice: Client, search: Search) -> None:
    row = load(search).trials[0]
    run = row.run
    row.delete()
    assert "to-search" not in alice.get(f"/runs/{run.pk}").content.decode()


@pytest.mark.parametrize(("chosen", "number"), [("best", 1), ("pareto", 3), ("all", 8), ("nonsense", 8)])
def test_the_map_shows_the_best_the_pareto_set_or_all(alice: Client, version: Version, chosen: str, number: int) -> None:
    search = make_search(version)
    for seed, (value, parameters) in enumerate([(0.05, 900), (0.04, 500), (0.03, 100), (0.03, 500), (0.02, 800), (0.01, 950)]):
        add_trial(search, candidate(3, seed), value, parameters=parameters)
    add_trial(search, candidate(3, 50), 0.045, fidelity=0.5, parameters=50)
    going = add_trial(search, candidate(3, 51))
    body = alice.get(f"/searches/{search.pk}?map={chosen}").content.decode()
    head = map_of(body).split("<tbody>")[0]
    shown = re.findall(r'href="/runs/(\d+)"', head)
    assert len(shown) == number
    assert (str(going.run_id) in shown) == (number == 8)
    assert f'hx-get="/searches/{search.pk}?map={chosen if number < 8 else "all"}"' in body


def test_the_best_is_trained_in_full_as_an_ordinary_run(alice: Client, bob: Client, version: Version) -> None:
    search = make_search(version, settings={"run.training.minutes": 7.0})
    address = f"/searches/{search.pk}"
    assert "launch-best" not in alice.get(address).content.decode()
    assert "No trial of search-1 has ended" in alice.post(address, {"action": "launch"}, follow=True).content.decode()
    add_trial(search, candidate(4, 1), 0.03)
    best = add_trial(search, candidate(4, 2), 0.05, run={"spec": {}})
    assert "launch-best" not in bob.get(address).content.decode()
    assert bob.post(address, {"action": "launch"}).status_code == 403
    body = alice.post(address, {"action": "launch"}, follow=True).content.decode()
    run = Run.objects.latest("pk")
    assert f"{run} is queued: a full training of the architecture of trial {best.number} of search-1" in body
    kinds = [choice.kind for choice in candidate(4, 2).architecture]
    assert [choice["kind"] for choice in run.spec["method"]["architecture"]] == kinds
    training = run.spec["training"]
    assert (training["minutes"], training["stop_below"], run.spec["evaluation"]["test"]) == (7.0, [], True)
    assert search.trials.count() == 2
