"""Django's registration of this app: back-up and restore."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Makes the commands ``backup`` and ``restore`` known to Django."""

    name = "webapp.operations"
    label = "operations"
