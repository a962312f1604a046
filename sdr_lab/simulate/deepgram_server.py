"""A loopback Deepgram for the real SDK: live transcription (Nova, Flux) and text to speech.

It refuses what Deepgram would refuse, checks every message in both directions against the SDK's
own models, breaks down on demand, and notes everything.

    server = DeepgramServer(hears=lambda: BankEar({"yes please": sound}))
    async with serving(server):
        Deepgram(Account(server.api_key, server.url))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web
from deepgram.listen.v1.client import AsyncV1Client as ListenV1
from deepgram.listen.v2.client import AsyncV2Client as ListenV2
from deepgram.speak.v1.client import AsyncV1Client as SpeakV1
from pydantic import BaseModel

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.resample import resample
from sdr_lab.records import Sound
from sdr_lab.simulate import deepgram_flux, deepgram_listen, deepgram_speak
from sdr_lab.simulate.deepgram_ear import Ear, SpelledEar
from sdr_lab.simulate.deepgram_wire import Broken, Fault, Link, Wire, wrong_query
from sdr_lab.tts.base import Voice
from sdr_lab.tts.tone import Tone

__all__ = ["DeepgramServer", "Fault", "serving"]

LISTEN, FLUX, SPEAK, SPEAK_REST = "/v1/listen", "/v2/listen", "/v1/speak", "POST /v1/speak"
RATES = {"linear16": {8000, 16_000, 24_000, 32_000, 48_000}, "mulaw": {8000, 16_000}}


@dataclass(eq=False)
class DeepgramServer:
    """State of the pretended service: what it does, what it was asked, what it saw."""

    hears: Callable[[], Ear] = SpelledEar
    """Makes the ear of a connection."""
    voice: Voice = field(default_factory=lambda: Tone(rate_hz=16_000))
    """Speaks; converted to whatever encoding is asked for."""
    api_key: str = "loopback-key"
    max_streams: int = 100
    """More connections at a time get 429."""
    idle_s: float = 10.0
    """Silence of the client after which it is hung up."""
    chunk_bytes: int = 1001
    """Size of the audio messages; odd, so that samples are cut in two."""
    chunk_s: float = 0.0
    """Wait before each audio message."""
    faults: list[Fault] = field(default_factory=list)
    """Each befalls one connection to its path, in order."""
    links: list[Link] = field(default_factory=list)
    """Every connection and request, oldest first."""
    problems: list[str] = field(default_factory=list)
    """What either side sent that the SDK's models don't allow; empty when all is well."""
    url: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection opens or ends."""

    def links_to(self, path: str) -> list[Link]:
        """Return the connections and requests to a path."""
        return [link for link in self.links if link.path == path]

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get(LISTEN, self._listen),
                web.get(FLUX, self._flux),
                web.get(SPEAK, self._speak),
                web.post(SPEAK, self._speak_rest),
                web.get("/v1/projects", self._projects),
            ]
        )
        return app

    async def until_over(self, count: int) -> None:
        """Wait until so many connections have ended."""
        while sum(link.is_over for link in self.links) < count:
            self.changed.clear()
            await self.changed.wait()

    # ---- WebSockets

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        async def run(wire: Wire) -> None:
            await deepgram_listen.LiveListening(wire, self.hears(), self.idle_s).run()

        refused = _bad_listening(_query(request))
        return await self._socket(request, ListenV1, deepgram_listen.CLIENT_FRAMES, run, refused)

    async def _flux(self, request: web.Request) -> web.StreamResponse:
        async def run(wire: Wire) -> None:
            await deepgram_flux.FluxListening(wire, self.hears(), self.idle_s).run()

        refused = _bad_flux(_query(request))
        return await self._socket(request, ListenV2, deepgram_flux.CLIENT_FRAMES, run, refused)

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        query = _query(request)

        async def synthesis(text: str) -> bytes:
            return await self._spoken(text, query)

        async def run(wire: Wire) -> None:
            pace = (self.chunk_bytes, self.chunk_s, self.idle_s)
            await deepgram_speak.Speaking(wire, synthesis, *pace).run()

        refused = _bad_speaking(query)
        return await self._socket(request, SpeakV1, deepgram_speak.CLIENT_FRAMES, run, refused)

    async def _socket(
        self,
        request: web.Request,
        client: Any,
        frames: Mapping[str, type[BaseModel]],
        run: Callable[[Wire], Any],
        refused: str,
    ) -> web.StreamResponse:
        fault = self._fault(request.path)
        query = _query(request)
        refused = refused or wrong_query(query, client.connect)
        if (answer := await self._refusal(request, refused, fault)) is not None:
            return answer
        link = Link(request.path, query)
        self.links.append(link)
        self.changed.set()
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        try:
            await run(Wire(socket, request, link, frames, self.problems, fault))
        except* (Broken, ConnectionError):
            link.is_broken = True
        finally:
            link.is_over = True
            link.close_code = socket.close_code
            self.changed.set()
        return socket

    # ---- REST

    async def _speak_rest(self, request: web.Request) -> web.StreamResponse:
        fault = self._fault(SPEAK_REST)
        query = _query(request)
        refused = _bad_speaking(query)
        if query.get("container") != ["none"]:
            self.problems.append("POST /v1/speak without container=none: the header is a click")
        if (answer := await self._refusal(request, refused, fault)) is not None:
            return answer
        link = Link(SPEAK_REST, query, orders=[await request.json()])
        self.links.append(link)
        response = web.StreamResponse(headers={"Content-Type": "audio/basic"})
        await response.prepare(request)
        audio = await self._spoken(link.orders[0]["text"], query)
        for at in range(0, len(audio), self.chunk_bytes):
            await asyncio.sleep(self.chunk_s)
            if fault and fault.act == "cut" and at >= fault.after_ms and request.transport:
                request.transport.abort()
                return response
            await response.write(audio[at : at + self.chunk_bytes])
            link.audio += audio[at : at + self.chunk_bytes]
        await response.write_eof()
        link.is_over = True
        return response

    async def _projects(self, request: web.Request) -> web.StreamResponse:
        if (answer := await self._refusal(request, "", self._fault(request.path))) is not None:
            return answer
        return web.json_response({"projects": [{"project_id": "p", "name": "loopback"}]})

    # ---- both

    def _fault(self, path: str) -> Fault | None:
        found = next((fault for fault in self.faults if fault.path == path), None)
        if found is not None:
            self.faults.remove(found)
        return found

    async def _refusal(
        self, request: web.Request, wrong: str, fault: Fault | None
    ) -> web.Response | None:
        """Answer as Deepgram does when there is no connection to be had."""
        if fault is not None:
            await asyncio.sleep(fault.delay_s)
        running = sum(not link.is_over for link in self.links)
        if fault is not None and fault.refuse:
            status, text = fault.refuse, "on demand"
        elif request.headers.get("Authorization") != f"Token {self.api_key}":
            status, text = 401, "Invalid credentials."
        elif wrong:
            status, text = 400, wrong
            self.problems.append(f"{request.path}: {wrong}")
        elif running >= self.max_streams:
            status, text = 429, "Too many requests."
        else:
            return None
        body = {"err_code": text, "err_msg": text}
        return web.json_response(body, status=status, headers={"dg-error": text})

    async def _spoken(self, text: str, query: Mapping[str, list[str]]) -> bytes:
        rate_hz = int(query.get("sample_rate", ["24000"])[0])
        parts = [sound async for sound in self.voice.speak(text)]
        if not parts:
            return b""
        whole = Sound(np.concatenate([part.pcm for part in parts]), parts[0].rate_hz)
        pcm = resample(whole, rate_hz).pcm
        is_mulaw = query.get("encoding") == ["mulaw"]
        return pcm_to_mulaw(pcm) if is_mulaw else pcm.astype("<i2").tobytes()


