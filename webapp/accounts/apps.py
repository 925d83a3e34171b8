"""Django's registration of this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.accounts"
    label = "accounts"
