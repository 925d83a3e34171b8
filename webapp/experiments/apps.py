"""Django's registration of this app."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.experiments"
    label = "experiments"
