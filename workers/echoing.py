"""Answering that somebody is there: what /readyz asks."""

from django.db import connection, transaction
from django.db.models.functions import Now

from webapp.fleet.models import Echo


@transaction.atomic
def answer_echo(pk: int) -> None:
    """Say in row ``pk``, if anybody still waits for it, that a worker took the message."""
    if Echo.objects.filter(pk=pk, answered_at=None).update(answered_at=Now()):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [Echo(pk=pk).channel])
