"""Deepgram's voice over the wire: one socket for many sentences, barge-in, faults, limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.errors import ProviderError, SettingError
from sdr_lab.records import Sound
from sdr_lab.simulate.deepgram_server import DeepgramServer, Fault, serving
from sdr_lab.tts.deepgram import AuraSettings, DeepgramVoice
from sdr_lab.tts.deepgram_socket import Patience
from sdr_lab.tts.tone import Tone
from tests.contracts.loopback import in_a_thread

SPEAK, REST = "/v1/speak", "POST /v1/speak"
HELLO, LONG = "Hello there.", "I would like to tell you about our plan for small teams today."


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Subject:
    server: DeepgramServer
    voice: DeepgramVoice
    clock: Clock

    async def say(self, text: str, name: str = "") -> np.ndarray:
        parts = [sound.pcm async for sound in self.voice.speak(text, name)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    async def break_off(self, text: str) -> None:
        async with aclosing(self.voice.speak(text)) as sounds:
            await anext(sounds)


@asynccontextmanager
async def speaking(
    *faults: Fault,
    encoding: Literal["linear16", "mulaw"] = "mulaw",
    patience: Patience | None = None,
    **more: Any,
) -> AsyncIterator[Subject]:
    """A voice and its service; the double must not have met a frame that the SDK does not know."""
    server = DeepgramServer(faults=list(faults), **more)
    clock = Clock()
    async with serving(server):
        settings = AuraSettings(encoding=encoding, patience=patience or Patience())
        voice = DeepgramVoice(server.api_key, server.url, settings, clock)
        yield Subject(server, voice, clock)
        await voice.close()
    assert server.problems == []


async def tones(text: str, rate_hz: int) -> np.ndarray:
    return np.concatenate([s.pcm async for s in Tone(rate_hz=rate_hz).speak(text)])


# ---- sound


async def test_mulaw_reaches_the_phone_as_deepgram_sent_it():
    async with speaking() as subject:
        pcm = await subject.say(HELLO)

    (link,) = subject.server.links
    assert pcm_to_mulaw(pcm) == bytes(link.audio)
    assert len(pcm) > 2000


def test_every_mulaw_code_survives_decoding_and_encoding():
    codes = bytes(range(256))
    again = pcm_to_mulaw(mulaw_to_pcm(codes))
    assert [(a, b) for a, b in zip(codes, again, strict=True) if a != b] == [(0x7F, 0xFF)]
    assert mulaw_to_pcm(b"\x7f") == mulaw_to_pcm(b"\xff") == 0  # both are silence


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1001, 100_000])
async def test_samples_that_were_cut_in_two_are_put_together(chunk_bytes: int):
    async with speaking(encoding="linear16", chunk_bytes=chunk_bytes) as subject:
        pcm = await subject.say(HELLO)

    assert np.array_equal(pcm, await tones(HELLO, 16_000))


@pytest.mark.parametrize(("encoding", "rate_hz"), [("mulaw", 8000), ("linear16", 16_000)])
async def test_the_settings_reach_deepgram(encoding: Any, rate_hz: int):
    async with speaking(encoding=encoding) as subject:
        sounds = [sound async for sound in subject.voice.speak(HELLO, "aura-2-orion-en")]

    assert {sound.rate_hz for sound in sounds} == {rate_hz}
    query = subject.server.links[0].query
    assert query["model"] == ["aura-2-orion-en"]
    assert (query["encoding"], query["sample_rate"]) == ([encoding], [str(rate_hz)])


async def test_a_long_text_goes_in_several_messages():
    text = "word " * 700
    async with speaking(chunk_bytes=50_000) as subject:
        await subject.say(text)

    orders = subject.server.links[0].orders
    said = [order["text"] for order in orders if order["type"] == "Speak"]
    assert [order["type"] for order in orders[:-1]] == ["Speak", "Speak", "Flush"]
    assert all(len(part) <= 2000 for part in said)
    assert " ".join(said) == text.strip()


# ---- sockets


async def test_one_socket_speaks_the_sentences_of_a_call():
    async with speaking() as subject:
        await subject.voice.warm_up()
        for text in (HELLO, LONG, HELLO):
            await subject.say(text)

    (link,) = subject.server.links
    types = [order["type"] for order in link.orders]
    assert types == ["Speak", "Flush"] * 3 + ["Close"]


async def test_calls_at_once_have_a_socket_each():
    async with speaking(chunk_s=0.002) as subject:
        said = await asyncio.gather(*(subject.say(text) for text in (HELLO, LONG, HELLO)))
        assert len(subject.server.links) == 3
        again = await subject.say(HELLO)
        assert len(subject.server.links) == 3

    assert [len(pcm) for pcm in said] == [
        len(again),
        len(await tones(LONG, 8000)),
        len(again),
    ]


async def test_each_voice_has_its_socket():
    async with speaking() as subject:
        for name in ("aura-2-thalia-en", "aura-2-orion-en", "aura-2-thalia-en"):
            await subject.say(HELLO, name)

    models = [link.query["model"] for link in subject.server.links]
    assert models == [["aura-2-thalia-en"], ["aura-2-orion-en"]]


async def test_a_socket_that_was_closed_while_idle_is_replaced():
    async with speaking(idle_s=0.05) as subject:
        first = await subject.say(HELLO)
        await asyncio.wait_for(subject.server.until_over(1), 5)
        second = await subject.say(HELLO)

    assert np.array_equal(first, second)
    assert len(subject.server.links) == 2


async def test_a_socket_nobody_needs_any_more_is_dropped():
    async with speaking(patience=Patience(idle_s=0.05)) as subject:
        await subject.say(HELLO)
        await asyncio.wait_for(subject.server.until_over(1), 5)
        await subject.say(HELLO)

    assert len(subject.server.links) == 2


def test_a_voice_serves_one_loop_after_the_other():
    with in_a_thread(DeepgramServer()) as server:
        voice = DeepgramVoice(server.api_key, server.url)

        async def say() -> int:
            return sum([len(sound.pcm) async for sound in voice.speak(HELLO)])

        assert asyncio.run(say()) == asyncio.run(say()) > 0
        assert len(server.links) == 2


# ---- barge-in


async def test_what_is_broken_off_is_cleared_and_nothing_of_it_comes_later():
    async with speaking(chunk_s=0.005, chunk_bytes=400) as subject:
        whole = await subject.say(HELLO)
        for _ in range(3):
            await subject.break_off(LONG)
            assert np.array_equal(await subject.say(HELLO), whole)

    (link,) = subject.server.links
    assert [order["type"] for order in link.orders].count("Clear") == 3
    assert len(link.audio) < 4 * len(whole) + 3 * len(await tones(LONG, 8000))


async def test_a_reply_broken_off_before_its_first_sound():
    async with speaking(chunk_s=0.2, chunk_bytes=100_000) as subject:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await subject.say(LONG)
        pcm = await subject.say(HELLO)

    assert len(pcm) == len(await tones(HELLO, 8000))
    assert len(subject.server.links) == 1


async def test_a_socket_that_never_says_cleared_is_given_up():
    fault = Fault(SPEAK, act="silent", after_ms=400)
    quick = Patience(cleared_s=0.05)
    async with speaking(fault, patience=quick, chunk_bytes=400) as subject:
        async with aclosing(subject.voice.speak(LONG)) as sounds:
            await anext(sounds)
            await asyncio.sleep(0.05)  # until it has fallen silent
        pcm = await subject.say(HELLO)

    assert len(pcm) == len(await tones(HELLO, 8000))
    assert len(subject.server.links) == 2


# ---- the limit of flushes


async def test_beyond_the_limit_of_flushes_sentences_go_by_rest():
    async with speaking(chunk_bytes=50_000) as subject:
        said = [await subject.say(HELLO) for _ in range(25)]
        subject.clock.now_s += 61
        said.append(await subject.say(HELLO))

    assert {len(pcm) for pcm in said} == {len(said[0])}
    (link,) = subject.server.links_to(SPEAK)
    flushes = [order["type"] for order in link.orders].count("Flush")
    rest = subject.server.links_to(REST)
    assert (flushes, len(rest)) == (19, 7)
    assert rest[0].query["container"] == ["none"]


async def test_linear16_by_rest_is_the_same_sound():
    async with speaking(encoding="linear16", chunk_bytes=501) as subject:
        said = [await subject.say(HELLO) for _ in range(19)]

    assert len(subject.server.links_to(REST)) == 1
    assert np.array_equal(said[-1], said[0])


async def test_rest_that_is_refused():
    async with speaking(Fault(REST, refuse=503)) as subject:
        for _ in range(18):
            await subject.say(HELLO)
        with pytest.raises(ProviderError, match=r"answered 503"):
            await subject.say(HELLO)


async def test_rest_that_breaks_off():
    async with speaking(Fault(REST, act="cut", after_ms=1001)) as subject:
        for _ in range(18):
            await subject.say(HELLO)
        with pytest.raises(ProviderError):
            await subject.say(HELLO)


# ---- faults


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "check DEEPGRAM_VOICE"),
        (401, "check DEEPGRAM_API_KEY"),
        (402, "no credit left"),
        (403, "may not use 'aura-2-thalia-en'"),
        (404, "check DEEPGRAM_URL"),
        (429, "too many requests at once"),
        (503, r"status.deepgram.com"),
    ],
)
async def test_a_refusal_says_what_to_do(status: int, told: str):
    async with speaking(Fault(SPEAK, refuse=status)) as subject:
        with pytest.raises(ProviderError, match=rf"^deepgram: .*{status}.*") as caught:
            await subject.say(HELLO)
        assert told in str(caught.value)
        assert len(await subject.say(HELLO))  # the next sentence tries again


async def test_nobody_there():
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:1 can't be reached"):
        await anext(DeepgramVoice("key", "http://127.0.0.1:1").speak(HELLO))


def test_no_key_is_noticed_at_once():
    with pytest.raises(SettingError, match="DEEPGRAM_API_KEY"):
        DeepgramVoice("")


@pytest.mark.parametrize("act", ["cut", "close"])
async def test_a_connection_that_breaks_within_a_sentence(act: Any):
    fault = Fault(SPEAK, act=act, after_ms=2000, reason="NET-0000")
    async with speaking(fault, chunk_bytes=500) as subject:
        heard: list[Sound] = []

        async def listen() -> None:
            async for sound in subject.voice.speak(LONG):
                heard.append(sound)

        with pytest.raises(ProviderError, match="connection"):
            await listen()
        assert heard
        assert len(await subject.say(HELLO))


@pytest.mark.parametrize("act", ["malformed", "unknown", "error"])
async def test_messages_of_the_future_and_warnings_are_skipped(act: Any):
    async with speaking(Fault(SPEAK, act=act)) as subject:
        pcm = await subject.say(HELLO)
    assert len(pcm) == len(await tones(HELLO, 8000))


async def test_a_service_that_falls_silent():
    async with speaking(Fault(SPEAK, act="silent"), patience=Patience(first_s=0.1)) as subject:
        with pytest.raises(ProviderError, match=r"nothing came for 0\.1 s"):
            await subject.say(HELLO)


@pytest.mark.parametrize("name", ["voices/anna.onnx", "7", "21m00Tcm4TlvDq8ikWAM"])
async def test_a_voice_of_another_provider_is_replaced(name: str, caplog: pytest.LogCaptureFixture):
    async with speaking() as subject:
        await subject.say(HELLO, name)
        await subject.say(HELLO, name)

    assert subject.server.links[0].query["model"] == ["aura-2-thalia-en"]
    assert [record.message for record in caplog.records if name in record.message] == [
        f"voice {name!r} is not Deepgram's: aura-2-thalia-en speaks"
    ]
