"""Django's registration of this app."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.serving"
    label = "serving"
