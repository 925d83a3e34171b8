"""The form in which a person says how notices may come."""

from typing import Any

from django import forms

from engine.errors import UserError
from webapp.notices.webhooks import read_webhook


class PreferencesForm(forms.Form):
    """Ways by which notices come, beside the bell."""

    email = forms.EmailField(label="E-mail address", required=False, max_length=254)
    email_on = forms.BooleanField(label="Send e-mail", required=False)
    webhook_url = forms.CharField(
        label="Webhook", required=False, max_length=500, help_text="https://…; empty: none. Each notice is posted there as JSON"
    )

    def clean_webhook_url(self) -> str:
        """An address to which something may be sent, or empty."""
        url = str(self.cleaned_data["webhook_url"]).strip()
        if url:
            try:
                read_webhook(url)
            except UserError as error:
                raise forms.ValidationError(f"{error.message} {error.hint}") from error
        return url

    def clean(self) -> dict[str, Any]:
        """E-mail needs an address."""
        values = super().clean() or self.cleaned_data
        if values.get("email_on") and not values.get("email") and "email" not in self.errors:
            self.add_error("email", "Say where to.")
        return values
