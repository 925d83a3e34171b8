import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from tests.webapp.comparing.planting import address, plant_curves, plant_runs, store_ranks
from tests.webapp.people import HOSTILE, PROTOCOL, People, finish, make_run, make_version
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunState, SampleRecommendation
from workers.significance import compare_runs

POLL = {"HX-Request": "true"}
OTHER = {**PROTOCOL, "split": "user-ratio (94 users validate, 95 test)", "split_hash": "ef" * 32}


def text(client: Client, where: str, **headers: str) -> str:
    """The page's text, without its marks."""
    response = client.get(where, headers=headers)
    assert response.status_code in (200, 286), response.status_code
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


@pytest.fixture
def runs(version: Version) -> list[Run]:
    return plant_runs(version, 3)


def bold(client: Client, where: str) -> list[str]:
    """The marked values of the table of metrics."""
    table = client.get(where).content.decode().partition('id="metrics-box"')[2].partition("</table>")[0]
    return [found.strip() for found in re.findall(r'class="number best">([^<]*)', table)]


def test_the_best_of_a_class_is_bold(alice: Client, runs: list[Run]) -> None:
    assert bold(alice, address(runs, columns="test.ndcg@10,valid.ndcg@10,seconds")) == [".0502", ".0602"]
    page = text(alice, address(runs))
    assert "full ranking over 240 items" in page
    assert "Not all of these runs" not in page


def test_what_was_measured_otherwise_stands_apart_and_is_never_ranked(alice: Client, version: Version, runs: list[Run]) -> None:
    others = plant_runs(version, 2, "popularity", protocol=OTHER, test={"ndcg@10": 0.9})
    where = address([*others, *runs], columns="test.ndcg@10")
    page = text(alice, where)
    assert f"run-{others[0].pk} and run-{others[1].pk} are shown apart: another kind of split (user-ratio" in page
    assert "not leave-one-out); another split (efefefefef, not cdcdcdcdcd)." in page
    assert bold(alice, where) == [".0502", ".9000", ".9000"]
    assert page.index("Class A leave-one-out") < page.index("Class B user-ratio")
    alice.get(address([*others, *runs], "/significance"))
    assert sorted(len(row.runs) for row in RunComparison.objects.all()) == [2, 3]


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("version", "99" * 32, "another version of the data (9999999999, not ababababab)"),
        ("seen", "keep", "another rule for items already seen (keep, not remove)"),
        ("candidates", "imported", "other candidates to rank (imported, not full)"),
        ("ties", "first", "another rule for ties (first, not mid-rank)"),
        ("catalogue", 99, "a catalogue of another size (99, not 240)"),
        ("metrics", ["hr@5"], "another set of metrics (hr@5, not hr@10, ndcg@10)"),
        ("mode", "sampled", "another metric mode (sampled, not none)"),
        ("new_rule", "x", "another new rule (x, not none)"),
    ],
)
def test_each_part_of_the_protocol_is_guarded(
    alice: Client, version: Version, runs: list[Run], part: str, value: object, words: str
) -> None:
    other = plant_runs(version, 1, "popularity", protocol={**PROTOCOL, part: value})
    page = text(alice, address([*runs, *other]))
    assert f"run-{other[0].pk} is shown apart: {words}." in page


def test_users_and_a_test_left_alone_are_guarded_too(alice: Client, version: Version, runs: list[Run]) -> None:
    fewer = plant_runs(version, 1, "popularity", users_evaluated=7)
    trial = plant_runs(version, 1, "markov", test={})
    page = text(alice, address([*runs, *fewer, *trial]))
    assert "other numbers of users evaluated (7, not 200)" in page
    assert "measured on validation only, not measured on the test" in page


def test_runs_without_a_result_are_said_and_not_ranked(alice: Client, version: Version, runs: list[Run]) -> None:
    failed, running = make_run(version, RunState.FAILED), make_run(version, RunState.RUNNING)
    page = text(alice, address([*runs, failed, running]))
    assert "Without a result: 1 failed, 1 running" in page
    assert "Not finished" in page


