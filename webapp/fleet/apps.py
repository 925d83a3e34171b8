"""Django's registration of this app."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.fleet"
    label = "fleet"
