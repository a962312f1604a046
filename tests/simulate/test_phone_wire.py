"""The small WebSocket client against aiohttp's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSMsgType, web

from sdr_lab.errors import ProviderError
from sdr_lab.simulate.phone_wire import WireSocket, connect

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        await talk(ws)
        return ws

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "ws://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


def collected(wire: WireSocket) -> asyncio.Queue[str]:
    texts: asyncio.Queue[str] = asyncio.Queue()
    wire.on_text = texts.put_nowait
    return texts


SIZES = [0, 1, 125, 126, 65535, 65536, 300_000]


async def test_messages_of_all_sizes_come_back():
    async def talk(ws: web.WebSocketResponse) -> None:
        async for message in ws:
            await ws.send_str(message.data)

    async with serving(talk) as url:
        wire = await connect(f"{url}/ws")
        texts = collected(wire)
        for size in SIZES:
            wire.send_text("é" * (size // 2) + "x" * (size % 2))
        back = [await texts.get() for _ in SIZES]
        wire.close(1000)
        await wire.closed

    assert [len(text.encode()) for text in back] == SIZES
    assert wire.close_code == 1000


async def test_pings_are_answered_and_fragments_joined():
    got: list[WSMsgType] = []

    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.ping(b"x")
        got.append((await ws.receive()).type)
        await ws.send_frame(b"", WSMsgType.PONG)
        transport = ws.get_extra_info("socket")
        assert transport is not None
        writer = ws._req.transport  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
        assert isinstance(writer, asyncio.Transport)
        writer.write(b"\x01\x02he\x89\x00\x00\x02ll\x80\x01o")  # with a ping in between
        await ws.receive()
        await ws.close(code=4321)

    async with serving(talk) as url:
        wire = await connect(f"{url}/ws")
        texts = collected(wire)
        text = await texts.get()
        await wire.closed

    assert got == [WSMsgType.PONG]
    assert text == "hello"
    assert wire.close_code == 4321
    wire.send_text("into the void")
    assert not wire.is_open


async def test_a_refusal_says_why():
    async def never(ws: web.WebSocketResponse) -> None:
        raise AssertionError("nobody gets in")

    async with serving(never) as url:
        with pytest.raises(ProviderError, match="404 Not Found"):
            await connect(f"{url}/no")


async def test_no_server_is_one_clear_error():
    with pytest.raises(ProviderError, match=r"ws://127\.0\.0\.1:9/ws"):
        await connect("ws://127.0.0.1:9/ws")


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """Serve one connection: say this whatever was asked, then wait for its end."""
    is_over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        with suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        is_over.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield "ws://{}:{}/".format(*server.sockets[0].getsockname())
        await is_over.wait()


async def test_a_server_that_never_answers_is_given_up():
    async with answering(b"") as url:
        with pytest.raises(ProviderError, match="no answer in time"):
            await connect(url, timeout_s=0.05)


async def test_a_server_that_speaks_no_websocket_is_refused():
    switched = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n"
    async with answering(switched) as url:
        with pytest.raises(ProviderError, match="refused"):
            await connect(url)
