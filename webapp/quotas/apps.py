"""Django's registration of this app."""

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.quotas"
    label = "quotas"
