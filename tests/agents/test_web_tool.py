"""Tools that ask other people's servers: what they send, what they believe, what they refuse."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.agents.public_web import PublicWeb, WebReply
from sdr_lab.agents.tools import Toolbox, ToolContext
from sdr_lab.agents.web_tool import MAX_CHARS, WebToolRunner, check_web_tool, result_of, with_query
from sdr_lab.errors import BadInput, Refused
from sdr_lab.knowledge.base import NoKnowledge
from sdr_lab.records import Agent, ToolCall, ToolResult, WebTool

AGENT = Agent(id="joe", name="Joe", version=1, system_prompt="", first_message="")
CONTEXT = ToolContext(AGENT, "conv_1", datetime(2026, 11, 24, tzinfo=UTC))
TOOL = WebTool(
    name="get_weather",
    description="Tell the weather of a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
        "required": ["city"],
    },
    url="https://example.com/weather",
    headers={"Authorization": "Bearer s3cret"},
)


DEEP: Any = []
for _ in range(2_000):
    DEEP = [DEEP]


class Server:
    """A service on loopback that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.reply = web.Response()
        self.url = ""
        self.waits_s = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.path_qs, await request.read(), headers))
        await asyncio.sleep(self.waits_s)
        return self.reply


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/weather"
    yield served
    await runner.cleanup()


async def ask(tool: WebTool, allow_private: bool = True, **arguments: Any) -> ToolResult:
    public = PublicWeb(allow_private)
    try:
        return await WebToolRunner(tool, public).run(arguments, "conv_1")
    finally:
        await public.close()


# ---- what is sent


async def test_arguments_are_posted_as_json_with_the_tools_headers(server: Server):
    server.reply = web.json_response({"sky": "blue"})
    result = await ask(replace(TOOL, url=server.url), city="Köln", days=2)
    method, path, body, headers = server.asked[0]
    assert (method, path) == ("POST", "/weather")
    assert json.loads(body) == {"city": "Köln", "days": 2}
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["content-type"] == "application/json"
    assert headers["x-conversation-id"] == "conv_1"
    assert result == ToolResult("get_weather", True, '{"sky": "blue"}', {"status": 200})


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_arguments_of_get_are_in_the_query(server: Server, method: Any):
    server.reply = web.Response(text="Sunny.")
    result = await ask(
        replace(TOOL, url=server.url + "?unit=c", method=method), city="A & B", days=2
    )
    assert server.asked[0][:3] == (method, "/weather?unit=c&city=A+%26+B&days=2", b"")
    assert result.content == "Sunny."


def test_lists_and_other_values_in_a_query():
    url = with_query(
        "https://example.com/a#b", {"t": ["x", "y"], "n": None, "ok": True, "o": {"a": 1}}
    )
    assert url == "https://example.com/a?t=x&t=y&n=null&ok=true&o=%7B%22a%22%3A+1%7D"


async def test_wrong_arguments_are_not_sent(server: Server):
    result = await ask(replace(TOOL, url=server.url), city="Köln", days=9)
    assert not result.ok
    assert (
        result.content
        == "get_weather: days: 9 is greater than the maximum of 7; parameters: city, days."
    )
    assert server.asked == []


async def test_an_argument_that_is_none_is_left_out(server: Server):
    await ask(replace(TOOL, url=server.url), city="Köln", days=None)
    assert json.loads(server.asked[0][2]) == {"city": "Köln"}


# ---- what comes back


def said(
    status: int, body: str | bytes = "", kind: str = "text/plain", **headers: str
) -> ToolResult:
    data = body.encode() if isinstance(body, str) else body
    return result_of("t", WebReply(status, {"content-type": kind, **headers}, data))


def test_an_empty_reply_is_done():
    assert said(204) == ToolResult("t", True, "Done.", {"status": 204})


def test_a_long_reply_is_cut_for_the_model():
    content = said(200, "x" * 60_000).content
    assert len(content) == MAX_CHARS == 2000
    assert content.endswith("…")


