"""Django's registration of this app."""

from django.apps import AppConfig


class CurationConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.curation"
    label = "curation"
