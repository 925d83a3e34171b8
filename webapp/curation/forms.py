"""The forms of curation. They refuse NUL, which the database cannot keep."""

from typing import Any

from django import forms

from engine.data.specs import FilterSpec
from webapp.curation.bulk import MOST_CHARACTERS, split_categories
from webapp.curation.drafts import NewEdit
from webapp.curation.models import CatalogueItem, EditKind
from webapp.datasets.display import CARD
from webapp.datasets.models import Dataset

_LIST_BYTES = 4 * MOST_CHARACTERS


class ItemForm(forms.Form):
    """The texts of an item."""

    title = forms.CharField(required=False, max_length=5000, help_text="Empty: the id stands in.")
    categories = forms.CharField(required=False, max_length=5000, help_text="With | in between.")
    description = forms.CharField(required=False, max_length=50_000, widget=forms.Textarea(attrs={"rows": 4}))

    def edit(self, item: CatalogueItem) -> NewEdit | None:
        """What differs from ``item``; None if nothing does. Call it on a valid form."""
        new: dict[str, Any] = {
            "title": self.cleaned_data["title"].strip(),
            "categories": split_categories(self.cleaned_data["categories"]),
            "description": self.cleaned_data["description"].replace("\r\n", "\n").strip(),
        }
        old = {"title": item.title, "categories": item.categories, "description": item.description}
        values = {name: value for name, value in new.items() if value != old[name]}
        return NewEdit(EditKind.CHANGE, item.item_id, values) if values else None


class MergeForm(forms.Form):
    """The item that another one is the same as."""

    into = forms.CharField(label="Same as the item with the id", max_length=5000, strip=False)


class ListForm(forms.Form):
    """A list of edits, as a file, or as the text of one that was tried before."""

    file = forms.FileField(required=False, label="List", help_text="CSV in UTF-8, at most 1,000,000 characters and 20,000 lines.")
    text = forms.CharField(required=False, max_length=MOST_CHARACTERS, strip=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """``text``, read from the file if there is one."""
        values: dict[str, Any] = super().clean() or {}
        file = values.get("file")
        if file is not None:
            if file.size > _LIST_BYTES:
                raise forms.ValidationError("The list is too large. Send it in parts.")
            try:
                values["text"] = file.read().decode("utf-8-sig").replace("\r\n", "\n")
            except UnicodeDecodeError as error:
                raise forms.ValidationError("The list is no UTF-8 text. Save it as CSV in UTF-8.") from error
        if not values.get("text"):
            raise forms.ValidationError("Choose a list.")
        if "\x00" in values["text"]:
            raise forms.ValidationError("The list holds a NUL character; is it a text file?")
        return values


class UsersForm(forms.Form):
    """Users to leave out."""

    users = forms.CharField(
        label="Users to leave out",
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="Ids, one a line. Whether there are such users, the worker says when it makes the version.",
    )

    def edits(self) -> list[NewEdit]:
        """One edit a user. Call it on a valid form."""
        ids = dict.fromkeys(line.strip() for line in self.cleaned_data["users"].splitlines() if line.strip())
        return [NewEdit(EditKind.EXCLUDE_USER, user) for user in ids]


class MakeForm(forms.Form):
    """What follows the edits."""

    core = forms.IntegerField(
        label="k-core afterwards",
        initial=0,
        min_value=0,
        max_value=1000,
        help_text="Keep users and items with at least this many interactions, repeatedly; 0 keeps all.",
    )

    def filters(self) -> FilterSpec:
        """The filters. Call it on a valid form."""
        return FilterSpec(core=self.cleaned_data["core"])


class CardForm(forms.ModelForm):  # type: ignore[type-arg]
    """The data card of a dataset."""

    class Meta:
        model = Dataset
        fields = CARD
        labels = {"known_faults": "Known faults"}
        widgets = dict.fromkeys(CARD, forms.Textarea(attrs={"rows": 3, "maxlength": 5000}))
