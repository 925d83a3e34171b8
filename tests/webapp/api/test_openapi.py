"""A change of the API is a change of the snapshot beside this file. Renew it with UPDATE_SNAPSHOT=1."""

import json
import os
from pathlib import Path

from django.test import Client

SNAPSHOT = Path(__file__).with_name("openapi.json")


def test_openapi_is_as_in_the_snapshot(visitor: Client) -> None:
    document = visitor.get("/api/v1/openapi.json").json()
    if os.environ.get("UPDATE_SNAPSHOT") == "1":
        SNAPSHOT.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert document == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_the_document_page_needs_no_network(visitor: Client) -> None:
    body = visitor.get("/api/v1/docs").content.decode()
    assert "/static/ninja/swagger-ui-bundle.js" in body
    assert "https://" not in body