def test_one_run_invites_to_add_others(alice: Client, runs: list[Run]) -> None:
    page = text(alice, address(runs[:1]))
    assert "One run alone compares with nothing" in page
    assert f"+ run-{runs[1].pk}" in page
    assert f"+ run-{runs[0].pk}" not in page
    assert "Choose 2 to 100 runs" in text(alice, "/compare")


def test_a_run_is_added_and_removed(alice: Client, runs: list[Run], people: People) -> None:
    elsewhere = make_version(people)
    first, second, third = runs
    for words in (str(third.pk), f"run-{third.pk}", f" {third.pk} "):
        response = alice.get("/compare", {"runs": f"{first.pk},{second.pk}", "add": words, "columns": "test.hr@10"})
        assert response.headers["Location"].startswith(f"/compare?runs={first.pk},{second.pk},{third.pk}&columns=test.hr@10")
    body = alice.get(address(runs)).content.decode()
    assert f'href="?runs={first.pk},{third.pk}&amp;columns=' in body
    assert f'aria-label="Remove run-{second.pk}"' in body
    page = text(alice, f"/compare?runs={first.pk}&add=popular")
    assert "No run of this project has “popular”" in page
    plant_runs(elsewhere, 1, "popularity")
    assert "Most popular" in text(alice, f"/compare?runs={first.pk}&add=popular") or "Popularity" in text(
        alice, f"/compare?runs={first.pk}&add=popular"
    )
    assert "There is no run-4711" in alice.get(address(runs, add="4711"), follow=True).content.decode()


def test_wrong_addresses_are_said(alice: Client, charlie: Client, runs: list[Run]) -> None:
    response = alice.get("/compare?runs=1,2;drop")
    assert response.status_code == 400
    assert "is not the number of a run" in response.content.decode()
    response = alice.get(f"/compare?runs={','.join(map(str, range(101)))}")
    assert response.status_code == 400
    assert "101 runs are too many" in response.content.decode()
    page = text(alice, f"/compare?runs={runs[0].pk},{runs[1].pk},4711")
    assert "run-4711: there is no such run, or it is not yours" in page
    assert alice.get("/compare?runs=4711").status_code == 404
    for part in ("", "/curves", "/significance", "/settings", "/samples", "/export/csv"):
        assert charlie.get(address(runs, part)).status_code == 404
        assert Client().get(address(runs, part)).status_code == 302
    assert alice.get(address(runs, "/export/exe")).status_code == 404


def test_runs_of_others_are_left_out(people: People, runs: list[Run], charlie: Client) -> None:
    theirs = Run.objects.get(pk=runs[0].pk)
    theirs.project = people.charlie.projects.get(name="Elsewhere")
    theirs.save()
    page = text(charlie, address(runs))
    assert f"run-{runs[1].pk}, run-{runs[2].pk}: there are no such runs, or they are not yours" in page
    assert "One run alone" in page


def test_columns_are_chosen_and_remembered(alice: Client, bob: Client, runs: list[Run]) -> None:
    where = address(runs)
    assert "HR@10, test" in text(alice, where)
    response = alice.get(f"{where}&columns=test.mrr@10&columns=seed&columns=nonsense&remember=1")
    assert response.status_code == 302
    assert response.headers["Location"].endswith("&columns=test.mrr@10,seed")
    page = text(alice, where)
    assert "MRR@10, test" in page
    assert "HR@10, test" not in page
    assert "HR@10, test" in text(bob, where)


