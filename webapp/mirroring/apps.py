"""Django's registration of this app."""

from django.apps import AppConfig


class MirroringConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.mirroring"
    label = "mirroring"
