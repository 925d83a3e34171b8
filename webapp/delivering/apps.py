"""Django's registration of this app."""

from django.apps import AppConfig


class DeliveringConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.delivering"
    label = "delivering"