def test_a_text_as_json_is_told_without_quotes():
    assert said(200, '"It is sunny."', "application/json").content == "It is sunny."


def test_what_is_no_text_is_not_told():
    assert said(200, b"\x89PNG", "image/png").content == "Done."


def test_control_characters_are_taken_out():
    assert said(200, "a\x00b\x1b[31mc\u202e\n").content == "ab[31mc"


def test_an_error_is_told_with_its_status():
    result = said(404, "No such city.")
    assert (result.ok, result.content) == (False, "The service answered 404. No such city.")
    assert result.data == {"error": "status", "status": 404}


async def test_a_redirect_is_not_followed(server: Server):
    server.reply = web.Response(status=302, headers={"Location": server.url + "/other"})
    result = await ask(replace(TOOL, url=server.url), city="Köln")
    assert not result.ok
    assert result.data == {"error": "redirect", "status": 302}
    assert len(server.asked) == 1


async def test_a_service_that_hangs_is_given_up(server: Server):
    server.waits_s = 30
    result = await ask(replace(TOOL, url=server.url, timeout_s=0.05), city="Köln")
    assert not result.ok
    assert "no answer in 0.05 s" in result.data["error"]


async def test_no_secret_is_in_what_is_told_or_logged(server: Server, caplog: Any):
    server.reply = web.Response(status=500)
    for tool in (replace(TOOL, url=server.url), replace(TOOL, url="https://127.0.0.1:1/")):
        result = await ask(tool, city="Köln")
        assert "s3cret" not in f"{result} {tool!r} {WebToolRunner(tool, PublicWeb())!r}"
    assert "s3cret" not in caplog.text


# ---- where it may go


class NamingLoop(asyncio.SelectorEventLoop):
    """A loop on which every name has the addresses that are given, in turn."""

    answers: list[str]

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        address = self.answers.pop(0)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port or 0))]


def visit(*answers: str) -> tuple[ToolResult, list[str]]:
    """Run the tool where its host has these addresses; return the answers that were not used."""
    with asyncio.Runner(loop_factory=NamingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, NamingLoop)
        loop.answers = list(answers)
        result = runner.run(ask(replace(TOOL, timeout_s=0.5), allow_private=False, city="Köln"))
        return result, loop.answers


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "::1", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1",
     "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:7f00:1::", "::7f00:1"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused(address: str):
    result, _ = visit(address)
    assert not result.ok
    assert result.data == {"error": "refused"}


def test_a_name_is_asked_once_so_that_a_second_answer_gains_nothing():
    async def visit_twice_named() -> tuple[str, list[str]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NamingLoop)
        peer = await asyncio.start_server(_say_sunny, sock=_loopback())
        port = peer.sockets[0].getsockname()[1]
        loop.answers = ["127.0.0.1", "8.8.8.8"]  # the second one is never asked for
        result = await ask(replace(TOOL, url=f"http://weather.example:{port}/"), city="Köln")
        peer.close()
        return result.content, loop.answers

    with asyncio.Runner(loop_factory=NamingLoop) as runner:
        assert runner.run(visit_twice_named()) == ("Sunny.", ["8.8.8.8"])


async def _say_sunny(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nSunny.")
    writer.close()


def _loopback() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


@pytest.mark.parametrize("url", ["http://example.com/", "https://localhost/", "https://[::1]/"])
async def test_a_url_that_leads_inside_is_refused_before_anything_is_asked(url: str):
    result = await ask(replace(TOOL, url=url), allow_private=False, city="Köln")
    assert result.data == {"error": "refused"}


@pytest.mark.parametrize("body", ["[" * 60_000, "[" * 500 + "]" * 500, "NaN", '"\\ud800"'])
async def test_odd_json_is_read_without_harm(server: Server, body: str):
    server.reply = web.Response(text=body, content_type="application/json")

    result = await ask(replace(TOOL, url=server.url), city="Köln")

    assert result.ok
    assert len(result.content) <= MAX_CHARS
    result.content.encode()


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"pattern": "^(a|a)+$"}, "does not match"),
        ({"$dynamicRef": "http://127.0.0.1:1/"}, "what is not there"),
        ({"$ref": "#/properties/city"}, "refer to themselves"),
    ],
)
async def test_no_schema_keeps_the_server_busy(schema: dict[str, Any], told: str):
    parameters = {"type": "object", "properties": {"city": schema}}

    result = await ask(replace(TOOL, parameters=parameters), city="a" * 60 + "!")

    assert not result.ok
    assert told in result.content


