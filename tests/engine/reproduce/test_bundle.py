"""A bundle says all that a run hangs on, and nothing of the machine's folders; what is no bundle is refused in words."""

import json
import zipfile
from pathlib import Path

import pytest

from engine.data.version import Version
from engine.errors import DataError
from engine.reproduce.bundle import BUNDLE, read_bundle
from engine.result import Result
from engine.run import run
from engine.spec import parse_spec
from tests.engine.methods.runs import small_spec


def test_it_says_all_and_no_folder(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", {"training.epochs": 1, "training.seed": 7})
    result = run(spec, planted, tmp_path / "run", lambda event: None)
    path = tmp_path / "run" / BUNDLE
    bundle = read_bundle(path)
    assert parse_spec(bundle.spec) == spec
    assert (bundle.seed, bundle.manifest.hash, bundle.timed) == (7, planted.hash, False)
    assert (bundle.numbers.protocol, bundle.numbers.valid, bundle.numbers.test) == (result.protocol, result.valid, result.test)
    assert bundle.numbers.ranks.keys() == {"valid", "test"}
    assert bundle.machine.kind == "CPU, 1 thread"
    assert {"python", "torch", "transformers", "numpy"} <= bundle.machine.packages.keys()
    with zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist())
        texts = {name: archive.read(name).decode() for name in names}
    assert names == ["README.md", "bundle.json", "manifest.json", "spec.json"]
    assert parse_spec(json.loads(texts["spec.json"])) == spec
    assert "python -m engine reproduce reproduce.zip --data DATA" in texts["README.md"]
    assert f"ndcg@10: {result.test['ndcg@10']:.6f}" in texts["README.md"]
    assert not any(str(tmp_path) in text or str(planted.path) in text for text in texts.values())


@pytest.mark.parametrize("kind", ["none", "text", "other zip", "other content"])
def test_what_is_no_bundle(kind: str, tmp_path: Path) -> None:
    path = tmp_path / BUNDLE
    if kind == "text":
        path.write_text("hello")
    elif kind.startswith("other"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("bundle.json" if kind == "other content" else "a.txt", json.dumps({"format": 9}))
    with pytest.raises(DataError, match="is no bundle of a run"):
        read_bundle(path)


def test_a_run_without_a_test_has_a_bundle_too(planted: Version, tmp_path: Path) -> None:
    run(small_spec("popularity", {"evaluation.test": False}), planted, tmp_path, lambda event: None)
    bundle = read_bundle(tmp_path / BUNDLE)
    assert bundle.numbers.test == {}
    assert bundle.numbers.ranks.keys() == {"valid"}
    assert Result.model_validate_json((tmp_path / "result.json").read_text(encoding="utf-8")).valid == bundle.numbers.valid
