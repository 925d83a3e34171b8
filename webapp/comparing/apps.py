"""Django's registration of this app."""

from django.apps import AppConfig


class ComparingConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.comparing"
    label = "comparing"
