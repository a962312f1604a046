"""A language model served by Ollama.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md, "Generate a chat completion".

Surprises of the client (ollama 0.6): it waits for ever unless told otherwise; a streamed
answer that simply ends raises nothing; a refused connection is `httpx.ConnectError` when
streaming and the builtin `ConnectionError` when not; it sends OLLAMA_API_KEY from the
environment as a bearer token if that is set; nested schemas of tool arguments are cut down to
type, items, description and enum.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sdr_lab.errors import MissingPackage, ProviderError, SettingError
from sdr_lab.llm.render import messages_of
from sdr_lab.llm.tooltext import ToolTextSplitter
from sdr_lab.records import Prompt, ToolCall, ToolSpec

if TYPE_CHECKING:
    import ollama

DEFAULT_HOST = "http://127.0.0.1:11434"
DEFAULT_MODEL = "llama3:8b-instruct-q4_K_S"

_KEPT_BY_CLIENT = frozenset({"type", "items", "description", "enum"})
_NAME = "ollama"


@dataclass(frozen=True, slots=True)
class OllamaSettings:
    """How the model is asked."""

    temperature: float = 0.2
    num_predict: int = 512
    """Tokens per reply at most."""
    num_ctx: int = 4096
    """Context in tokens, prompt and reply. One value per model: Ollama reloads on a change."""
    stop: tuple[str, ...] = ()
    """The reply ends before any of these."""
    keep_alive: str = "10m"
    """How long the model stays loaded after a request."""
    connect_s: float = 2
    first_token_s: float = 15
    between_tokens_s: float = 5
    load_s: float = 120
    """For `warm_up`: a model of 5 GB from a slow disk."""


@dataclass(frozen=True, slots=True)
class OllamaCheck:
    """What `doctor` needs to know."""

    ok: bool
    line: str
    """What is the case and, if it is not well, what to do."""
    version: str = ""
    models: tuple[str, ...] = ()


class Ollama:
    """Streams replies from an Ollama server. One object serves many calls.

    Args:
        model: Name as in `ollama list`; without a tag it means `:latest`.
        host: URL of the server. As everywhere with Ollama, `http://box` means port 80 and
            plain `box` means 11434.
        settings: How the model is asked.

    Raises:
        SettingError: `host` is no URL, or `model` is empty.
    """

    name = _NAME

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        host: str = DEFAULT_HOST,
        settings: OllamaSettings | None = None,
    ) -> None:
        if not model.strip():
            raise SettingError("OLLAMA_MODEL", model, f"a model's name, such as {DEFAULT_MODEL}")
        _check_host(host)
        self.model = model
        self.host = host
        self.settings = settings or OllamaSettings()
        self._clients: dict[asyncio.AbstractEventLoop, ollama.AsyncClient] = {}
        self._native_tools: bool | None = None

    async def reply(self, prompt: Prompt) -> AsyncGenerator[str | ToolCall, None]:
        """Yield the answer piece by piece. Closing the iterator stops the model."""
        native = await self._takes_tools() if prompt.tools else True
        messages = messages_of(prompt, self._budget(), native_tools=native)
        tools = [tool_schema(tool) for tool in prompt.tools] if native else []
        confirm = {tool.name for tool in prompt.tools if tool.confirm}
        splitter = ToolTextSplitter(prompt.tools)
        async with aclosing(self._stream(messages, tools)) as stream:
            async for message in stream:
                for part in splitter.push(message.content or ""):
                    yield part
                for call in message.tool_calls or ():
                    name = call.function.name
                    yield ToolCall(name, dict(call.function.arguments), name in confirm)
        for part in splitter.close():
            yield part

    async def warm_up(self, prompt: Prompt) -> None:
        """Load the model and let it read the beginning of the prompts of this call."""
        wait = self.settings.load_s
        await self._ask([], num_predict=1, wait_s=wait)
        native = await self._takes_tools()
        messages = messages_of(prompt, self._budget(), native_tools=native)
        await self._ask(messages, num_predict=1, wait_s=wait)

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    async def _stream(
        self, messages: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> AsyncGenerator[ollama.Message, None]:
        wait, stage = self.settings.first_token_s, "the first token"
        client = await self._client()
        try:
            parts = await client.chat(
                self.model,
                messages,
                tools=tools,
                stream=True,
                think=False,
                options=self._options(self.settings.num_predict),
                keep_alive=self.settings.keep_alive,
            )
            async with aclosing(parts):  # type: ignore[type-var]  # an async generator
                while True:
                    async with asyncio.timeout(wait):
                        part = await anext(parts, None)
                    if part is None:
                        raise ProviderError(_NAME, "the reply broke off before its end")
                    yield part.message
                    if part.done:
                        return
                    wait, stage = self.settings.between_tokens_s, "the next token"
        except TimeoutError:
            raise ProviderError(_NAME, f"waited {wait:g} s for {stage} of {self.model}") from None
        except Exception as error:
            raise await self._explained(error) from error

    async def _ask(self, messages: list[dict[str, Any]], num_predict: int, wait_s: float) -> None:
        client = await self._client()
        try:
            async with asyncio.timeout(wait_s):
                await client.chat(
                    self.model,
                    messages,
                    think=False,
                    options=self._options(num_predict),
                    keep_alive=self.settings.keep_alive,
                )
        except TimeoutError:
            raise ProviderError(_NAME, f"{self.model} did not load in {wait_s:g} s") from None
        except Exception as error:
            raise await self._explained(error) from error

    async def _takes_tools(self) -> bool:
        """Whether the model has been trained and templated for tools. Asked once."""
        if self._native_tools is None:
            wait = self.settings.first_token_s
            client = await self._client()
            try:
                async with asyncio.timeout(wait):
                    shown = await client.show(self.model)
            except TimeoutError:
                raise ProviderError(_NAME, f"no word on {self.model} in {wait:g} s") from None
            except Exception as error:
                raise await self._explained(error) from error
            self._native_tools = "tools" in (shown.capabilities or ())
        return self._native_tools

    def _options(self, num_predict: int) -> dict[str, Any]:
        options = {
            "temperature": self.settings.temperature,
            "num_predict": num_predict,
            "num_ctx": self.settings.num_ctx,
        }
        return {**options, "stop": list(self.settings.stop)} if self.settings.stop else options

    async def _client(self) -> ollama.AsyncClient:
        """One client per event loop, because its connections belong to the loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # in a thread: the first time it imports httpx and reads certificates, 0.5 s
            client = await asyncio.to_thread(_new_client, self.host, self.settings.connect_s)
            self._clients = {old: c for old, c in self._clients.items() if not old.is_closed()}
            self._clients.setdefault(loop, client)
        return self._clients[loop]

    def _budget(self) -> int:
        """Tokens for the prompt. A very long `num_predict` does not starve it."""
        room = self.settings.num_ctx
        return max(room // 2, room - self.settings.num_predict)

    async def _explained(self, error: Exception) -> ProviderError:
        """The error as one line that says what to do."""
        if isinstance(error, ProviderError):
            return error
        if getattr(error, "status_code", None) == 404:
            return ProviderError(_NAME, await self._not_pulled())
        return ProviderError(_NAME, _reason(error, self.host))

    async def _not_pulled(self) -> str:
        hint = f"model {self.model!r} is not pulled - run `ollama pull {self.model}`"
        try:
            names = await models(self.host, self.settings.connect_s)
        except ProviderError as error:  # something else than Ollama answers there
            return error.reason
        return f"{hint}; it has: {', '.join(names) or 'no model yet'}"


async def models(host: str = DEFAULT_HOST, connect_s: float = 2) -> list[str]:
    """Names of the models that are pulled, as `ollama list` shows them.

    Raises:
        ProviderError: the server is not there or does not answer as Ollama does.
    """
    _check_host(host)
    try:
        client = await asyncio.to_thread(_new_client, host, connect_s)
        try:
            async with asyncio.timeout(connect_s + 3):
                listed = await client.list()
        finally:
            await client.close()
    except TimeoutError:
        raise ProviderError(
            _NAME, f"no answer from {host} - is it busy or the wrong URL?"
        ) from None
    except MissingPackage:
        raise
    except Exception as error:
        raise ProviderError(_NAME, _reason(error, host)) from error
    return [model.model for model in listed.models if model.model]


async def check(model: str = DEFAULT_MODEL, host: str = DEFAULT_HOST) -> OllamaCheck:
    """Look whether `model` can be used at `host`. Never raises ProviderError."""
    try:
        names = tuple(await models(host))
        version = await _version(host)
    except ProviderError as error:
        return OllamaCheck(False, error.reason)
    if (model if ":" in model else f"{model}:latest") not in names:
        has = ", ".join(names) or "no model yet"
        line = f"model {model!r} is not pulled - run `ollama pull {model}`; it has: {has}"
        return OllamaCheck(False, line, version, names)
    return OllamaCheck(True, f"Ollama {version} at {host} with {model}", version, names)


def tool_schema(tool: ToolSpec) -> dict[str, Any]:
    """A tool in Ollama's form.

    What the client would drop from an argument's schema (format, default, limits, nested
    properties) is written into its description, so that the model still sees it.
    """
    properties = {
        name: _argument(schema)
        for name, schema in (tool.parameters.get("properties") or {}).items()
    }
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required := list(tool.parameters.get("required", ())):
        parameters["required"] = required
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _argument(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key in _KEPT_BY_CLIENT}
    extra = [f"{key}: {value}" for key, value in schema.items() if key not in _KEPT_BY_CLIENT]
    if extra:
        kept["description"] = f"{kept.get('description', '')} ({'; '.join(extra)})".strip()
    return kept


def _new_client(host: str, connect_s: float) -> ollama.AsyncClient:
    try:
        import httpx
        import ollama
    except ImportError as error:
        raise MissingPackage(
            "the language model `ollama` needs its client: pip install ollama"
        ) from error
    # reads are limited by asyncio.timeout in the caller, which tells first token from next
    timeout = httpx.Timeout(None, connect=connect_s, write=connect_s)
    return ollama.AsyncClient(host=host, timeout=timeout, trust_env=False)


async def _version(host: str) -> str:
    """The client has no call for it."""
    import httpx

    client = _new_client(host, 2)
    try:
        async with asyncio.timeout(5):
            answer = await client._client.get("/api/version")
        return str(answer.json().get("version", ""))
    except (httpx.HTTPError, ValueError, AttributeError, TimeoutError):
        return ""
    finally:
        await client.close()


def _check_host(host: str) -> None:
    allowed = f"a host or a URL, such as {DEFAULT_HOST}"
    scheme, separator, rest = host.strip().partition("://")
    try:
        parts = urlsplit(f"//{rest if separator else host.strip()}")
        good = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or (separator and scheme not in ("http", "https")) or " " in host.strip():
        raise SettingError("OLLAMA_HOST", host, allowed)


def _reason(error: Exception, host: str) -> str:
    """What went wrong and what to do, in one line."""
    import httpx

    text = " ".join(str(getattr(error, "error", None) or error).split())[:300]
    if isinstance(error, httpx.ConnectError | ConnectionError):
        port = "" if _has_port(host) else " (a URL without a port means port 80 or 443)"
        return (
            f"Ollama is not running at {host}{port} - start it with `ollama serve` or check the URL"
        )
    if isinstance(error, httpx.TimeoutException):
        return f"no answer from {host} in time - is it reachable?"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return "the connection broke before the reply was complete"
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
        return f"{host} can't be asked: {text or type(error).__name__}"
    status = getattr(error, "status_code", None)
    if status is None:  # a line that is not JSON, or JSON of another shape
        return f"{host} does not answer as Ollama does ({type(error).__name__}) - check the URL"
    if status == -1:
        return f"the model failed in the middle of the reply: {text}"
    return f"{host} answered {status}: {text}"


def _has_port(host: str) -> bool:
    _, separator, rest = host.partition("://")
    return not separator or urlsplit(f"//{rest}").port is not None
