from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from sdr_lab.api.app import create_app
from sdr_lab.api.auth import given_key, is_accepted, is_local, is_loopback
from sdr_lab.config import Settings

AGENTS = "/v1/convai/agents"

KEYED = {"/metrics", "/gpu-status", "/tools/status"}
"""What needs a key besides /v1."""


def local(app: FastAPI, host: str = "127.0.0.1", at: str = "127.0.0.1:9001") -> TestClient:
    return TestClient(app, base_url=f"http://{at}", client=(host, 50_000))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"xi-api-key": "one"}, 200),
        ({"xi-api-key": "two"}, 200),
        ({"Authorization": "Bearer two"}, 200),
        ({"xi-api-key": "three"}, 401),
        ({"xi-api-key": "onetwo"}, 401),
        ({"xi-api-key": "one,two"}, 401),
        ({"xi-api-key": "ключ".encode()}, 401),
        ({"Authorization": "Basic two"}, 401),
        ({}, 401),
    ],
)
def test_one_of_the_keys_lets_in(client_of, headers: dict[str, str], status: int):
    client = client_of(API_KEYS="one, two")

    reply = client.get(AGENTS, headers=headers)

    assert reply.status_code == status
    if status == 401:
        assert reply.json()["detail"]["status"] == "invalid_api_key"
        assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_with_keys_it_does_not_matter_where_a_request_comes_from(settings: Settings):
    app = create_app(settings.changed("test", API_KEYS="one"))
    far = local(app, "203.0.113.9", "calls.example")

    assert far.get(AGENTS, headers={"xi-api-key": "one"}).status_code == 200
    assert local(app).get(AGENTS).status_code == 401


@pytest.mark.parametrize(
    ("client", "at", "headers", "status"),
    [
        ("127.0.0.1", "127.0.0.1:9001", {}, 200),
        ("::1", "[::1]:9001", {}, 200),
        ("127.0.0.1", "localhost:9001", {}, 200),
        ("::ffff:127.0.0.1", "localhost:9001", {}, 200),
        ("127.0.0.1", "127.0.0.1:9001", {"xi-api-key": "test_key"}, 200),
        ("192.168.1.7", "127.0.0.1:9001", {}, 403),
        ("203.0.113.9", "calls.example", {}, 403),
        # through a tunnel or reverse proxy on this machine
        ("127.0.0.1", "127.0.0.1:9001", {"X-Forwarded-For": "203.0.113.9"}, 403),
        ("127.0.0.1", "127.0.0.1:9001", {"X-Forwarded-Host": "calls.example"}, 403),
        ("127.0.0.1", "127.0.0.1:9001", {"Via": "1.1 proxy"}, 403),
        ("127.0.0.1", "127.0.0.1:9001", {"True-Client-IP": "203.0.113.9"}, 403),
        ("127.0.0.1", "calls.example", {}, 403),
        # a page in the user's browser: DNS rebinding, a post across origins, our own page
        ("127.0.0.1", "evil.example:9001", {"Origin": "http://evil.example:9001"}, 403),
        ("127.0.0.1", "testserver:9001", {"Origin": "http://testserver:9001"}, 403),
        ("127.0.0.1", "testserver", {}, 403),
        ("127.0.0.1", "127.0.0.1:9001", {"Origin": "https://evil.example"}, 403),
        ("127.0.0.1", "127.0.0.1:9001", {"Origin": "null"}, 403),
        ("127.0.0.1", "127.0.0.1:9001", {"Origin": "http://127.0.0.1:9001"}, 200),
        ("127.0.0.1", "127.0.0.1:9001", {"Host": "[::1"}, 403),
    ],
)
def test_without_keys_only_programs_on_this_machine(
    settings: Settings, client: str, at: str, headers: dict[str, str], status: int
):
    reply = local(create_app(settings), client, at).get(AGENTS, headers=headers)

    assert reply.status_code == status
    if status == 403:
        assert reply.json()["detail"]["status"] == "loopback_only"
        assert "API_KEYS" in reply.json()["error"]


def test_a_proxy_that_says_nothing_speaks_http_1_0(settings: Settings):
    app = create_app(settings)
    scope = {
        "type": "http", "app": app, "client": ("127.0.0.1", 1), "method": "GET", "path": "/",
        "headers": [(b"host", b"127.0.0.1:9001")],
    }  # fmt: skip

    assert is_local(HTTPConnection({**scope, "http_version": "1.1"}))
    assert not is_local(HTTPConnection({**scope, "http_version": "1.0"}))


def test_pages_of_cors_origins_are_let_in_from_this_machine(settings: Settings):
    page = "https://app.example"
    app = create_app(settings.changed("test", CORS_ORIGINS=page))

    assert local(app).get(AGENTS, headers={"Origin": page}).status_code == 200


def test_addresses_of_this_machine():
    for host in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "::ffff:127.0.0.1", "localhost"):
        assert is_loopback(host)
    for host in (
        "0.0.0.0",
        "10.0.0.7",
        "::",
        "::ffff:10.0.0.7",
        "localhost.evil.example",
        "testserver",
        "",
    ):
        assert not is_loopback(host)


def test_no_keys_accept_no_key(settings: Settings):
    assert not is_accepted("", settings)
    assert not is_accepted("", settings.changed("test", API_KEYS=" , "))


def test_the_sdks_header_wins():
    headers = [(b"xi-api-key", b"one"), (b"authorization", b"Bearer two")]

    assert given_key(HTTPConnection({"type": "http", "headers": headers})) == "one"


def operations(spec: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (method, re.sub(r"{[^}]*}", "1", path))
        for path, methods in spec["paths"].items()
        for method in methods
        if path.startswith("/v1/") or path in KEYED
    ]


def test_everything_but_health_and_webhooks_asks_for_a_key(client_of):
    client = client_of(API_KEYS="one")
    found = operations(client.get("/openapi.json").json())

    assert len(found) > 40
    let_in = [f"{m} {path}" for m, path in found if client.request(m, path).status_code != 401]
    assert let_in == []


def test_the_description_says_which_routes_need_a_key(client_of):
    spec = client_of().get("/openapi.json").json()

    assert spec["components"]["securitySchemes"]["ApiKey"]["name"] == "xi-api-key"
    for path, methods in spec["paths"].items():
        for operation in methods.values():
            needs_key = path.startswith("/v1/") or path in KEYED
            assert bool(operation.get("security")) == needs_key, path
