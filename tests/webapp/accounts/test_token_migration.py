"""Tokens from before there were scopes keep what they could do."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


@pytest.mark.django_db(transaction=True)
def test_old_tokens_may_curate() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("accounts", "0002_projects_shared")])
    try:
        old = executor.loader.project_state([("accounts", "0002_projects_shared")]).apps
        user = old.get_model("auth", "User").objects.create(username="script")
        old.get_model("accounts", "ApiToken").objects.create(user=user, name="old", lookup="abc", digest="0" * 64)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    with connection.cursor() as cursor:
        cursor.execute("SELECT scope FROM accounts_apitoken")
        assert cursor.fetchall() == [("curate",)]
