"""What schemathesis asks beside its own checks. It imports this file in its own environment, which has nothing of this project.

``FUZZ_KNOWN`` names a JSON file: ``marker``, a word that stands in everything of the other project; ``foreign``, ids of its
things by the name of the parameter; ``token``, whether requests bear one.
"""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(Path(os.environ["FUZZ_KNOWN"]).read_text())
LONGEST_WAIT = 0.1
"""Seconds that a request waits for a change: what waiting is like, test_waiting.py asks."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Let nobody wait."""
    wait = (case.query or {}).get("wait")
    try:
        long = wait is not None and LONGEST_WAIT < float(wait) <= 60
    except (TypeError, ValueError):
        return
    if long:
        case.query["wait"] = LONGEST_WAIT


@schemathesis.check
def nothing_of_others(context: Any, response: Any, case: Any) -> None:
    """No word of the other project is in any answer, and its ids are none: as if they did not exist."""
    assert KNOWN["marker"].encode() not in response.content, "something of another project is in the answer"
    assert not any(KNOWN["marker"] in value for values in response.headers.values() for value in values)
    asked = {str(value) for name, value in (case.path_parameters or {}).items() if _foreign(name, value)}
    assert not asked or response.status_code >= 400, f"{asked} belongs to another project, and was answered"


@schemathesis.check
def errors_have_one_shape(context: Any, response: Any, case: Any) -> None:
    """Every refusal says a code, a message, a hint and the request's id, in JSON."""
    if response.status_code < 400:
        return
    error = response.json()["error"]
    assert error["code"], error
    assert error["message"], error
    assert "hint" in error, error
    assert [error["request_id"]] == response.headers["x-request-id"], error


@schemathesis.check
def only_with_a_token(context: Any, response: Any, case: Any) -> None:
    """Without a token nothing is answered."""
    assert KNOWN["token"] or response.status_code >= 400, "this was answered to somebody without a token"


def _foreign(name: str, value: Any) -> bool:
    return str(value) in {str(one) for one in KNOWN["foreign"].get(name, ())}
