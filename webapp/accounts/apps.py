"""Django's registration of this app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    """Makes the app known to Django."""

    name = "webapp.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Give each person a project at the first sign-in, and start the session's clock at each."""
        from webapp.accounts import sessions
        from webapp.accounts.personal import on_sign_in

        user_logged_in.connect(on_sign_in, dispatch_uid="personal project")
        user_logged_in.connect(sessions.on_sign_in, dispatch_uid="session clock")
