"""A live server, a phone network, somebody who receives webhooks: all on loopback, all real."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from elevenlabs.client import AsyncElevenLabs
from fastapi import FastAPI

from sdr_lab.api.serve import LiveServer, server_for
from sdr_lab.api.state import state_of
from sdr_lab.config import Settings
from sdr_lab.lab import Lab
from sdr_lab.live.desk import Desk
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_network import ACCOUNT_SID, AUTH_TOKEN, PhoneNetwork
from tests.e2e.ears import sound_of
from tests.live.receiver import Receiver

T = TypeVar("T")

PUBLIC = "https://calls.example"
INCOMING = f"{PUBLIC}/voice/incoming"
OURS = "+15550001111"
KEY = "the-key-of-the-end-to-end-tests"
WAIT_S = 20.0
"""What takes longer has gone wrong."""

JOE: dict[str, Any] = {
    "name": "Joe",
    "system_prompt": "You sell dispatch software of Maplewood.",
    "first_message": "Hi, this is Joe.",
    "goodbye": "Goodbye.",
    "time_zone": "America/Chicago",
    "tools": [
        "find_free_times",
        "book_appointment",
        "mark_do_not_call",
        "transfer_call",
        "end_call",
    ],
    "departments": {"sales": "+15550002222"},
    "keys": {"9": "mark_do_not_call"},
    "playbook": {
        "lines": {"GOODBYE": ["Goodbye."], "goodbye_booked": ["See you then. Goodbye."]},
        "facts": {
            "cost price money": "The small plan is 49 dollars a month for up to three people, and "
            "the large plan is 129 dollars a month for up to fifteen people."
        },
    },
}

SETTINGS: dict[str, object] = {
    "INTERRUPT_DETECTOR": "energy",  # what the callers say here are tones
    "API_KEYS": KEY,
    "STT_PROVIDER": "tests.e2e.ears:Ears",
    "LLM_PROVIDER": "playbook",
    "TTS_PROVIDER": "tests.e2e.voice:QuickTone",
    "TTS_CACHE_MB": 0,
    "EMBED_MODEL": "hash",
    "PUBLIC_URL": PUBLIC,
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "INSECURE_PRIVATE_WEBHOOKS": True,  # ours go to this machine
    "RATE_LIMIT_PER_MINUTE": 0,
    "SHUTDOWN_GRACE_S": 2,
}
"""Keys and signatures are on; nothing needs weights."""


@dataclass
class World:
    """What a test has to do with."""

    url: str
    """Where the server really is."""
    network: PhoneNetwork
    server: LiveServer
    desk: Desk
    http: httpx.AsyncClient
    """With the key."""
    sdk: AsyncElevenLabs
    """The official SDK, with the key."""

    @property
    def lab(self) -> Lab:
        return self.desk.lab

    async def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET below /v1/convai."""
        reply = await self.http.get(f"/v1/convai{path}", params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def post(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        """POST below /v1/convai and return the JSON."""
        reply = await self.http.post(f"/v1/convai{path}", json=body, headers=headers)
        assert reply.status_code == status, reply.text
        return reply.json()

    async def agent(self, **changes: Any) -> str:
        """Make an agent like Joe and return its id."""
        return (await self.post("/agents", {**JOE, **changes}))["agent_id"]

    async def place(self, agent_id: str, number: str, **more: Any) -> PhoneCall:
        """Place a call; return it as the phone network sees it."""
        placed = await self.post(
            "/twilio/outbound-call", {"agent_id": agent_id, "to_number": number, **more}
        )
        return self.network.calls[placed["call_sid"]]

    async def settled(self, call: PhoneCall) -> dict[str, Any]:
        """Wait for the end of a call and all that follows it; return its account."""
        async with asyncio.timeout(WAIT_S):
            await self.network.settled(call)
        return await self.done(call.sid)

    async def done(self, key: str) -> dict[str, Any]:
        """Return the account of a call, once it is over and judged."""
        return await eventually(lambda: self._done(key), f"{key} is not done")

    async def _done(self, key: str) -> dict[str, Any] | None:
        told = await self.get(f"/conversations/{key}")
        return told if told["status"] in ("done", "failed") and told["analysis"] else None


async def eventually(ask: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Ask until there is an answer, and return it."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + WAIT_S
    while not (answer := await ask()):
        assert loop.time() < until_s, what
        await asyncio.sleep(0.05)
    return answer


async def told_of(
    receiver: Receiver, kind: str, conversation_id: str = ""
) -> dict[str, Any] | None:
    """Return the webhook of a kind that has come, about one conversation or any."""
    for event in receiver.events:
        if event["type"] == kind and conversation_id in ("", event["conversation_id"]):
            return event
    return None


def says(caller: Caller, phrase: str, **when: float) -> Caller:
    """Add a phrase of the phrase book to what a caller says."""
    return caller.says(phrase, sound=sound_of(phrase), **when)


def free_socket() -> socket.socket:
    """Return a socket that has a port of this machine."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


def url_of(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


@asynccontextmanager
async def world(home: Path, **changes: object) -> AsyncIterator[World]:
    """Run everything, the server as `python server.py` runs it."""
    with free_socket() as bound:
        async with PhoneNetwork(reach={PUBLIC: url_of(bound)}) as network:
            given = {**SETTINGS, "SDR_LAB_HOME": home, "TWILIO_API_URL": network.base_url}
            settings = Settings.load(None, {**given, **changes}, environ={})
            async with serving(settings, bound, network) as made:
                yield made


@asynccontextmanager
async def serving(
    settings: Settings, bound: socket.socket, network: PhoneNetwork
) -> AsyncIterator[World]:
    """Run a server on a socket of its own; at the end it stops as Ctrl-C stops it."""
    server, url = server_for(settings), url_of(bound)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(server.serve(sockets=[bound]))
        while not server.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0.01)
        desk = await state_of(cast(FastAPI, server.config.app)).desk()
        sdk = AsyncElevenLabs(base_url=url, api_key=KEY)
        headers = {"xi-api-key": KEY}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=WAIT_S) as http:
            try:
                yield World(url, network, server, desk, http, sdk)
            finally:
                server.should_exit = True
