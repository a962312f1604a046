"""A tiny server of phone calls: what the tests of the phone network talk to."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

from sdr_lab.simulate.phone_network import AUTH_TOKEN

A, B = b"\x10" * 160, b"\x20" * 160
"""20 ms each, loud."""


class Media:
    """One stream, as the server sees it."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request) -> None:
        self.ws = ws
        self.path = request.path
        self.signature = request.headers.get("X-Twilio-Signature", "")
        self.host = request.host
        self.messages: list[dict[str, Any]] = []
        self.sid = ""

    async def next(self, event: str) -> dict[str, Any]:
        """Read on until a message of this kind comes."""
        async for message in self.ws:
            data = json.loads(message.data)
            self.messages.append(data)
            if data["event"] == "start":
                self.sid = data["streamSid"]
            if data["event"] == event:
                return data
        raise EOFError(f"the stream ended before {event}: {self.of('stop')}")

    async def rest(self) -> None:
        """Read until the socket closes."""
        try:
            await self.next("nothing")
        except EOFError:
            return

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event"] == event]

    async def play(self, mulaw: bytes) -> None:
        payload = base64.b64encode(mulaw).decode()
        await self.send({"event": "media", "media": {"payload": payload}})

    async def mark(self, name: str) -> None:
        await self.send({"event": "mark", "mark": {"name": name}})

    async def clear(self) -> None:
        await self.send({"event": "clear"})

    async def send(self, message: dict[str, Any]) -> None:
        await self.ws.send_json({"streamSid": self.sid, **message})


async def listen(media: Media) -> None:
    """Say nothing."""
    await media.rest()


async def echo(media: Media) -> None:
    """Send every sound back."""
    await media.next("start")
    while True:
        try:
            data = await media.next("media")
        except EOFError:
            return
        await media.play(base64.b64decode(data["media"]["payload"]))


async def close(media: Media) -> None:
    """End the stream as soon as it has begun."""
    await media.next("media")


def xml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")


@dataclass
class PhoneServer:
    """Answers webhooks and streams, and keeps what came."""

    talk: Callable[[Media], Awaitable[None]] = listen
    answers: dict[str, Callable[[], web.Response]] = field(default_factory=dict)
    """By path: what a webhook is answered; default: 204."""
    public: str = ""
    """As the world knows it; default: where it is."""
    url: str = ""
    got: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Webhooks: path and form."""
    forged: list[str] = field(default_factory=list)
    """Paths of webhooks whose signature twilio's own validator refuses."""
    streams: list[Media] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)

    def forms(self, path: str) -> list[dict[str, str]]:
        return [form for got, form in self.got if got == path]

    def connect(self, action: str = "") -> web.Response:
        """Answer with a stream."""
        response = VoiceResponse()
        connect = Connect(action=action) if action else Connect()
        url = (self.public or self.url).replace("http", "ws", 1)
        told = f"{self.public or self.url}/stream"
        stream = Stream(url=f"{url}/media", name="n", status_callback=told)
        connect.append(stream)
        for name, value in self.parameters.items():
            stream.parameter(name=name, value=value)
        response.append(connect)
        return xml(str(response))

    async def __aenter__(self) -> PhoneServer:
        app = web.Application()
        app.router.add_get("/media", self._media)
        app.router.add_route("*", "/{path}", self._webhook)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        self.answers.setdefault("/voice", self.connect)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _webhook(self, request: web.Request) -> web.Response:
        form = await request.post()
        fields = {key: str(value) for key, value in (form or request.query).items()}
        self.got.append((request.path, fields))
        address = f"{self.public or self.url}{request.path_qs}"
        signature = request.headers.get("X-Twilio-Signature", "")
        if not RequestValidator(AUTH_TOKEN).validate(address, form, signature):
            self.forged.append(request.path)
        make = self.answers.get(request.path)
        return make() if make else web.Response(status=204)

    async def _media(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        media = Media(ws, request)
        self.streams.append(media)
        await self.talk(media)
        return ws
