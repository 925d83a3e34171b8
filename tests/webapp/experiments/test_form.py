from engine.errors import SpecError
from engine.presets import get_preset
from tests.webapp.people import form_of
from webapp.experiments.form import FormField, SpecForm


def field(form: SpecForm, path: str) -> FormField:
    return next(member for group in form.groups for member in group.fields if member.description.path == path)


def test_an_unchanged_form_is_the_preset() -> None:
    for name in ("darec-nano", "sasrec", "sasrec-bce", "popularity"):
        preset = get_preset(name)
        form = SpecForm(preset, values=form_of(name))
        assert preset.spec(form.settings()) == preset.spec(), name
        assert not any(member.changed for group in form.groups for member in group.fields)


def test_values_are_read_by_kind() -> None:
    values = form_of("darec-nano", training__epochs="7", training__minutes="", method__injection__stop_gradient="true")
    values["method.architecture"] = "lora/both/4, none, none, lora/mlp/2"
    spec = get_preset("darec-nano").spec(SpecForm(get_preset("darec-nano"), values=values).settings())
    assert spec.training.epochs == 7
    assert spec.training.minutes is None
    assert spec.model_dump()["method"]["injection"]["stop_gradient"] is True
    assert [str(choice) for choice in spec.method.architecture] == ["lora/both/4", "none", "none", "lora/mlp/2"]  # type: ignore[attr-defined]


def test_the_versions_filters_are_not_asked_again() -> None:
    assert all(group.path != "filters" for group in SpecForm(get_preset("sasrec")).groups)


def test_a_clone_shows_its_values_as_changes() -> None:
    spec = get_preset("sasrec").spec({"training.epochs": 3})
    form = SpecForm(get_preset("sasrec"), spec=spec)
    assert field(form, "training.epochs").value == "3"
    assert field(form, "training.epochs").changed
    assert not field(form, "training.batch_size").changed


def test_ranges_in_words() -> None:
    form = SpecForm(get_preset("darec-nano"))
    assert field(form, "training.epochs").limits == "1 to 100,000"
    assert field(form, "training.learning_rate").limits == "more than 0, up to 10"
    assert field(form, "training.clip").limits == "more than 0, up to 1,000,000"
    assert field(form, "method.injection.share_of_time").limits == "0 to less than 1"
    assert field(form, "method.backbone").limits == ""


def test_each_problem_stands_at_its_field_or_group() -> None:
    values = form_of("darec-nano", training__epochs="many", method__architecture="lora/nowhere/8", method__nano__heads="3")
    form = SpecForm(get_preset("darec-nano"), values=values)
    try:
        get_preset("darec-nano").spec(form.settings())
    except SpecError as error:
        form.blame(error.problems)
    assert field(form, "training.epochs").problems == ["got 'many', must be a whole number"]
    assert field(form, "training.epochs").value == "many"
    assert "got 'nowhere'" in field(form, "method.architecture").problems[0]
    nano = next(group for group in form.groups if group.path == "method.nano")
    assert "multiple of 6" in nano.problems[0]
    assert nano.open


def test_problems_between_groups_find_the_field_they_name() -> None:
    form = SpecForm(get_preset("darec-nano"), values=form_of("darec-nano", method__text__window="60"))
    try:
        get_preset("darec-nano").spec(form.settings())
    except SpecError as error:
        form.blame(error.problems)
    assert "must be 60" in field(form, "method.injection.sasrec.window").problems[0]


def test_a_cut_of_another_kind_of_split_is_told_at_its_field() -> None:
    form = SpecForm(get_preset("sasrec"), values=form_of("sasrec", split__valid_from="2020-01-01"))
    try:
        get_preset("sasrec").spec(form.settings())
    except SpecError as error:
        form.blame(error.problems)
    assert field(form, "split.valid_from").problems == [
        "got 2020-01-01 with kind leave-one-out, must be 0.8: it belongs to temporal"
    ]
    right = {"split.kind": "temporal", "split.valid_from": "2020-01-01", "split.test_from": "2020-02-01"}
    values = form_of("sasrec", **{path.replace(".", "__"): value for path, value in right.items()})
    assert get_preset("sasrec").spec(SpecForm(get_preset("sasrec"), values=values).settings()).split.kind == "temporal"


def test_what_fits_nowhere_stands_above() -> None:
    form = SpecForm(get_preset("sasrec"))
    form.blame([("", "something"), ("training.nope", "there is no such setting")])
    assert form.problems == ["something", "training.nope: there is no such setting"]
