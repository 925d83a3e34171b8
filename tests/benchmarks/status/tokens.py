"""Makes API tokens of the benchmark's person: ``python -m tests.benchmarks.status.tokens NUMBER`` prints them as JSON."""

import json
import os
import sys

import django


def main() -> None:
    """One for each client, as people's scripts have."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    from django.contrib.auth.models import User

    from webapp.accounts.models import Scope
    from webapp.accounts.tokens import issue_token

    user = User.objects.get(username="bench")
    print(json.dumps([issue_token(user, f"client {number}", 1, Scope.READ)[1] for number in range(int(sys.argv[1]))]))


if __name__ == "__main__":
    main()
