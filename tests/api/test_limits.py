from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from sdr_lab.api.app import create_app
from sdr_lab.api.limits import network_of
from sdr_lab.config import Settings

AGENTS = "/v1/convai/agents"


def test_more_than_allowed_is_told_when_to_come_back(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=2)

    statuses = [client.get(AGENTS).status_code for _ in range(3)]
    refused = client.get(AGENTS)

    assert statuses == [200, 200, 429]
    assert refused.json()["detail"]["status"] == "rate_limit_exceeded"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61


def test_zero_is_no_limit(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=0)

    assert {client.get(AGENTS).status_code for _ in range(20)} == {200}


def test_each_key_has_its_own_minute(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=1, API_KEYS="ann,bob")

    for name in ("ann", "bob"):
        assert client.get(AGENTS, headers={"xi-api-key": name}).status_code == 200
    assert client.get(AGENTS, headers={"xi-api-key": "ann"}).status_code == 429


def test_guessing_keys_is_limited_and_does_not_lock_out_others(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=2, API_KEYS="ann")

    guesses = [
        client.get(AGENTS, headers={"xi-api-key": f"guess {number}"}).status_code
        for number in range(4)
    ]

    assert guesses == [401, 401, 429, 429]
    assert client.get(AGENTS, headers={"xi-api-key": "ann"}).status_code == 200


def test_addresses_are_counted_apart(settings: Settings):
    app = create_app(settings.changed("test", RATE_LIMIT_PER_MINUTE=1))
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.1")
    ask = [TestClient(app, "http://127.0.0.1", client=(host, 1)) for host in hosts]

    assert [client.get(AGENTS).status_code for client in ask] == [200, 200, 429]


def test_health_and_the_telephone_are_never_turned_away(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=1)
    client.get(AGENTS)

    for _ in range(3):
        assert client.get("/health").status_code == 200
        assert client.post("/voice/status").status_code != 429
    assert client.get(AGENTS).status_code == 429


def test_a_page_of_another_origin_can_read_why_it_was_turned_away(client_of):
    page = {"Origin": "https://app.example"}
    client = client_of(RATE_LIMIT_PER_MINUTE=1, CORS_ORIGINS="https://app.example")

    replies = [client.get(AGENTS, headers=page) for _ in "ab"]

    assert [reply.status_code for reply in replies] == [200, 429]
    assert replies[1].headers["access-control-allow-origin"] == "https://app.example"


def test_keys_are_not_guessed_where_requests_are_not_counted(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=2, API_KEYS="ann")
    places = ("/metrics", "/ready", "/phone", "/gpu-status")

    guesses = [
        client.get(place, headers={"xi-api-key": f"guess {number}"}).status_code
        for number, place in enumerate(places)
    ]

    assert guesses[2:] == [429, 429]
    assert client.get("/metrics", headers={"xi-api-key": "ann"}).status_code == 200


def test_keys_are_not_guessed_by_websocket(client_of):
    client = client_of(RATE_LIMIT_PER_MINUTE=1, API_KEYS="ann")
    client.get(AGENTS, headers={"xi-api-key": "guess"})

    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect("/v1/convai/conversation", headers={"xi-api-key": "guess 2"}),
    ):
        pass

    assert caught.value.reason == ""  # the route itself gives a reason


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
    ],
)
def test_addresses_of_one_network_are_one_client(host: str, client: str):
    assert network_of(host) == client
