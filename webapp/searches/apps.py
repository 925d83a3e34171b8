"""Django's registration of this app."""

from django.apps import AppConfig


class SearchesConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.searches"
    label = "searches"
