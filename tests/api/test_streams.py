from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sdr_lab.api.app import create_app
from tests.live.served import HIS, ScriptedLab, scripted_lab


@pytest.fixture
def lab(home: Path) -> ScriptedLab:
    return scripted_lab(home)


@pytest.fixture
def client(lab: ScriptedLab) -> Iterator[TestClient]:
    with TestClient(create_app(lab=lab)) as client:
        yield client


def test_a_token_is_made_for_one_conversation(client: TestClient, lab: ScriptedLab):
    reply = client.post(
        "/v1/convai/streams",
        json={
            "agent_id": "joe",
            "phone_number": "(415) 555-0137",
            "dynamic_variables": {"lead": "Dana", "age": 41, "vip": True, "gone": None},
            "conversation_config_override": {"agent": {"first_message": "Hi {{lead}}."}},
            "user_id": "u1",
        },
    )

    assert reply.status_code == 200
    told = reply.json()
    assert told["url"] == f"ws://testserver/media-stream/{told['token']}"
    ticket = lab.tickets.peek(told["token"])
    assert ticket is not None
    assert (ticket.kind, ticket.conversation_id) == ("browser", told["conversation_id"])
    call = lab.calls.get(told["conversation_id"])
    assert (call.phone_number, call.line) == (HIS, "browser")
    assert call.variables == {"lead": "Dana", "age": "41", "vip": "true"}
    assert call.overrides == {"first_message": "Hi {{lead}}."}
    assert call.metadata["user_id"] == "u1"


def test_half_characters_get_no_further(client: TestClient, lab: ScriptedLab):
    body = b'{"agent_id": "joe", "dynamic_variables": {"lead\\ud800": "Dana\\udfff"}}'

    reply = client.post(
        "/v1/convai/streams", content=body, headers={"content-type": "application/json"}
    )

    assert lab.calls.get(reply.json()["conversation_id"]).variables == {"lead?": "Dana?"}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"agent_id": "nobody"}, 404, "nobody"),
        ({"agent_id": "/etc/agent.yaml"}, 404, "agent.yaml"),
        ({"agent_id": "joe", "phone_number": "12"}, 422, "phone_number"),
        ({"agent_id": "joe", "dynamic_variables": {"a": "x" * 3000}}, 422, "3000"),
        ({"agent_id": "joe", "dynamic_variables": {"a": []}}, 422, "dynamic_variables"),
        (
            {
                "agent_id": "joe",
                "conversation_config_override": {"agent": {"first_message": "Hi {{who}}"}},
            },
            422,
            "who",
        ),
        (
            {"agent_id": "joe", "conversation_config_override": {"agent": {"language": "xx"}}},
            422,
            "language",
        ),
    ],
    ids=["agent", "file", "number", "long", "kind", "missing", "language"],
)
def test_what_can_not_be_is_refused(
    client: TestClient, lab: ScriptedLab, body: dict, status: int, said: str
):
    reply = client.post("/v1/convai/streams", json=body)

    assert reply.status_code == status
    assert said in reply.text
    assert lab.calls.count() == 0


def test_with_api_keys_a_key_is_needed(home: Path):
    lab = scripted_lab(home, API_KEYS="the-right-key")
    with TestClient(create_app(lab=lab)) as client:
        assert client.post("/v1/convai/streams", json={}).status_code == 401
        headers = {"xi-api-key": "the-right-key"}
        reply = client.post("/v1/convai/streams", json={"agent_id": "joe"}, headers=headers)
        assert reply.status_code == 200


def test_from_elsewhere_the_public_address_is_named(home: Path):
    lab = scripted_lab(home, API_KEYS="the-right-key")
    headers = {"xi-api-key": "the-right-key", "X-Forwarded-For": "203.0.113.9"}
    with TestClient(create_app(lab=lab)) as client:
        reply = client.post("/v1/convai/streams", json={"agent_id": "joe"}, headers=headers)

    assert reply.json()["url"].startswith("wss://calls.example/media-stream/")


def test_no_more_than_max_calls(home: Path):
    lab = scripted_lab(home, MAX_CALLS=1)
    with TestClient(create_app(lab=lab)) as client:
        assert client.post("/v1/convai/streams", json={"agent_id": "joe"}).status_code == 200
        reply = client.post("/v1/convai/streams", json={"agent_id": "joe"})

    assert reply.status_code == 503
    assert reply.json()["detail"]["status"] == "no_room"
    assert int(reply.headers["retry-after"]) > 0


def test_one_idempotency_key_makes_one_token(client: TestClient, lab: ScriptedLab):
    headers = {"Idempotency-Key": "abc"}
    replies = [
        client.post("/v1/convai/streams", json={"agent_id": "joe"}, headers=headers).json()
        for _ in range(2)
    ]

    assert replies[0] == replies[1]
    assert lab.calls.count() == 1
