"""Asking the API as somebody, and what an error must look like."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token


def headers(user: User) -> dict[str, str]:
    """A fresh token of theirs."""
    return {"Authorization": f"Bearer {issue_token(user, 'test', 1, Scope.ADMIN)[1]}"}


def ask(user: User, method: str, path: str, body: Any = None, **more: str) -> Any:
    """The answer to ``method`` on ``/api/v1`` + ``path``."""
    known: dict[str, Any] = {"headers": {**headers(user), **more}}
    if body is not None:
        known |= {"data": json.dumps(body), "content_type": "application/json"}
    return Client(raise_request_exception=False).generic(method.upper(), f"/api/v1{path}", **known)


def get(user: User, path: str) -> Any:
    """The body of an answer that must be 200."""
    answer = ask(user, "get", path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def post(user: User, path: str, body: Any = None, status: int = 200) -> Any:
    """The body of an answer to a POST that must have this status."""
    answer = ask(user, "post", path, {} if body is None else body)
    assert answer.status_code == status, answer.content
    return answer.json()


def refused(answer: Any, status: int) -> str:
    """The message of an error, which has the one shape."""
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert error["message"]
    assert "hint" in error
    return str(error["message"])
