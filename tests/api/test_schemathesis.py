"""Requests made up from the description of the API: none of them breaks the server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings

from sdr_lab.api.app import create_app
from sdr_lab.api.state import state_of
from sdr_lab.config import Settings

EXAMPLES = 5
"""For each of some seventy operations; the same ones every time."""

OUTWARD = {"/v1/convai/knowledge-base/url", "/v1/convai/webhooks/{webhook_id}/test"}
"""They ask other machines, which a test may not."""

SPEC = create_app().openapi()
SCHEMA = schemathesis.openapi.from_dict(SPEC)
OPERATIONS = [
    (method, path)
    for path, methods in SPEC["paths"].items()
    for method in methods
    if method != "head" and path not in OUTWARD
]

NOT_NOW = {
    "/ready": {503},  # a part is missing on this machine
    "/v1/convai/twilio/outbound-call": {502, 503, 504},  # nobody is Twilio here
}
"""Statuses from 500 on that say the truth here."""


NUMBERS = count(100)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    values = {
        "SDR_LAB_HOME": tmp_path_factory.mktemp("schemathesis"),
        "LLM_PROVIDER": "playbook",
        "EMBED_MODEL": "hash",
        "RATE_LIMIT_PER_MINUTE": 0,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_API_URL": "http://127.0.0.1:1",
        "PUBLIC_URL": "https://calls.example",
    }
    app = create_app(Settings.load(None, values, environ={}))
    yield TestClient(app)  # a mistake in a handler is raised here, with its traceback
    state_of(app).lab.database.close()


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: str(part))
def test_no_request_breaks_the_server(client: TestClient, method: str, path: str):
    there = things_there(client)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(SCHEMA[path][method].as_strategy())
    def sends(case: schemathesis.Case) -> None:
        reply = client.request(**request_of(case, there), follow_redirects=False)

        assert reply.status_code < 500 or reply.status_code in NOT_NOW.get(path, ()), reply.text
        if reply.status_code >= 400 and "json" in reply.headers["content-type"]:
            assert {"error", "detail"} <= reply.json().keys() or path == "/ready"

    sends()


def things_there(client: TestClient) -> dict[str, str]:
    """Return ids of things that are there: of others every answer would be 404."""
    agent = client.post("/v1/convai/agents", json={"name": "Bot", "tags": ["made"]}).json()
    number = f"+1646555{next(NUMBERS):04}"  # none of the examples
    reply = client.post("/v1/convai/phone-numbers", json={"phone_number": number})
    hook = {"url": "https://hooks.example/x", "events": ["call.ended"]}
    document = {"text": "Prices start at 49 dollars.", "name": "Prices"}
    return {
        "agent_id": agent["agent_id"],
        "phone_number_id": reply.json()["phone_number_id"],
        "webhook_id": client.post("/v1/convai/webhooks", json=hook).json()["webhook_id"],
        "document_id": client.post("/v1/convai/knowledge-base/text", json=document).json()["id"],
        "version": "1",
    }


def request_of(case: schemathesis.Case, there: dict[str, str]) -> dict[str, Any]:
    """Return a case as the client takes it."""
    for name in case.path_parameters:
        if name in there:
            case.path_parameters[name] = there[name]
    given = case.as_transport_kwargs(base_url="http://testserver")
    known = ("method", "url", "headers", "params", "json", "data", "files")
    kept = {name: given[name] for name in known if given.get(name) is not None}
    if isinstance(kept.get("data"), bytes | str):
        kept["content"] = kept.pop("data")
    if "files" in kept:
        kept["files"] = [(name, as_file(value)) for name, value in kept["files"]]
    return kept


def as_file(value: Any) -> Any:
    """Return a part of a form; made-up ones may hold numbers."""
    if isinstance(value, tuple):
        return tuple(as_file(part) if part is not None else None for part in value)
    return value if isinstance(value, bytes | str) else str(value)
