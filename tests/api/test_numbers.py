from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

NUMBERS = "/v1/convai/phone-numbers"
OURS = "+13125550123"


def added(client: TestClient, **fields: Any) -> dict[str, Any]:
    reply = client.post(NUMBERS, json={"phone_number": OURS, **fields})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_number_and_its_agent(client: TestClient):
    number = added(client, label="Main", agent_id="maplewood")

    assert number["phone_number_id"] == number["phone_id"]
    assert (number["phone_number"], number["label"], number["provider"]) == (OURS, "Main", "twilio")
    assert number["assigned_agent"] == {"agent_id": "maplewood", "agent_name": "Joe"}
    assert number["agent_id"] == "maplewood"
    assert client.get(f"{NUMBERS}/{number['phone_number_id']}").json() == number
    assert client.get(f"{NUMBERS}/%2B13125550123").json() == number
    shown = client.get("/v1/convai/agents/maplewood").json()["phone_numbers"]
    assert [n["phone_number"] for n in shown] == [OURS]


def test_the_list_is_bare(client: TestClient):
    assert client.get(NUMBERS).json() == []
    number = added(client)
    other = added(client, phone_number="+13125550124", agent_id="maplewood")

    assert client.get(NUMBERS).json() == [number, other]
    assert client.get(NUMBERS, params={"agent_id": "maplewood"}).json() == [other]
    assert client.get(NUMBERS, params={"provider": "sip_trunk"}).json() == []


def test_the_seed_sends_it_in_the_query(client: TestClient):
    query = {"phone_number": OURS, "agent_id": "maplewood", "label": "Main"}

    number = client.post(NUMBERS, params=query).json()
    changed = client.patch(f"{NUMBERS}/{number['phone_id']}", params={"label": "Side"}).json()
    freed = client.patch(f"{NUMBERS}/{number['phone_id']}", params={"agent_id": ""}).json()

    assert (number["phone_number"], number["agent_id"]) == (OURS, "maplewood")
    assert (changed["label"], changed["agent_id"]) == ("Side", "maplewood")
    assert freed["agent_id"] is None


def test_a_number_as_it_is_written_in_the_us(client: TestClient):
    assert added(client, phone_number="(312) 555-0123")["phone_number"] == OURS


def test_a_number_twice_is_a_conflict(client: TestClient):
    added(client)

    reply = client.post(NUMBERS, json={"phone_number": "1-312-555-0123"})

    assert reply.status_code == 409
    assert reply.json()["detail"]["status"] == "conflict"
    assert len(client.get(NUMBERS).json()) == 1


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"label": "Side"}, "label", "Side"),
        ({"label": None}, "label", ""),
        ({"agent_id": None}, "agent_id", None),
        ({"agent_id": "maplewood"}, "agent_id", "maplewood"),
        ({"supports_inbound": False}, "supports_inbound", False),
        ({}, "label", "Main"),
    ],
)
def test_a_patch_changes_one_thing(
    client: TestClient, change: dict[str, Any], field: str, value: Any
):
    number = added(client, label="Main", agent_id="maplewood")

    changed = client.patch(f"{NUMBERS}/{number['phone_number_id']}", json=change).json()

    assert changed[field] == value
    shown = set(number) - {field, "assigned_agent"}
    assert {name: changed[name] for name in shown} == {name: number[name] for name in shown}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"phone_number": "hello"}, 422),
        ({"phone_number": OURS, "agent_id": "nobody"}, 404),
        ({"phone_number": OURS, "provider": "sip_trunk"}, 422),
        ({"phone_number": OURS, "labell": "x"}, 422),
    ],
)
def test_what_is_refused(client: TestClient, body: dict[str, Any], status: int):
    assert client.post(NUMBERS, json=body).status_code == status
    assert client.get(NUMBERS).json() == []


def test_wrong_patches(client: TestClient):
    path = f"{NUMBERS}/{added(client)['phone_number_id']}"

    assert client.patch(path, json={"agent_id": "nobody"}).status_code == 404
    assert client.patch(path, json={"supports_inbound": None}).status_code == 422
    assert client.patch(path, json={"phone_number": "+13125550199"}).status_code == 422


def test_a_number_that_is_removed_is_gone(client: TestClient):
    path = f"{NUMBERS}/{added(client)['phone_number_id']}"

    assert client.delete(path).json()["success"] is True

    for method in ("get", "patch", "delete"):
        assert getattr(client, method)(path).status_code == 404
    assert client.get(NUMBERS).json() == []


def test_twilios_token_is_not_given_back(client: TestClient):
    number = added(client, sid="AC" + "0" * 32, token="very-secret")

    assert "very-secret" not in str(number)
    assert "very-secret" not in client.get(NUMBERS).text
