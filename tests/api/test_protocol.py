from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from sdr_lab.api.protocol import MOST_AROUND_BYTES, LimitedHttp

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

GET = b"GET / HTTP/1.1\r\nHost: here\r\n"


class Hasty(LimitedHttp):
    head_s = 0.05


async def count_body(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer how many bytes the body has."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(size).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(protocol: type[LimitedHttp] = LimitedHttp) -> AsyncIterator[Streams]:
    config = uvicorn.Config(count_body, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer(streams: Streams, *sent: bytes) -> bytes:
    """Send and return what comes back until the connection is closed."""
    reader, writer = streams
    try:
        for piece in sent:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b"cut"


@pytest.mark.parametrize("endless", [b"GET /", GET + b"X-Long: ", GET])
async def test_a_head_without_end_is_cut_off(endless: bytes):
    field = b"a" * 1000 if endless != GET else b"a: b\r\n" * 100
    async with connected() as streams:
        got = await answer(streams, endless, *[field] * 2000)

    assert got == b"cut" or got.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("slow", [b"", GET, b"\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(slow: bytes):
    async with connected(Hasty) as streams:
        assert await answer(streams, slow) == b""


async def test_empty_lines_do_not_keep_a_connection():
    async with connected(Hasty) as (reader, writer):
        writer.write(GET + b"\r\n")
        assert b"200" in await reader.readline()
        writer.write(b"\r\n")  # ends uvicorn's own wait for a further request

        assert await answer((reader, writer)) != b"cut"


async def test_bodies_are_not_heads():
    body = b"x" * (4 * MOST_AROUND_BYTES)
    chunks = b"1\r\nx\r\n" * MOST_AROUND_BYTES + b"0\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
    async with connected() as streams:
        whole = await answer(streams, post + b"Content-Length: %d\r\n\r\n" % len(body), body)
    async with connected() as streams:
        chunked = await answer(streams, post + b"Transfer-Encoding: chunked\r\n\r\n", chunks)

    assert whole.endswith(str(len(body)).encode())
    assert chunked.endswith(str(MOST_AROUND_BYTES).encode())


async def test_trailers_have_an_end_too():
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    async with connected() as streams:
        got = await answer(streams, head, *[b"a: b\r\n" * 1000] * 200)

    assert got == b"cut" or b"HTTP/1.1 431 " in got