def test_rows_are_sorted_and_filtered_by_the_address(alice: Client, version: Version, runs: list[Run]) -> None:
    other = plant_runs(version, 1, "popularity")

    def order(**more: str) -> list[int]:
        body = alice.get(address([*runs, *other], **more)).content.decode()
        table = body.partition('id="metrics-box"')[2].partition("</table>")[0]
        return [int(pk) for pk in re.findall(r'scope="row"><a href="/runs/(\d+)"', table)]

    first, second, third = (run.pk for run in runs)
    assert order() == [first, second, third, other[0].pk]
    assert order(sort="test.ndcg@10") == [third, second, first, other[0].pk]
    assert order(sort="seconds", order="rising") == [first, other[0].pk, second, third]
    assert order(find="SASREC") == [first, second, third]
    assert order(find="zzz") == []
    assert 'aria-sort="descending"' in alice.get(address(runs, sort="test.ndcg@10")).content.decode()
    assert "1 hidden" in text(alice, address([*runs, *other], find="sasrec"))


def test_intervals_stand_beside_the_values_where_there_are_any(runs: list[Run]) -> None:
    from webapp.comparing.columns import column
    from webapp.comparing.metrics_table import row

    runs[0].intervals = {"test": {"ndcg@10": [0.04, 0.06]}}
    cells = row(runs[0], [column("test.ndcg@10"), column("valid.ndcg@10"), column("test.hr@10")], {})["cells"]
    assert [cell["interval"] for cell in cells] == [".0400 to .0600", "", ""]


def test_only_settings_that_differ_are_shown(alice: Client, version: Version, runs: list[Run]) -> None:
    body = alice.get(address(runs, "/settings")).content.decode()
    table = body.partition('id="settings-box"')[2].partition("</table>")[0]
    assert re.findall(r"<code>([^<]*)", table) == ["training.learning_rate", "training.seed"]
    other = plant_runs(version, 1, "popularity")
    body = alice.get(address([runs[0], *other], "/settings")).content.decode()
    table = body.partition('id="settings-box"')[2].partition("</table>")[0]
    assert "<code>method.id</code>" in table
    assert "<td>sasrec<td>popularity" in table
    assert re.search(r"<code>method\.\w+</code><td>[^<]+<td>\N{EN DASH}", table)
    same = text(alice, address([runs[0], plant_runs(version, 1)[0]], "/settings"))
    assert "these runs have equal settings" in same


def test_slices_stand_side_by_side(alice: Client, version: Version, runs: list[Run]) -> None:
    better = [{**line, "metrics": {"ndcg@10": 0.5}} if line["metrics"] else line for line in runs[0].slices]
    other = plant_runs(version, 1, "popularity", slices=better)
    body = alice.get(address([runs[0], *other])).content.decode()
    table = body.partition('id="slices-A"')[2].partition("</table>")[0]
    assert '<td class="number">.0123<td class="number best">.5000' in table
    assert "By the length of the user" in table


def test_curves_are_one_part_with_its_table(alice: Client, version: Version, runs: list[Run]) -> None:
    plant_curves(runs[:2], 30)
    part = alice.get(address(runs, "/curves"), headers=POLL).content.decode()
    assert "<html" not in part
    assert "compare-chart-data" in part
    page = text(alice, address(runs, "/curves"))
    assert "At most 200 points a run" in page
    assert f"run-{runs[0].pk} A SASRec 0 30 .0481 .0500 20 .0490" in page
    assert "minutes since the first report" in text(alice, address(runs, "/curves", over="time"))
    assert "None of these runs has reported an epoch" in text(alice, address(runs[2:], "/curves"))


