from __future__ import annotations

import logging
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdr_lab.api.state import state_of


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(logging.getLogger("sdr_lab"), "propagate", True)
    caplog.set_level(logging.DEBUG, "sdr_lab.api.requests_log")
    return caplog.messages


def test_each_request_has_two_lines(client: TestClient, caplog, lines):
    client.get("/health?token=secret")
    client.get("/v1/convai/agents/nobody")

    told = [re.sub(r"\d+ ms", "n ms", line) for line in caplog.messages]
    assert told == [
        "→ GET /health",
        "← 200 GET /health n ms",
        "→ GET /v1/convai/agents/nobody",
        "← 404 GET /v1/convai/agents/nobody n ms",
    ]


def test_requests_are_counted_by_route_not_by_path(client_of):
    client: TestClient = client_of()
    assert isinstance(client.app, FastAPI)
    for path in ("/v1/convai/agents/a", "/v1/convai/agents/b", "/nothing"):
        client.get(path)

    (requests,) = state_of(client.app).metrics.requests.collect()
    counted = {
        (s.labels["route"], s.labels["status"]): s.value
        for s in requests.samples
        if s.name.endswith("_total")
    }
    assert counted == {("/v1/convai/agents/{agent_id}", "404"): 2, ("other", "404"): 1}


def test_no_reply_is_taken_for_something_else(client: TestClient):
    for path in ("/health", "/v1/convai/<script>", "/phone", "/docs", "/openapi.json"):
        assert client.get(path).headers.get_list("x-content-type-options") == ["nosniff"]
