"""What came out of a run: intervals, slices, samples, mask, settings against the preset, files."""

import re
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.evaluation.intervals import METHOD
from tests.webapp.people import HOSTILE, SLICES, finish, make_run, report
from webapp.datasets.models import Version
from webapp.experiments.display import INTERVAL_WORDS
from webapp.experiments.models import LayerAdapter, Run, SampleRecommendation
from webapp.experiments.slice_chart import slice_chart

MASK = {
    "mask": "union",
    "history": [{"id": "i1", "title": HOSTILE}],
    "parts": [{"title": "", "tokens": [HOSTILE, "[item]"], "items": [0, 0], "rows": ["11", "11"]}],
}


@pytest.fixture
def run(version: Version) -> Run:
    """One that has all there is."""
    run = finish(make_run(version, preset="darec-nano"))
    slices = [{**line, "intervals": {"ndcg@10": [0.01, 0.05]} if line["metrics"] else {}} for line in SLICES]
    run.intervals = {"test": {"ndcg@10": [0.0541, 0.0602], "hr@10": [0.1, 0.12]}, "valid": {"ndcg@10": [0.05, 0.07]}}
    run.slices, run.mask, run.folder_key = slices, MASK, f"runs/{run.pk}"
    run.save()
    return run


def words(body: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_metrics_have_intervals_and_say_how_they_came_about(alice: Client, run: Run) -> None:
    text = words(alice.get(f"/runs/{run.pk}").content.decode())
    assert "NDCG@10 .0571 .0541 to .0602, 95 % interval" in text
    assert ".1085 .1000 to .1200" in text
    assert "95 % percentile bootstrap over users, 4,000 resamples" in text
    assert ".0500 to .0700" not in text, "only test figures show theirs"
    assert INTERVAL_WORDS == METHOD


def test_an_older_run_has_no_intervals_and_no_words_about_them(alice: Client, version: Version) -> None:
    run = finish(make_run(version))
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert "interval" not in words(body)
    assert "slices-plot" not in body
    assert "Attention mask" not in body


def test_slices_are_drawn_and_stand_in_the_table(alice: Client, run: Run) -> None:
    chart = slice_chart(run)
    assert chart is not None
    assert [row["label"] for row in chart["rows"]] == ["items: tail 1-9", "users: short 1-5"]
    assert chart["rows"][0]["x"] < chart["rows"][1]["x"]
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert body.count('class="whisker"') == 2
    assert "tail 1-9 1,234 .0123 .0100 to .0500 .0234" in words(body)


def test_samples_are_filtered_by_the_address(alice: Client, run: Run) -> None:
    hit = run.samples.get()
    SampleRecommendation.objects.create(
        run=run, position=1, user_id_text="missed", history=[], target={"id": "z", "title": "Z"}, rank=99.5,
        recommended=hit.recommended,
    )  # fmt: skip
    shown = {name: alice.get(f"/runs/{run.pk}?samples={name}").content.decode() for name in ("", "hits", "misses", "<b>")}
    assert ["u&lt;7&gt;" in body for body in shown.values()] == [True, True, False, True]
    assert ["missed" in body for body in shown.values()] == [True, False, True, True]
    assert "position 100.5 (tied) of 240" in shown["misses"]
    text = words(shown["hits"])
    assert "All 2 Hits 1 Misses 1" in text
    run.samples.filter(position=0).delete()
    assert "None of the 1 sampled users" in words(alice.get(f"/runs/{run.pk}?samples=hits").content.decode())


def test_the_mask_is_drawn_with_hostile_tokens_as_text(alice: Client, run: Run) -> None:
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert "Each token sees all tokens before it, and all tokens of its own item, later ones too." in body
    assert "2 tokens of 1 items: 4 of 4 pairs are seen, 1 of them look ahead" in words(body)
    assert "<script>alert" not in body
    assert "style=" not in body


def test_settings_stand_against_the_preset_first(alice: Client, version: Version) -> None:
    run = finish(make_run(version, preset="sasrec"))
    assert "All settings are those of the preset." in alice.get(f"/runs/{run.pk}").content.decode()
    run.spec["method"]["dimensions"] = 99
    run.spec["new"] = {"gone": [HOSTILE]}
    run.save()
    body = alice.get(f"/runs/{run.pk}").content.decode()
    table = words(body[body.index('id="differences"') : body.index('id="spec"')])
    assert re.search(r"method\.dimensions 99 \d+", table)
    assert "new.gone &lt;script&gt;" in table
    assert table.count("method.") == 1
    Run.objects.filter(pk=run.pk).update(preset="none of ours")
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert "differences" not in body
    assert 'id="spec"' in body


def test_a_full_page_takes_few_queries(alice: Client, run: Run, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    report(run, 20)
    LayerAdapter.objects.bulk_create(
        LayerAdapter(run=run, layer=layer, kind="lora", target="both", rank=8, parameters=9) for layer in range(2, 32)
    )
    alice.get(f"/runs/{run.pk}")
    with django_assert_max_num_queries(8):
        assert alice.get(f"/runs/{run.pk}").status_code == 200


def put(run: Run, name: str, content: bytes) -> None:
    default_storage.save(f"{run.folder_key}/{name}", ContentFile(content))


def test_files_are_listed_and_downloaded(alice: Client, run: Run, tmp_path: Path) -> None:
    put(run, "model/model.safetensors", b"\0" * 2048)
    put(run, "run.json", f'{{"version_path": "{tmp_path}/storage/versions/7"}}'.encode())
    put(run, "reproduce.zip", b"PK")
    put(run, ".hidden/x", b"x")
    body = alice.get(f"/runs/{run.pk}/files").content.decode()
    assert "2.0 KB" in body
    assert "what was trained" in body
    assert "for python -m engine reproduce" in body
    assert "hidden/x" not in body
    response = alice.get(f"/runs/{run.pk}/files/model/model.safetensors")
    assert b"".join(response.streaming_content) == b"\0" * 2048
    assert response["Content-Disposition"] == f'attachment; filename="run-{run.pk}-model-model.safetensors"'
    assert b"".join(alice.get(f"/runs/{run.pk}/files/reproduce.zip").streaming_content) == b"PK"
    response = alice.get(f"/runs/{run.pk}/files/run.json")
    assert response.content == b'{"version_path": "versions/7"}'


@pytest.mark.parametrize(
    "name", ["../secret", "..%2Fsecret", "model/../../secret", "/etc/passwd", "%00", ".hidden/x", "model", "model//m", "x" * 5000]
)
def test_no_other_file_can_be_reached(alice: Client, run: Run, name: str) -> None:
    put(run, "model/m", b"m")
    put(run, ".hidden/x", b"x")
    default_storage.save("runs/secret", ContentFile(b"secret"))
    assert alice.get(f"/runs/{run.pk}/files/{name}").status_code == 404


def test_files_are_for_the_project_only(charlie: Client, bob: Client, run: Run) -> None:
    put(run, "result.json", b"{}")
    for address in (f"/runs/{run.pk}/files", f"/runs/{run.pk}/files/result.json"):
        assert charlie.get(address).status_code == 404
        assert bob.get(address).status_code == 200


def test_a_run_without_files_says_so(alice: Client, version: Version) -> None:
    run = make_run(version)
    assert "There are no files yet" in alice.get(f"/runs/{run.pk}/files").content.decode()
    assert 'id="artifacts"' not in alice.get(f"/runs/{run.pk}").content.decode()