def test_significance_is_asked_once_and_shown(
    alice: Client, runs: list[Run], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for seed, run in enumerate(runs):
        store_ranks(run, seed, 4.0 if seed == 2 else 1.0)
    where = address(runs, "/significance")
    with django_capture_on_commit_callbacks() as callbacks:
        first = alice.get(where, headers=POLL)
    assert len(callbacks) == 1
    assert 'hx-trigger="every 2s"' in first.content.decode()
    with django_capture_on_commit_callbacks() as callbacks:
        again = alice.get(where, headers={**POLL, "HX-Target": "significance-live"})
    assert callbacks == []
    assert again.status_code == 200
    compare_runs(RunComparison.objects.get().pk)
    done = alice.get(where, headers={**POLL, "HX-Target": "significance-live"})
    assert done.status_code == 286
    page = text(alice, where)
    assert "2 of 3 differences are more than chance, over 200 users" in page
    assert f"run-{runs[0].pk} is better than run-{runs[2].pk}" in page
    assert "not distinguishable" in page
    assert "Holm" in page
    assert "every 2s" not in done.content.decode()


def test_a_run_that_ended_anew_makes_a_new_question(alice: Client, runs: list[Run]) -> None:
    where = address(runs, "/significance")
    alice.get(where)
    alice.get(address(runs[::-1], "/significance"))
    assert RunComparison.objects.count() == 1
    alice.get(address(runs, "/significance", metric="hr@10"))
    assert RunComparison.objects.count() == 2
    runs[0].finished_at = None
    runs[0].save()
    alice.get(where)
    assert RunComparison.objects.count() == 3


def test_of_many_runs_each_is_compared_with_the_best_by_validation(alice: Client, version: Version) -> None:
    many = plant_runs(version, 21)
    many[4].valid = {"ndcg@10": 0.9}
    many[4].save()
    alice.get(address(many, "/significance"))
    assert RunComparison.objects.get().reference == many[4].pk
    alice.get(address(many[:20], "/significance"))
    assert RunComparison.objects.filter(reference=None).count() == 1


def test_recommendations_for_the_same_users_in_columns(alice: Client, version: Version) -> None:
    first, second = finish(make_run(version)), finish(make_run(version, preset="popularity"))
    body = alice.get(address([first, second], "/samples")).content.decode()
    assert body.count("<h3>User") == 1
    assert body.count("<h4>") == 2
    assert body.count("<b>held out</b>") == 2
    assert "&lt;script&gt;alert" in body
    assert HOSTILE not in body
    SampleRecommendation.objects.filter(run=second).update(target={"id": "x", "title": "other"})
    assert "another history or held-out item" in text(alice, address([first, second], "/samples"))
    SampleRecommendation.objects.filter(run=second).update(user_id_text="somebody else")
    assert "This run stored no sample of this user" in text(alice, address([first, second], "/samples"))


def test_many_columns_of_recommendations_come_in_pages(alice: Client, version: Version) -> None:
    runs = [finish(make_run(version)) for _ in range(8)]
    assert "runs 1 to 6 of 8" in text(alice, address(runs, "/samples"))
    assert "runs 7 to 8 of 8" in text(alice, address(runs, "/samples", place="6"))
    assert "runs 1 to 6 of 8" in text(alice, address(runs, "/samples", place="999"))


def test_few_queries_however_many_classes(
    alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [
        run
        for place in range(12)
        for run in plant_runs(version, 2, protocol={**PROTOCOL, "catalogue": place}, folder_key=f"runs/{place}")
    ]
    for part in ("", "/curves", "/settings", "/samples", "/export/tex"):
        with django_assert_max_num_queries(10):
            alice.get(address(runs, part))
    # A savepoint around the new questions makes two more statements; they are no queries.
    with django_assert_max_num_queries(12):
        alice.get(address(runs, "/significance"))
    with django_assert_max_num_queries(10):
        alice.get(address(runs, "/significance"))


def test_hostile_words_are_shown_as_text(alice: Client, version: Version) -> None:
    version.dataset.name = HOSTILE
    version.dataset.save()
    runs = [finish(make_run(version)), finish(make_run(version))]
    Run.objects.update(preset="<b onclick=1>x", method="<i>gone")
    for part in ("", "/curves", "/samples", "/significance", "/settings"):
        body = alice.get(address(runs, part, columns="method,preset,version", find="", sort="preset")).content.decode()
        assert "<script>alert" not in body
        assert "<b onclick" not in body
        assert "<i>gone" not in body
    body = alice.get("/compare?add=%3Cscript%3Ealert").content.decode()
    assert "<script>alert" not in body
