"""What can go wrong. Every error says what happened, and in ``hint`` what to do about it."""

import json
from typing import Any


class ClientError(Exception):
    """The ancestor of all errors of this package."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message, self.hint = message, hint


class ApiError(ClientError):
    """The site refused the request.

    Attributes:
        status: HTTP status.
        code: for programs, such as ``not_found`` or ``rate_limited``; the site's API page lists all.
        message, hint: for people.
        field: dotted path of the setting that is wrong, where one is.
        problems: ``{field, message}`` of each setting that is wrong.
        request_id: name it to an admin, who finds it in the site's log.
    """

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message") or f"HTTP {status}"), str(error.get("hint") or ""))
        self.status = status
        self.code = str(error.get("code") or "unknown")
        self.field: str | None = error.get("field")
        self.problems: list[dict[str, str]] = error.get("problems") or []
        self.request_id: str | None = error.get("request_id")

    @classmethod
    def from_answer(cls, status: int, body: bytes, request_id: str | None = None) -> "ApiError":
        """The error that an answer tells; one that is not of the API (a proxy's page, say) is named as such."""
        try:
            error = json.loads(body)["error"]
            if isinstance(error, dict):
                return cls(status, error)
        except (ValueError, KeyError, TypeError):
            pass  # It is no answer of the API: told below.
        message = f"The server answered HTTP {status}, not in the way of this API."
        return cls(status, {"message": message, "hint": "Is the address that of a DARec Lab site?", "request_id": request_id})


class UnreachableError(ClientError):
    """No answer came, also after trying again."""


class WaitedTooLongError(ClientError):
    """It was not over in the time that the caller gave; it goes on all the same."""


class EndedBadlyError(ClientError):
    """What was waited for has ended without success.

    Attributes:
        state: failed, cancelled, lost, deleted.
    """

    def __init__(self, what: str, state: str, message: str, hint: str) -> None:
        super().__init__(f"{what} is {state}. {message}".strip(), hint)
        self.state = state
