"""The upload form."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from engine.errors import DataError, SpecError
from engine.fields import describe_fields
from engine.spec import FilterSpec
from webapp.accounts.models import Project
from webapp.datasets.actions import parse_filters
from webapp.datasets.content import checked_name
from webapp.datasets.models import Dataset
from webapp.display import size

_FILTERS = {field.name: field for field in describe_fields(FilterSpec())}


class UploadForm(forms.Form):
    """Two files and the filters of a version; with a name, if it is the first one of a new dataset.

    Args:
        project: where the dataset will be.
        dataset: None for a new dataset.
    """

    name = forms.CharField(max_length=100, help_text="What the data is, e.g. Beauty 2014.")
    interactions = forms.FileField(
        allow_empty_file=True,
        help_text="A row for each time that somebody bought, rated or clicked something: CSV, TSV, JSON Lines or Parquet, "
        "perhaps gzipped; or one archive with everything (zip). MovieLens, RecBole, Amazon reviews and SASRec's text are known.",
    )
    items = forms.FileField(
        required=False,
        allow_empty_file=True,
        help_text="The items' titles, categories and descriptions, likewise. Without it, and without titles in the log, "
        "the ids stand in for titles.",
    )
    core = forms.CharField(
        label="Core", initial=str(_FILTERS["core"].default), help_text=_FILTERS["core"].description.capitalize() + "."
    )

    def __init__(self, *args: Any, project: Project, dataset: Dataset | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        if dataset is not None:
            del self.fields["name"]

    def clean_name(self) -> str:
        """A name that the project does not have yet."""
        name = str(self.cleaned_data["name"])
        if Dataset.objects.filter(project=self.project, name=name).exists():
            raise forms.ValidationError(
                f"The project has a dataset '{name}' already. Choose another name, or add a version to that dataset."
            )
        return name

    def clean_interactions(self) -> "UploadedFile[Any]":
        """A file that is not empty, not too large, and text or gzip."""
        return _checked("interactions", self.cleaned_data["interactions"])

    def clean_items(self) -> "UploadedFile[Any] | None":
        """Likewise, where there is one."""
        file = self.cleaned_data["items"]
        return _checked("items", file) if file else None

    def clean_core(self) -> dict[str, Any]:
        """The filters, as ``engine.spec.FilterSpec`` wants them."""
        text = str(self.cleaned_data["core"]).strip()
        filters = {"core": int(text) if text.removeprefix("-").isdecimal() and len(text) < 19 else text}
        try:
            parse_filters(filters)
        except SpecError as error:
            raise forms.ValidationError([problem for _, problem in error.problems]) from error
        return filters


def _checked(role: str, file: "UploadedFile[Any]") -> "UploadedFile[Any]":
    if (file.size or 0) > settings.UPLOAD_LIMIT_BYTES:
        raise forms.ValidationError(
            f"The file has {size(file.size or 0)}; at most {size(settings.UPLOAD_LIMIT_BYTES)} are allowed. "
            "Upload it gzipped, or less of it."
        )
    try:
        checked_name(role, file)
    except DataError as error:
        raise forms.ValidationError(str(error)) from error
    return file
