"""A loopback Ollama server that speaks the real wire protocol to the real client.

Every request is validated with the client's own pydantic models. Faults come on demand.
Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from ollama._types import ChatRequest, EmbedRequest, ShowRequest

CREATED = "2026-11-24T10:00:00.000000001Z"
DONE = {
    "total_duration": 5_000_000,
    "load_duration": 1_000_000,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 1_000_000,
    "eval_count": 4,
    "eval_duration": 2_000_000,
}


@dataclass
class Script:
    """What the next answers of `/api/chat` look like."""

    pieces: Sequence[str | dict[str, Any]] = ("Hello", " there", ".")
    """Text, or `{"name", "arguments"}` for a tool call."""
    hold_before: int | None = None
    """Send nothing more from this piece on, until the client leaves. 0: no first token."""
    cut_before: int | None = None
    """Drop the TCP connection before this piece."""
    malformed_before: int | None = None
    """A line that is not JSON."""
    error_before: int | None = None
    """A line `{"error": …}`."""
    ends_early: bool = False
    """Close the stream properly, but without the line that says `done`."""
    status: int = 200
    error: str = "something went wrong"


@dataclass
class OllamaServer:
    """State of the pretend server: what it has, what it was asked, what it saw."""

    models: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"tiny:latest": ("completion", "tools")}
    )
    """Name → capabilities."""
    script: Script = field(default_factory=Script)
    answer: Callable[[dict[str, Any]], Script] | None = None
    """Makes the script from the body of a request; None: `script`."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Path and body of each request, the bodies valid."""
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """A client left before its answer was complete."""
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    """The server has come to `hold_before`."""
    url: str = ""

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the requests to `/api/chat` that had messages."""
        return [b for path, b in self.requests if path == "/api/chat" and b.get("messages")]

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._root),
                web.get("/api/version", self._version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/chat", self._chat),
                web.post("/api/embed", self._embed),
            ]
        )
        return app

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.12.6"})

    async def _tags(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [self._listed(name) for name in self.models]})

    async def _ps(self, request: web.Request) -> web.Response:
        more = {"expires_at": CREATED, "size_vram": 0, "context_length": 4096}
        return web.json_response({"models": [self._listed(n) | more for n in self.models]})

    def _listed(self, name: str) -> dict[str, Any]:
        details = {"parent_model": "", "format": "gguf", "family": "llama"}
        more = {"families": ["llama"], "parameter_size": "8.0B", "quantization_level": "Q4_K_S"}
        listed = {"name": name, "model": name, "modified_at": CREATED, "size": 4_692_782_531}
        return {**listed, "digest": "365c0bd3c000", "details": details | more}

    async def _show(self, request: web.Request) -> web.Response:
        body = await self._body(request, ShowRequest)
        name = self._known(body["model"])
        if name is None:
            return self._missing(body["model"])
        shown = {"modelfile": "", "template": "{{ .Prompt }}", "modified_at": CREATED}
        info = {"general.architecture": "llama"}
        details = self._listed(name)["details"]
        capabilities = list(self.models[name])
        return web.json_response(
            {**shown, "model_info": info, "details": details, "capabilities": capabilities}
        )

    async def _embed(self, request: web.Request) -> web.Response:
        body = await self._body(request, EmbedRequest)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [[float(len(text)), 1.0] for text in texts]
        return web.json_response({"model": body["model"], "embeddings": vectors})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, ChatRequest)
        script = self.answer(body) if self.answer else self.script
        if self._known(body["model"]) is None:
            return self._missing(body["model"])
        if script.status != 200:
            return web.json_response({"error": script.error}, status=script.status)
        if not body.get("messages"):
            return web.json_response(self._line(body, "", done=True, done_reason="load"))
        if not body.get("stream", True):
            text = "".join(piece for piece in script.pieces if isinstance(piece, str))
            done = self._line(body, text, done=True, done_reason="stop")
            return web.json_response({**done, **DONE})
        return await self._stream(request, body, script)

    async def _stream(
        self, request: web.Request, body: dict[str, Any], script: Script
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            for index, piece in enumerate([*script.pieces, None]):
                if index == script.hold_before:
                    self.holding.set()
                    await asyncio.Event().wait()
                if index == script.cut_before and request.transport is not None:
                    request.transport.abort()
                    return response
                if index == script.malformed_before:
                    await response.write(b'{"model": "tiny", "mess\n')
                if index == script.error_before:
                    await response.write(_ndjson({"error": script.error}))
                if piece is not None:
                    await response.write(_ndjson(self._line(body, piece)))
        except (asyncio.CancelledError, ConnectionError):
            self.disconnected.set()
            raise
        if not script.ends_early:
            done = self._line(body, "", done=True, done_reason="stop")
            await response.write(_ndjson({**done, **DONE}))
        await response.write_eof()
        return response

    def _line(
        self,
        body: dict[str, Any],
        piece: str | dict[str, Any],
        done: bool = False,
        done_reason: str | None = None,
    ) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        if isinstance(piece, str):
            message["content"] = piece
        else:
            message["tool_calls"] = [{"function": piece}]
        line = {"model": body["model"], "created_at": CREATED, "message": message, "done": done}
        return {**line, "done_reason": done_reason} if done_reason else line

    async def _body(self, request: web.Request, shape: Any) -> dict[str, Any]:
        body = await request.json()
        shape.model_validate(body)
        self.requests.append((request.path, body))
        return body

    def _known(self, name: str) -> str | None:
        full = name if ":" in name else f"{name}:latest"
        return full if full in self.models else None

    def _missing(self, name: str) -> web.Response:
        return web.json_response({"error": f"model '{name}' not found"}, status=404)


@asynccontextmanager
async def serving(server: OllamaServer) -> AsyncIterator[OllamaServer]:
    """Serve on a free port of 127.0.0.1; `server.url` says which."""
    # handler_cancellation: a client that leaves cancels the handler, as Ollama stops the model
    runner = web.AppRunner(server.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _ndjson(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"
