from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from sdr_lab import __version__
from sdr_lab.agents.tool_specs import BUILT_IN
from sdr_lab.api.app import create_app
from sdr_lab.config import Settings


def test_what_this_is(client: TestClient):
    reply = client.get("/").json()

    assert (reply["name"], reply["version"]) == ("sdr_lab", __version__)
    for name in ("docs", "openapi", "health", "metrics"):
        assert client.get(reply["links"][name]).status_code == 200


def test_it_is_alive(client: TestClient):
    reply = client.get("/health").json()

    assert (reply["status"], reply["version"]) == ("ok", __version__)
    assert reply["uptime_s"] >= 0


def test_alive_needs_no_workspace(client_of, home: Path):
    client_of(API_KEYS="ann").get("/health")

    assert not list(home.iterdir())


@pytest.mark.models
def test_ready_when_nothing_is_missing(client: TestClient):
    reply = client.get("/ready")

    assert reply.status_code == 200, reply.text
    assert (reply.json()["status"], reply.json()["why"]) == ("ready", [])
    assert (reply.json()["running_calls"], reply.json()["max_calls"]) == (0, 100)


def test_not_ready_says_what_is_missing_and_how_to_get_it(client_of, tmp_path: Path):
    client = client_of(WHISPER_MODEL_PATH=str(tmp_path / "nothing"))

    reply = client.get("/ready")

    assert reply.status_code == 503
    assert reply.json()["status"] == "not_ready"
    assert any(why.startswith("whisper weights: ") for why in reply.json()["why"])
    missing = [check for check in reply.json()["checks"] if check["state"] == "missing"]
    assert all(check["remedy"] for check in missing)


def test_not_ready_when_the_records_are_damaged(client_of, home: Path):
    (home / "sdr_lab.db").write_bytes(b"no database at all" * 100)

    reply = client_of().get("/ready")

    assert reply.status_code == 503
    assert any(why.startswith("records: ") for why in reply.json()["why"])


def test_strangers_learn_only_whether_it_is_ready(client_of, tmp_path: Path):
    client = client_of(API_KEYS="ann", WHISPER_MODEL_PATH=str(tmp_path / "secret"))

    reply = client.get("/ready")

    assert reply.status_code == 503
    assert "whisper weights" in reply.json()["why"]
    assert "secret" not in reply.text
    assert reply.json()["checks"] is None


def test_numbers_for_prometheus(client_of):
    client = client_of(API_KEYS="ann")
    client.get("/health")

    refused = client.get("/metrics")
    reply = client.get("/metrics", headers={"Authorization": "Bearer ann"})
    names = {family.name for family in text_string_to_metric_families(reply.text)}

    assert refused.status_code == 401
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert {
        "sdr_lab_calls",
        "sdr_lab_calls_running",
        "sdr_lab_latency_seconds",
        "sdr_lab_barge_ins",
        "sdr_lab_provider_errors",
        "sdr_lab_webhook_deliveries",
        "sdr_lab_http_requests",
    } <= names


def test_the_seeds_status_pages(client: TestClient):
    gpu = client.get("/gpu-status").json()
    tools = client.get("/tools/status").json()

    assert gpu["device"] == ("cuda" if gpu["cuda_available"] else "cpu")
    assert tools["tools_available"] == list(BUILT_IN)
    assert tools["departments"]["sales"] == "+13125550140"
    assert (tools["silence_threshold_sec"], tools["utterance_end_ms"]) == (0.8, 1000)


class Counted(ThreadPoolExecutor):
    """Knows how many of its threads were at work, at most, since `most` was set to 0."""

    at_work = most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future[Any]) -> None:
        self.at_work -= 1


async def test_whoever_asks_for_ready_does_not_take_the_threads_of_calls(settings: Settings):
    threads = Counted(4)
    asyncio.get_running_loop().set_default_executor(threads)
    transport = httpx.ASGITransport(create_app(settings.changed("test", API_KEYS="ann")))
    async with httpx.AsyncClient(transport=transport, base_url="http://calls.example") as client:
        await client.get("/ready")
        threads.most = 0

        replies = await asyncio.gather(*(client.get("/ready") for _ in range(20)))

    assert {reply.json()["checks"] for reply in replies} == {None}
    assert threads.most == 1
