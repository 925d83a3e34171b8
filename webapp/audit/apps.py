"""Django's registration of this app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.audit"
    label = "audit"
