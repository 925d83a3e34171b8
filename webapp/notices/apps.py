"""Django's registration of this app."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.notices"
    label = "notices"
