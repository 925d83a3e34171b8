"""The page from which a run's ablations are launched: which variants, over which seeds, and how many runs that makes."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engine.errors import UserError
from engine.spec import RunSpec, override, parse_spec
from engine.study.ablations import ablation_study, ablations_of
from engine.study.variant import Study, Variant
from webapp import broker
from webapp.accounts.access import enter_project, require_role
from webapp.accounts.models import Role
from webapp.display import count, duration
from webapp.experiments.access import get_run_for_user
from webapp.experiments.actions import launch_group
from webapp.experiments.models import GroupKind, Run
from webapp.experiments.seeds import MAX_SEEDS, read_seeds
from webapp.http import PageRequest, page, render_block, wants_part

_TEMPLATE = "experiments/ablation.html"


class AblationForm(forms.Form):
    """Variants and seeds.

    Args:
        variants: what there is, the base first; it is always in.
    """

    name = forms.CharField(max_length=120, help_text="To find it again.")
    seeds = forms.CharField(
        initial="0,1,2",
        max_length=200,
        help_text=f"Each variant runs once with each of them: 1 to {MAX_SEEDS} different whole numbers, with commas between. "
        "One seed alone shows nothing of the luck in training.",
    )
    variants = forms.MultipleChoiceField(
        error_messages={
            "required": "Choose at least one variant beside the base.",
            "invalid_choice": "There is no ablation '%(value)s' of this run. Choose from those shown.",
        }
    )

    def __init__(self, *args: Any, variants: list[Variant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = variants[1:]
        choice = self.fields["variants"]
        assert isinstance(choice, forms.MultipleChoiceField)  # noqa: S101 - it is, see above
        choice.choices = [(variant.name, variant.name) for variant in self.known]
        choice.initial = [variant.name for variant in self.known]

    def clean_seeds(self) -> tuple[int, ...]:
        """Different whole numbers, as many as allowed."""
        try:
            return read_seeds(str(self.cleaned_data["seeds"]))
        except UserError as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The variants as checkboxes."""
        # Not self["variants"].value(): a forged value may be none of those that are shown.
        chosen = self["variants"].value() or []
        return [{"name": known.name, "sentence": known.sentence, "checked": known.name in chosen} for known in self.known]


@page
@require_http_methods(["GET", "POST"])
def ablation_page(request: PageRequest, pk: int) -> HttpResponse:
    """Choose and launch. GET shows the form, or, with its fields in the address, how many runs they make; POST launches."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    require_role(request.user, run.project, Role.RESEARCHER)
    try:
        spec = parse_spec(override(run.spec, {"evaluation.test": True}))  # trials of a search leave the test alone
        variants = ablations_of(spec)
    except UserError as error:
        messages.error(request, f"{run} cannot be ablated. {error}")
        return redirect("run", pk=run.pk)
    if request.method == "POST":
        return _launch(request, run, spec, variants)
    data = request.GET if "seeds" in request.GET else None
    form = AblationForm(data, variants=variants, initial={"name": f"Ablation of {run}"})
    context = _context(run, form)
    if wants_part(request):
        return HttpResponse(render_block(request, _TEMPLATE, "amount", context))
    return render(request, _TEMPLATE, context)


def _launch(request: PageRequest, run: Run, spec: RunSpec, variants: list[Variant]) -> HttpResponse:
    form = AblationForm(request.POST, variants=variants)
    if not form.is_valid():
        return render(request, _TEMPLATE, _context(run, form), status=422)
    try:
        study: Study = ablation_study(spec, form.cleaned_data["seeds"], form.cleaned_data["variants"])
        group = launch_group(GroupKind.ABLATION, form.cleaned_data["name"], run, request.user, study)
    except UserError as error:
        form.add_error(None, str(error))
        return render(request, _TEMPLATE, _context(run, form), status=422)
    runs = f"{len(study.runs())} runs are queued"
    if broker.answers():
        messages.success(request, f"{runs}.")
    else:
        messages.warning(request, f"{runs}, but the queue does not answer right now; they start once it does.")
    return redirect("group", pk=group.pk)


def _context(run: Run, form: AblationForm) -> dict[str, Any]:
    return {"run": run, "form": form, "amount": _amount(run, form), "section": "runs"}


def _amount(run: Run, form: AblationForm) -> str:
    """How many runs the form would launch, and how long that takes; empty while it is wrong."""
    if form.is_bound:
        if not form.is_valid():
            return ""
        variants, seeds = len(form.cleaned_data["variants"]) + 1, len(form.cleaned_data["seeds"])
    else:
        variants, seeds = len(form.known) + 1, len(str(form["seeds"].value()).split(","))
    words = f"{variants} variants with {seeds} seed{'' if seeds == 1 else 's'} each: {count(variants * seeds)} runs"
    if run.seconds is None:
        return f"{words}."
    whole = duration(run.seconds * variants * seeds)
    return f"{words}. {run} took {duration(run.seconds)}; if all take as long, that is {whole} on one worker."
