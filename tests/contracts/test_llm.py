"""What holds for every language model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from tempfile import NamedTemporaryFile
from typing import Any, cast

import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import ProviderError
from sdr_lab.llm.base import LanguageModel
from sdr_lab.llm.cache import CachedModel, question_key
from sdr_lab.llm.llama_cpp import LlamaCpp, LlamaCppSettings
from sdr_lab.llm.ollama import Ollama, check
from sdr_lab.llm.playbook import PlaybookModel
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import Message, Prompt, ToolCall, ToolResult, ToolSpec
from tests.vendors.ollama_server import OllamaServer, Script, serving

LOOK = ToolSpec(
    "look",
    "Looks something up.",
    {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
PROMPT = Prompt(
    system="You are Ava, a friendly agent. Answer in one short sentence.",
    words="Tell me about the weather.",
    history=(Message("agent", "Hi, this is Ava."), Message("caller", "Hi.")),
)
CALL = ToolCall("look", {"query": "weather"})
LONG = replace(PROMPT, words="Tell me a very long story.")
RESULT = ToolResult("look", True, "It is sunny.")


@dataclass
class Subject:
    """A model that works, one that can't, and how to see that the work stopped."""

    model: LanguageModel
    broken: LanguageModel | None
    """None: nothing can stop it."""
    stopped: Callable[[], Awaitable[bool]]
    calls_tools: bool = True
    """It can be made to call LOOK when the prompt offers it and has no result."""


def stream(model: LanguageModel, prompt: Prompt) -> AsyncGenerator[str | ToolCall, None]:
    return cast(AsyncGenerator[str | ToolCall, None], model.reply(prompt))


async def said(model: LanguageModel, prompt: Prompt) -> list[str | ToolCall]:
    async with aclosing(stream(model, prompt)) as reply:
        return [piece async for piece in reply]


def _answer(prompt: Prompt) -> list[str | ToolCall]:
    if prompt.tools and not prompt.results:
        return ["One moment. ", CALL]
    return ["It", " is", " sunny", "."]


@asynccontextmanager
async def _scripted() -> AsyncIterator[Subject]:
    model = ScriptedModel(_answer)

    async def stopped() -> bool:
        return model.stopped == 1

    yield Subject(model, ScriptedModel(["x"], fail_at=0), stopped)


@asynccontextmanager
async def _cached() -> AsyncIterator[Subject]:
    async with _scripted() as inner:
        key = question_key("sales@1")
        broken = CachedModel(ScriptedModel(["x"], fail_at=0), key)
        yield Subject(CachedModel(inner.model, key), broken, inner.stopped)


def _ollama(*capabilities: str) -> Callable[[], AbstractAsyncContextManager[Subject]]:
    marker = ["[TOOL:lo", "ok:query=weather]"]
    native = [{"name": "look", "arguments": {"query": "weather"}}]
    call = native if "tools" in capabilities else marker

    def answer(body: dict[str, Any]) -> Script:
        """As a model would: a tool first, words when there is a result."""
        text = str(body["messages"])
        offered = body.get("tools") or "[TOOL:name:" in text
        if offered and RESULT.content not in text:
            return Script(["One moment. ", *call])
        return Script(["It", " is", " sunny", "."], hold_before=1 if LONG.words in text else None)

    @asynccontextmanager
    async def subject() -> AsyncIterator[Subject]:
        server = OllamaServer({"tiny:latest": capabilities}, answer=answer)
        async with serving(server):
            model, broken = Ollama("tiny", server.url), Ollama("absent", server.url)

            async def stopped() -> bool:
                return await server.disconnected.wait()

            yield Subject(model, broken, stopped)
            await model.close()
            await broken.close()

    return subject


@asynccontextmanager
async def _llama_cpp() -> AsyncIterator[Subject]:
    settings = LlamaCppSettings(n_ctx=1024, n_parallel=1, max_tokens=24, temperature=0)
    model = LlamaCpp(settings=settings)

    async def stopped() -> bool:
        await model.warm_up(PROMPT)  # its only place is free again
        return model.timings["predicted_n"] <= 1

    with NamedTemporaryFile(suffix=".gguf") as file:
        file.write(b"GGUF" + bytes(100))
        file.flush()
        yield Subject(model, LlamaCpp(file.name), stopped, calls_tools=False)


@asynccontextmanager
async def _playbook() -> AsyncIterator[Subject]:
    async def stopped() -> bool:
        return asyncio.all_tasks() == {asyncio.current_task()}

    yield Subject(PlaybookModel(), None, stopped, calls_tools=False)


@asynccontextmanager
async def _ollama_live() -> AsyncIterator[Subject]:
    settings = Settings.load()
    found = await check(settings.ollama_model, settings.ollama_host)
    if not found.ok:
        pytest.skip(found.line)
    model = Ollama(settings.ollama_model, settings.ollama_host)
    broken = Ollama("absent-model", settings.ollama_host)

    async def stopped() -> bool:
        await model.warm_up(PROMPT)  # the server answers somebody else
        return True

    yield Subject(model, broken, stopped, calls_tools=False)
    await model.close()
    await broken.close()


@pytest.fixture(
    params=[
        pytest.param(_scripted, id="scripted"),
        pytest.param(_playbook, id="playbook"),
        pytest.param(_cached, id="cached"),
        pytest.param(_ollama("completion", "tools"), id="ollama"),
        pytest.param(_ollama("completion"), id="ollama_text"),
        pytest.param(_llama_cpp, id="llama_cpp", marks=pytest.mark.models),
        pytest.param(_ollama_live, id="ollama_live", marks=pytest.mark.live),
    ]
)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with request.param() as subject:
        yield subject


def test_it_has_a_name(subject: Subject):
    assert subject.model.name
    assert subject.model.name == subject.model.name.strip().lower()


async def test_it_yields_text(subject: Subject):
    pieces = await said(subject.model, PROMPT)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert "".join(map(str, pieces)).strip()


async def test_it_can_be_warmed_up_and_asked_again(subject: Subject):
    await subject.model.warm_up(replace(PROMPT, words="", history=()))
    assert await said(subject.model, PROMPT)
    assert await said(subject.model, PROMPT)


async def test_closing_early_stops_the_work(subject: Subject):
    async with aclosing(stream(subject.model, LONG)) as reply:
        assert await anext(reply)
    async with asyncio.timeout(60):
        assert await subject.stopped()


async def test_cancelling_the_task_stops_the_work(subject: Subject):
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(stream(subject.model, LONG)) as reply:
            async for _ in reply:
                begun.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        task = group.create_task(listen())
        await begun.wait()
        task.cancel()
    async with asyncio.timeout(60):
        assert await subject.stopped()


async def test_it_serves_two_calls_at_once(subject: Subject):
    one, two = await asyncio.gather(said(subject.model, PROMPT), said(subject.model, PROMPT))
    assert one
    assert two


async def test_failures_are_provider_errors_of_one_line(subject: Subject):
    if subject.broken is None:
        pytest.skip("this model depends on nothing that could fail")
    with pytest.raises(ProviderError) as caught:
        await said(subject.broken, PROMPT)
    assert caught.value.provider == subject.broken.name
    assert "\n" not in str(caught.value)


async def test_a_tool_and_back(subject: Subject):
    asked = replace(PROMPT, tools=(LOOK,))
    if subject.calls_tools:
        assert await said(subject.model, asked) == ["One moment. ", CALL]
    pieces = await said(subject.model, replace(asked, results=(RESULT,)))
    assert "".join(piece for piece in pieces if isinstance(piece, str)).strip()
