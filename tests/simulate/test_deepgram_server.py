"""The loopback Deepgram refuses what Deepgram refuses; one that takes anything proves nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.simulate.caller import speech_like
from sdr_lab.simulate.deepgram_ear import BankEar, ScriptEar, SpelledEar, spread
from sdr_lab.simulate.deepgram_server import DeepgramServer, serving
from sdr_lab.stt.scripted import Said, spelled

LISTEN = "/v1/listen?model=nova-2&encoding=mulaw&sample_rate=8000"
FLUX = "/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000"
SPEAK = "/v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000"
SILENCE = b"\xff" * 160


class Client:
    """A client that may say anything."""

    def __init__(self, server: DeepgramServer, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http

    def open(self, path: str, key: str | None = None) -> Any:
        headers = {"Authorization": f"Token {key or self.server.api_key}"}
        return self.http.ws_connect(self.server.url + path, headers=headers)

    async def status(self, path: str, key: str | None = None) -> int:
        """Return the status of a handshake that is refused."""
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with self.open(path, key):
                pytest.fail("the double let it in")
        return caught.value.status


@asynccontextmanager
async def client(**more: Any) -> AsyncIterator[Client]:
    server = DeepgramServer(**more)
    async with serving(server), aiohttp.ClientSession() as http:
        yield Client(server, http)


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """Return the next message of a type."""
    async with asyncio.timeout(5):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT and message.json()["type"] == kind:
                return message.json()
            assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message


@pytest.mark.parametrize(
    "path",
    [
        "/v1/listen?encoding=mulaw&sample_rate=8000",
        "/v1/listen?model=nova-2&encoding=mulaw",
        f"{LISTEN}&keepalive=true",
        f"{LISTEN}&utterance_end_ms=500&interim_results=true",
        f"{LISTEN}&utterance_end_ms=1000",
        f"{LISTEN}&keyterm=Northwind",
        LISTEN.replace("nova-2", "nova-3") + "&keywords=Northwind",
        FLUX.replace("flux-general-en", "nova-3"),
        f"{FLUX}&eot_threshold=0.2",
        f"{FLUX}&eot_threshold=0.6&eager_eot_threshold=0.7",
        f"{FLUX}&language_hint=es",
        SPEAK.replace("sample_rate=8000", "sample_rate=24000"),
        SPEAK.replace("aura-2-thalia-en", "joe"),
    ],
)
async def test_a_query_that_deepgram_would_refuse(path: str):
    async with client() as it:
        assert await it.status(path) == 400
        assert len(it.server.problems) == 1


@pytest.mark.parametrize("path", [LISTEN, FLUX, SPEAK])
async def test_a_wrong_key_and_too_many_streams(path: str):
    async with client(max_streams=1) as it:
        assert await it.status(path, "wrong") == 401
        async with it.open(path):
            assert await it.status(path) == 429


@pytest.mark.parametrize("path", [LISTEN, FLUX, SPEAK])
@pytest.mark.parametrize("text", ["{", "[]", '{"type": "Hello"}', '{"type": "Speak"}'])
async def test_a_frame_that_is_none_is_a_problem(path: str, text: str):
    async with client() as it, it.open(path) as socket:
        await socket.send_str(text)
        await socket.close()
        await asyncio.wait_for(it.server.until_over(1), 5)
        assert len(it.server.problems) == 1


async def test_a_field_too_many_is_a_problem():
    async with client() as it, it.open(LISTEN) as socket:
        await socket.send_str(json.dumps({"type": "KeepAlive", "extra": 1}))
        assert (await until(socket, "Error"))["variant"] == "SchemaError"
        assert "extra" in it.server.problems[0]


@pytest.mark.parametrize("path", [LISTEN, FLUX])
async def test_without_audio_it_hangs_up(path: str):
    async with client(idle_s=0.05) as it, it.open(path) as socket:
        while not socket.closed:
            await socket.receive()
        assert socket.close_code == 1011


async def test_an_empty_message_ends_the_stream():
    async with client() as it, it.open(LISTEN) as socket:
        await socket.send_bytes(b"")
        await socket.receive()
        assert socket.close_code == 1000


async def test_finalize_is_answered_only_when_something_is_open():
    async with client() as it, it.open(LISTEN) as socket:
        await socket.send_str('{"type": "Finalize"}')
        await socket.send_bytes(spelled("yes"))
        await socket.send_str('{"type": "Finalize"}')
        result = await until(socket, "Results")

    assert result["from_finalize"] is True
    assert result["channel"]["alternatives"][0]["transcript"] == "yes"
    assert len([m for m in it.server.links[0].sent if m["type"] == "Results"]) == 1


async def test_the_end_of_an_utterance_is_told_after_the_gap():
    path = f"{LISTEN}&interim_results=true&utterance_end_ms=1000&vad_events=true&endpointing=300"
    async with client() as it, it.open(path) as socket:
        await socket.send_bytes(SILENCE * 10 + spelled("yes") + SILENCE * 60)
        assert (await until(socket, "SpeechStarted"))["timestamp"] == 0.2
        assert (await until(socket, "Results"))["is_final"] is False
        final = await until(socket, "Results")
        assert (final["speech_final"], final["start"], final["duration"]) == (True, 0.0, 0.56)
        assert (await until(socket, "UtteranceEnd"))["last_word_end"] == 0.26


async def test_force_end_turn_without_a_turn_is_ignored():
    async with client() as it, it.open(FLUX) as socket:
        await socket.send_str('{"type": "ForceEndTurn"}')
        await socket.send_bytes(spelled("yes") + SILENCE)
        await socket.send_str('{"type": "ForceEndTurn"}')
        events = []
        while "EndOfTurn" not in events:
            events.append((await until(socket, "TurnInfo"))["event"])
    assert events == ["StartOfTurn", "EndOfTurn"]


async def test_the_21st_flush_of_a_minute_is_ignored_with_a_warning():
    async with client() as it, it.open(SPEAK) as socket:
        for _ in range(21):
            await socket.send_str('{"type": "Speak", "text": "Hi."}')
            await socket.send_str('{"type": "Flush"}')
        assert "Flush" in (await until(socket, "Warning"))["description"]


async def test_rest_speaks_the_same_as_the_socket():
    async with client() as it:
        headers = {"Authorization": f"Token {it.server.api_key}"}
        url = f"{it.server.url}{SPEAK}&container=none"
        async with it.http.post(url, json={"text": "Hello there."}, headers=headers) as reply:
            by_rest = await reply.read()
        async with it.open(SPEAK) as socket:
            await socket.send_str('{"type": "Speak", "text": "Hello there."}')
            await socket.send_str('{"type": "Flush"}')
            await until(socket, "Flushed")

    assert by_rest == bytes(it.server.links[1].audio)
    assert abs(mulaw_to_pcm(by_rest)).max() > 1000
    assert it.server.problems == []


async def test_rest_without_a_container_is_a_problem():
    async with client() as it:
        headers = {"Authorization": f"Token {it.server.api_key}"}
        await it.http.post(it.server.url + SPEAK, json={"text": "Hi."}, headers=headers)
        assert "click" in it.server.problems[0]


# ---- ears


async def words_of(ear: Any, sound: bytes) -> list[tuple[str, int, int]]:
    for at in range(0, len(sound), 160):
        await ear.hear(sound[at : at + 160], at // 8)
    return [(word.text, word.start_ms, word.end_ms) for word in ear.words]


async def test_the_ears_hear_what_is_in_the_audio():
    yes = speech_like(1.0, 3)
    lead = SILENCE * 10
    expected = [(w.text, w.start_ms, w.end_ms) for w in spread(Said("yes please", 200, 1200))]

    assert await words_of(SpelledEar(), lead + spelled("hi you ")) == [
        ("hi", 200, 240),
        ("you", 260, 320),
    ]
    assert await words_of(BankEar({"yes please": yes}), lead + yes) == expected
    assert await words_of(BankEar({"yes please": yes}), lead + yes[: 160 * 20]) == expected[:1]
    script = ScriptEar(lambda: [Said("yes please", 200, 1200)])
    assert await words_of(script, lead + yes) == expected