def _query(request: web.Request) -> dict[str, list[str]]:
    return {name: request.query.getall(name) for name in request.query}


def _bad_listening(query: Mapping[str, list[str]]) -> str:
    if "model" not in query or query.get("encoding") != ["mulaw"]:
        return "this double wants a model and encoding=mulaw"
    if query.get("sample_rate") != ["8000"]:
        return "raw audio needs sample_rate; this double wants 8000"
    gap = int(query.get("utterance_end_ms", ["1000"])[0])
    if gap < 1000 or ("utterance_end_ms" in query and query.get("interim_results") != ["true"]):
        return "utterance_end_ms wants 1000 or more, and interim_results"
    if "keyterm" in query and not query["model"][0].startswith("nova-3"):
        return "keyterm is for nova-3"
    if "keywords" in query and query["model"][0].startswith("nova-3"):
        return "keywords are not for nova-3"
    return ""


def _bad_flux(query: Mapping[str, list[str]]) -> str:
    if not query.get("model", [""])[0].startswith("flux-"):
        return "/v2/listen wants a flux model"
    if query.get("encoding") != ["mulaw"] or query.get("sample_rate") != ["8000"]:
        return "this double wants mulaw and 8000"
    sure = float(query.get("eot_threshold", ["0.7"])[0])
    eager = float(query.get("eager_eot_threshold", ["0.3"])[0])
    if not 0.5 <= sure <= 1 or not 0.3 <= eager <= min(0.9, sure):
        return "thresholds out of range"
    if "language_hint" in query and not query["model"][0].endswith("-multi"):
        return "language_hint is for flux-general-multi"
    return ""


def _bad_speaking(query: Mapping[str, list[str]]) -> str:
    encoding = query.get("encoding", ["linear16"])[0]
    rate_hz = int(query.get("sample_rate", ["24000"])[0])
    if rate_hz not in RATES.get(encoding, set()):
        return f"{encoding} has no {rate_hz} Hz"
    if not query.get("model", [""])[0].startswith(("aura-", "flux-")):
        return "no such voice"
    return ""


@asynccontextmanager
async def serving(server: DeepgramServer, port: int = 0) -> AsyncIterator[DeepgramServer]:
    """Serve on 127.0.0.1, on a free port unless one is given; `server.url` says which."""
    runner = web.AppRunner(server.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