# ---- before it is kept


def test_a_good_tool_is_let_through():
    check_web_tool(TOOL)
    check_web_tool(replace(TOOL, url="http://127.0.0.1:8000/x"), allow_private=True)
    local = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {}}}
    check_web_tool(replace(TOOL, parameters=local))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Get-Weather"}, "tool name: got 'Get-Weather'"),
        ({"name": "end_call"}, "end_call is built in"),
        ({"description": " "}, "a description tells the model"),
        ({"method": "TRACE"}, "method 'TRACE', allowed: GET"),
        ({"timeout_s": 0.0}, "timeout 0 s, allowed"),
        ({"timeout_s": float("nan")}, "timeout nan s"),
        ({"timeout_s": 31}, "timeout 31 s"),
        ({"url": "example.com"}, "url: got 'example.com'"),
        ({"headers": {"Host": "inside"}}, "the header Host is set by the server"),
        ({"headers": {"X y": "z"}}, "'X y' is no header name"),
        ({"headers": {"X": "a\r\nHost: b"}}, "the value of header X"),
        ({"parameters": {"type": "array"}}, "type object is expected"),
        ({"parameters": {"type": "object", "properties": []}}, "type object is expected"),
        ({"parameters": {"type": "object", "required": "city"}}, "parameters: 'city' is not"),
        ({"parameters": {"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}}, "ref"),
        ({"parameters": {"type": "object", "title": "x" * 20_000}}, "more than 10000"),
        ({"parameters": {"type": "object", "allOf": [{"$ref": "#"}]}}, "refer to themselves"),
        ({"parameters": {"type": "object", "allOf": [{"$ref": "#/no"}]}}, "what is not there"),
        ({"parameters": {"type": "object", "patternProperties": {"(a+)+$": {}}}}, "patternProp"),
        ({"parameters": {"type": "object", "default": DEEP}}, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_tool_that_could_never_run_is_refused(changes: dict[str, Any], told: str):
    with pytest.raises(BadInput, match=told):
        check_web_tool(replace(TOOL, **changes))


def test_a_private_address_is_refused():
    with pytest.raises(Refused):
        check_web_tool(replace(TOOL, url="https://192.168.0.1/"))


# ---- in the toolbox


def toolbox(tool: WebTool) -> Toolbox:
    runner = WebToolRunner(tool, PublicWeb(allow_private=True))
    return Toolbox(MemoryCalendar(), MemoryDoNotCall(), NoKnowledge(), web=[runner])


def test_models_see_it_like_a_built_in_tool():
    specs = toolbox(replace(TOOL, confirm=True)).specs(AGENT)
    assert [spec.name for spec in specs] == ["mark_do_not_call", "end_call", "get_weather"]
    assert (specs[-1].parameters, specs[-1].confirm) == (TOOL.parameters, True)


async def test_the_toolbox_runs_it(server: Server):
    server.reply = web.Response(text="Sunny.")
    box = toolbox(replace(TOOL, url=server.url))
    result = await box.run(ToolCall("get_weather", {"city": "Köln"}), CONTEXT)
    await box.web[0].web.close()
    assert result.content == "Sunny."
    assert server.asked[0][3]["x-conversation-id"] == "conv_1"


def test_a_built_in_tool_of_the_same_name_wins():
    specs = toolbox(replace(TOOL, name="end_call")).specs(AGENT)
    assert [spec.name for spec in specs] == ["mark_do_not_call", "end_call"]
    assert specs[-1].description == "Hang up after your goodbye has been heard."
