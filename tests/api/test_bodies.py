from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message

from sdr_lab.api.bodies import STRANGER_BYTES, BodyRefused, _limited

from .conftest import ClientOf

KEY = {"xi-api-key": "a-key"}


def spaces(count: int) -> Iterator[bytes]:
    """A JSON body whose length is not told."""
    for _ in range(count // 1024):
        yield b" " * 1024


def test_a_stranger_can_not_fill_the_memory(client_of: ClientOf):
    client = client_of(API_KEYS="a-key")
    told = {"content-length": str(10**9)}

    for path in ("/v1/convai/agents", "/voice/incoming", "/health"):
        announced = client.post(path, content=b"{}", headers=told)
        streamed = client.post(path, content=spaces(2 * STRANGER_BYTES))

        assert announced.status_code == 413
        assert streamed.status_code in (413, 405)  # 405: it was not read at all
    assert streamed.json()["detail"]["status"] in ("too_large", "method_not_allowed")


def test_a_client_with_a_key_may_send_a_document_and_no_more(client_of: ClientOf):
    client = client_of(API_KEYS="a-key", MAX_DOCUMENT_MB=1)

    fits = client.post("/v1/convai/agents", content=spaces(2**20), headers=KEY)
    does_not = client.post("/v1/convai/agents", content=spaces(2 * 2**20), headers=KEY)

    assert fits.status_code == 422  # it is no JSON
    assert does_not.status_code == 413
    assert "1114112 bytes" in does_not.json()["error"]


def test_a_layer_that_reads_the_body_is_told_as_well(client_of: ClientOf):
    client = client_of(API_KEYS="a-key", MAX_DOCUMENT_MB=1)
    headers = {**KEY, "idempotency-key": "one"}

    reply = client.post("/v1/convai/agents", content=spaces(2 * 2**20), headers=headers)

    assert reply.status_code == 413
    assert reply.json()["detail"]["status"] == "too_large"


@pytest.mark.parametrize("is_total", [True, False])
async def test_a_body_that_does_not_come_is_not_waited_for(is_total: bool):
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BodyRefused) as caught:
        await _limited(never, 1000, 0.01, is_total)()

    assert caught.value.status_code == 408


async def test_behind_the_body_the_client_may_stay():
    messages: list[Message] = [
        {"type": "http.request", "body": b"{}", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        await asyncio.sleep(0.02)  # longer than the limit, the second time
        return messages.pop(0)

    limited = _limited(receive, 1000, 0.03, is_total=True)

    assert (await limited())["body"] == b"{}"
    assert (await limited())["type"] == "http.disconnect"
