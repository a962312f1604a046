"""Requests to addresses that somebody typed in."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from sdr_lab.agents.public_web import (
    PublicWeb,
    Resolver,
    check_url,
    public_addresses,
    refuse_private,
)
from sdr_lab.errors import BadInput, ProviderError, Refused


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://192.168.0.1:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[64:ff9b:1::7f00:1]/",
        "https://[2002:a83f:8110::]/",
        "https://168.63.129.16/machine",
        "https://192.0.0.192/opc/v2",
        "https://[3fff::1]/",
        "https://localhost/",
        "https://db.internal/",
    ],
)
def test_addresses_that_are_refused(url: str):
    with pytest.raises(Refused):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "ftp://example.com/",
        "https://",
        "https://user:secret@example.com/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nX: y",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_what_is_no_address(url: str):
    with pytest.raises(BadInput) as refused:
        check_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?x=1", "https://8.8.8.8/", "https://bücher.example/"]
)
def test_public_addresses_are_let_through(url: str):
    check_url(url)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%eth0", "10.0.0.8"])
def test_a_name_that_leads_inside_is_refused(address: str):
    with pytest.raises(Refused, match="not public"):
        refuse_private("rebound.example", address)


async def test_the_connection_goes_where_the_name_was_found_to_lead():
    with pytest.raises(Refused):
        await Resolver(allow_private=False).resolve("localhost", 443)

    found = await Resolver(allow_private=True).resolve("localhost", 443)

    assert {entry["host"] for entry in found} <= {"127.0.0.1", "::1"}
    assert await public_addresses("127.0.0.1", 80, allow_private=True) == ["127.0.0.1"]


# ---- over a socket


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async def plain(request: web.Request) -> web.Response:
        cookie = request.headers.get("Cookie", "")
        text = f"{request.method} {await request.text()} {cookie}"
        return web.Response(text=text, headers={"Set-Cookie": "a=b"})

    async def large(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 200_000)

    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/plain"})

    async def packed(request: web.Request) -> web.Response:
        reply = web.Response(body=b"y" * 200_000)
        reply.enable_compression(web.ContentCoding.gzip)
        return reply

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    app = web.Application()
    for handler in (plain, large, moved, packed, slow):
        app.router.add_route("*", f"/{handler.__name__}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def anywhere() -> AsyncIterator[PublicWeb]:
    made = PublicWeb(allow_private=True)
    yield made
    await made.close()


async def test_a_request_and_its_answer(anywhere: PublicWeb, address: str):
    for _ in range(2):
        reply = await anywhere.fetch("POST", f"{address}/plain", body=b"hello")

        assert (reply.status, reply.text, reply.is_cut) == (200, "POST hello ", False)


async def test_only_so_much_is_read(anywhere: PublicWeb, address: str):
    reply = await anywhere.fetch("GET", f"{address}/large", max_bytes=1000)

    assert (len(reply.body), reply.is_cut) == (1000, True)


async def test_redirects_are_given_back_not_followed(anywhere: PublicWeb, address: str):
    reply = await anywhere.fetch("GET", f"{address}/moved")

    assert (reply.status, reply.headers["location"]) == (302, "/plain")


async def test_a_packed_answer_is_not_unpacked(anywhere: PublicWeb, address: str):
    reply = await anywhere.fetch("GET", f"{address}/packed", max_bytes=10_000)

    assert reply.headers["content-encoding"] == "gzip"
    assert len(reply.body) < 1000


async def test_who_does_not_answer_in_time(anywhere: PublicWeb, address: str):
    with pytest.raises(ProviderError, match=r"no answer in 0\.05 s"):
        await anywhere.fetch("GET", f"{address}/slow", timeout_s=0.05)


async def test_who_is_not_there(anywhere: PublicWeb):
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1: can't be connected to \("):
        await anywhere.fetch("GET", "http://127.0.0.1:9/")


async def test_who_leaves_without_a_word(anywhere: PublicWeb):
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ProviderError, match="closed the connection"):
            await anywhere.fetch("GET", f"http://127.0.0.1:{port}/")


async def test_who_speaks_something_else(anywhere: PublicWeb):
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(mumble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ProviderError):
            await anywhere.fetch("GET", f"http://127.0.0.1:{port}/")


async def test_private_addresses_are_not_connected_to(address: str):
    made = PublicWeb()
    with pytest.raises(Refused):
        await made.fetch("GET", address.replace("http:", "https:"))
    await made.close()
