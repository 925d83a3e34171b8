"""Django's registration of this app."""

from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.datasets"
    label = "datasets"
