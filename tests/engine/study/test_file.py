from pathlib import Path

import pytest

from engine.errors import UserError
from engine.study.file import read_study


def write(folder: Path, text: str) -> Path:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return folder / "study.yaml"


WHOLE = """
seeds: [4, 5]
base: sasrec
set: {training.minutes: 10, training.patience: 3}
variants:
  - {label: popular, preset: popularity, sentence: what everybody likes}
  - {label: sasrec, preset: sasrec, set: {method.dropout: 0.5}}
  - {label: small, set: {method.dimensions: 16}}
  - {label: own, spec: own.yaml}
  - {label: inline, spec: {method: {id: sasrec, loss: bce}}}
"""


def test_presets_files_mappings_and_changes_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("method: {id: sasrec, blocks: 1}\n", encoding="utf-8")
    study = read_study(write(tmp_path, WHOLE), {"training.patience": 7})
    assert [member.label for member in study.members] == ["sasrec", "popular", "small", "own", "inline"]
    specs = {member.label: member.spec for member in study.members}
    values = {label: spec.method.model_dump() for label, spec in specs.items()}
    assert (values["small"]["dimensions"], values["small"]["dropout"]) == (16, 0.5)
    assert (values["sasrec"]["dimensions"], values["own"]["blocks"], values["inline"]["loss"]) == (64, 1, "bce")
    assert values["popular"]["id"] == "popularity"
    assert study.members[1].sentence == "what everybody likes"
    assert study.seeds == (4, 5)
    assert {spec.training.minutes for spec in specs.values()} == {10}
    assert {spec.training.patience for spec in specs.values()} == {7}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("variants: []", "variants"),
        ("[]", "holds no settings"),
        ("variants: [{label: a, preset: sasrec, set: {method.blocks: 0}}]", r"a: method\.blocks: got 0, must be 1 or more"),
        ("variants: [{label: a}]", "base a has neither a preset nor a spec"),
        ("variants: [{label: a, preset: sasrec, spec: b.yaml}]", "a has a preset and a spec"),
        ("variants: [{label: a, spec: nowhere.yaml}]", r"nowhere\.yaml: cannot be read"),
        ("variants: [{label: a, preset: sasrek}]", "no preset 'sasrek'"),
        ("variants: [{label: a, preset: sasrec}]\nbase: b", "no variant 'b'"),
        ("variants: [{label: a, preset: sasrec}]\nseeds: [x]", r"seeds\.0: got 'x', must be a whole number"),
        ("variants: [{label: a, preset: sasrec, colour: red}]", r"variants\.0\.colour: there is no such setting"),
        ("variants: [{preset: sasrec}]", r"variants\.0\.label: is missing"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        read_study(write(tmp_path, text))
