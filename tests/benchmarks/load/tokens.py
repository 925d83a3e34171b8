"""Tokens for those who launch and upload: ``python -m tests.benchmarks.load.tokens NUMBER`` prints them and a version as JSON."""

import json
import os
import sys

import django


def main() -> None:
    """Issue the tokens in the database that the environment names; the pages' benchmark has planted its person there."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    from django.contrib.auth.models import User

    from webapp.accounts.models import Scope
    from webapp.accounts.tokens import issue_token
    from webapp.datasets.models import Version

    user = User.objects.get(username="bench")
    tokens = [issue_token(user, f"load {number}", 1, Scope.LAUNCH)[1] for number in range(int(sys.argv[1]))]
    print(json.dumps({"tokens": tokens, "version": Version.objects.order_by("pk").values_list("pk", flat=True)[0]}))


if __name__ == "__main__":
    main()
