"""Ollama over its real wire protocol, against a loopback server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from sdr_lab.errors import ProviderError, SettingError
from sdr_lab.llm.ollama import Ollama, OllamaSettings, check, models, tool_schema
from sdr_lab.records import Message, Prompt, ToolCall, ToolResult, ToolSpec
from tests.vendors.ollama_server import OllamaServer, Script, serving

BOOK = ToolSpec(
    "book",
    "Books a meeting.",
    {
        "type": "object",
        "properties": {
            "start": {"type": "string", "format": "date-time", "description": "Begin"},
            "seats": {"type": "integer", "minimum": 1},
        },
        "required": ["start"],
    },
    confirm=True,
)
PROMPT = Prompt(system="You are Ava.", words="Hello?")
WITH_TOOLS = Prompt(system="You are Ava.", words="Book it.", tools=(BOOK,))


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with serving(OllamaServer()) as running:
        yield running


@pytest.fixture
async def model(server: OllamaServer) -> AsyncIterator[Ollama]:
    model = Ollama("tiny", server.url)
    yield model
    await model.close()


async def said(model: Ollama, prompt: Prompt = PROMPT) -> list[str | ToolCall]:
    return [piece async for piece in model.reply(prompt)]


async def reason(model: Ollama, prompt: Prompt = PROMPT) -> str:
    """The error of a reply: one line."""
    with pytest.raises(ProviderError) as caught:
        await said(model, prompt)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("ollama: ")
    return text


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_a_reply_streams_piece_by_piece(server: OllamaServer, model: Ollama):
    assert await said(model) == ["Hello", " there", "."]
    (body,) = server.chats()
    assert body["model"] == "tiny"
    assert body["stream"] is True
    assert body["think"] is False
    assert body["keep_alive"] == "10m"
    assert body["options"] == {"temperature": 0.2, "num_predict": 512, "num_ctx": 4096}
    assert body["messages"][-1] == {"role": "user", "content": "Hello?"}


async def test_stop_words_are_sent(server: OllamaServer):
    model = Ollama("tiny", server.url, OllamaSettings(stop=("\n\n",)))
    await said(model)
    await model.close()
    assert server.chats()[0]["options"]["stop"] == ["\n\n"]


async def test_a_very_long_reply_limit_does_not_starve_the_prompt(server: OllamaServer):
    model = Ollama("tiny", server.url, OllamaSettings(num_ctx=1000, num_predict=4096))
    said_before = (Message("caller", "Remember the number seven."),)
    await said(model, Prompt(system="x", words="Which?", history=said_before))
    await model.close()
    assert "number seven" in str(server.chats()[0]["messages"])


def test_one_model_serves_one_event_loop_after_another():
    async def ask(model: Ollama) -> list[str | ToolCall]:
        async with serving(OllamaServer()) as server:
            model.host = server.url
            return await said(model)

    model = Ollama("tiny")
    assert asyncio.run(ask(model)) == asyncio.run(ask(model)) == ["Hello", " there", "."]


async def test_native_tool_calls(server: OllamaServer, model: Ollama):
    server.script = Script(["One moment.", {"name": "book", "arguments": {"start": "x"}}])
    assert await said(model, WITH_TOOLS) == [
        "One moment.",
        ToolCall("book", {"start": "x"}, confirm=True),
    ]
    (tool,) = server.chats()[0]["tools"]
    assert tool["function"]["name"] == "book"
    assert tool["function"]["parameters"]["required"] == ["start"]


async def test_results_go_back_as_tool_messages(server: OllamaServer, model: Ollama):
    result = ToolResult("book", True, "Booked for ten.")
    await said(model, Prompt(system="x", words="Book it.", tools=(BOOK,), results=(result,)))
    last = {"role": "tool", "tool_name": "book", "content": "Booked for ten."}
    assert server.chats()[0]["messages"][-1] == last


async def test_models_without_tools_are_told_the_text_syntax(server: OllamaServer, model: Ollama):
    server.models = {"tiny:latest": ("completion",)}
    server.script = Script(["Yes. [CONF", "IRM_TOOL:book:sta", "rt=ten]"])
    assert await said(model, WITH_TOOLS) == ["Yes. ", ToolCall("book", {"start": "ten"}, True)]
    (body,) = server.chats()
    assert not body.get("tools")
    assert "[TOOL:name:" in body["messages"][0]["content"]


async def test_text_markers_work_in_models_with_tools_too(server: OllamaServer, model: Ollama):
    server.script = Script(["Bye. [TOOL:end_call]"])
    assert await said(model, WITH_TOOLS) == ["Bye. ", ToolCall("end_call")]


async def test_capabilities_are_asked_once(server: OllamaServer, model: Ollama):
    await said(model, WITH_TOOLS)
    await said(model, WITH_TOOLS)
    assert [path for path, _ in server.requests].count("/api/show") == 1


async def test_warm_up_loads_the_model_and_its_prefix(server: OllamaServer, model: Ollama):
    await model.warm_up(PROMPT)
    load, prefix = [body for path, body in server.requests if path == "/api/chat"]
    assert not load.get("messages")
    assert prefix["messages"][0]["content"].startswith("You are Ava.")
    # another num_ctx would make Ollama load the model again for the first reply
    assert load["options"]["num_ctx"] == prefix["options"]["num_ctx"] == 4096
    assert prefix["options"]["num_predict"] == 1


async def test_closing_the_iterator_stops_the_server(server: OllamaServer, model: Ollama):
    server.script = Script(hold_before=2)
    async with aclosing(model.reply(PROMPT)) as reply:
        assert await anext(reply) == "Hello"
    async with asyncio.timeout(5):
        await server.disconnected.wait()


async def test_cancelling_before_the_first_token_stops_the_server(
    server: OllamaServer, model: Ollama
):
    server.script = Script(hold_before=0)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(said(model))
        await server.holding.wait()
        task.cancel()
        await server.disconnected.wait()


async def test_many_calls_at_once(server: OllamaServer, model: Ollama):
    replies = await asyncio.gather(*(said(model) for _ in range(5)))
    assert replies == [["Hello", " there", "."]] * 5


# ---- what goes wrong


async def test_ollama_is_down():
    port = closed_port()
    text = await reason(Ollama("tiny", f"http://127.0.0.1:{port}"))
    assert f"Ollama is not running at http://127.0.0.1:{port} - start it with" in text
    assert "`ollama serve`" in text


async def test_ollama_is_down_at_warm_up():
    with pytest.raises(ProviderError, match=r"is not running at .* `ollama serve`"):
        await Ollama("tiny", f"http://127.0.0.1:{closed_port()}").warm_up(PROMPT)


@pytest.mark.parametrize("prompt", [PROMPT, WITH_TOOLS])
async def test_model_not_pulled(server: OllamaServer, prompt: Prompt):
    text = await reason(Ollama("big:70b", server.url), prompt)
    assert text == (
        "ollama: model 'big:70b' is not pulled - run `ollama pull big:70b`; it has: tiny:latest"
    )


async def test_stream_cut_half_way(server: OllamaServer, model: Ollama):
    server.script = Script(cut_before=2)
    reply = model.reply(PROMPT)
    assert [await anext(reply), await anext(reply)] == ["Hello", " there"]
    with pytest.raises(ProviderError, match="the connection broke before the reply was complete"):
        await anext(reply)


async def test_stream_that_ends_without_done(server: OllamaServer, model: Ollama):
    server.script = Script(ends_early=True)
    assert await reason(model) == "ollama: the reply broke off before its end"


async def test_malformed_line(server: OllamaServer, model: Ollama):
    server.script = Script(malformed_before=1)
    assert "does not answer as Ollama does (JSONDecodeError) - check the URL" in await reason(model)


async def test_error_line_in_the_stream(server: OllamaServer, model: Ollama):
    server.script = Script(error_before=1, error="out of\nmemory")
    text = await reason(model)
    assert text == "ollama: the model failed in the middle of the reply: out of memory"


async def test_error_status(server: OllamaServer, model: Ollama):
    server.script = Script(status=500, error="model requires more system memory (9 GiB)")
    assert "answered 500: model requires more system memory (9 GiB)" in await reason(model)


async def test_no_first_token(server: OllamaServer):
    server.script = Script(hold_before=0)
    model = Ollama("tiny", server.url, OllamaSettings(first_token_s=0.05))
    assert await reason(model) == "ollama: waited 0.05 s for the first token of tiny"
    await server.disconnected.wait()


async def test_stalled_in_the_middle(server: OllamaServer):
    server.script = Script(hold_before=1)
    model = Ollama("tiny", server.url, OllamaSettings(between_tokens_s=0.05))
    assert await reason(model) == "ollama: waited 0.05 s for the next token of tiny"
    await server.disconnected.wait()


async def test_a_server_that_is_not_ollama():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnope")
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = "http://{}:{}".format(*other.sockets[0].getsockname())
    text = await reason(Ollama("tiny", url))
    assert f"{url} answered 404" in text
    other.close()


@pytest.mark.parametrize("host", ["", "ftp://box", "http://", "http://box:port", "a box"])
def test_a_host_that_is_no_url(host: str):
    with pytest.raises(SettingError, match="OLLAMA_HOST"):
        Ollama("tiny", host)


def test_an_empty_model_name():
    with pytest.raises(SettingError, match="OLLAMA_MODEL"):
        Ollama(" ")


async def test_models_and_check(server: OllamaServer):
    assert await models(server.url) == ["tiny:latest"]
    found = await check("tiny", server.url)
    assert found.ok
    assert found.version == "0.12.6"
    assert found.line == f"Ollama 0.12.6 at {server.url} with tiny"
    missing = await check("big", server.url)
    assert not missing.ok
    assert missing.line.endswith("run `ollama pull big`; it has: tiny:latest")
    assert missing.models == ("tiny:latest",)
    down = await check("tiny", f"http://127.0.0.1:{closed_port()}")
    assert not down.ok
    assert "`ollama serve`" in down.line


def test_what_the_client_drops_from_a_schema_goes_into_the_description():
    properties = tool_schema(BOOK)["function"]["parameters"]["properties"]
    assert properties["start"] == {"type": "string", "description": "Begin (format: date-time)"}
    assert properties["seats"] == {"type": "integer", "description": "(minimum: 1)"}
