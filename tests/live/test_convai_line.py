from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.call.inbox import Context, Order, UserText
from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.live.convai_line import (
    CLOSE_S,
    FILL_AFTER_S,
    GONE_S,
    MOST_TEXTS,
    MOST_UNSENT,
    ConvaiLine,
)
from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.telephony.twilio_line import LineFault
from sdr_lab.telephony.twilio_media import ProtocolError

CHUNK = np.full(4000, 5000, np.int16).tobytes()
"""250 ms, as the SDK sends it."""

SENTENCE = b"\x10" * 8000
"""1 s."""


class Pipe:
    """A WebSocket whose other side is the test."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.closed: tuple[int, str] | None = None
        self.answers_pings = True

    async def receive(self) -> str | None:
        return await self.incoming.get()

    async def send(self, text: str) -> None:
        message = json.loads(text)
        self.sent.append((asyncio.get_running_loop().time(), message))
        if message["type"] == "ping" and self.answers_pings:
            self.say(type="pong", event_id=message["ping_event"]["event_id"])

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = self.closed or (code, reason)
        self.incoming.put_nowait(None)

    def say(self, **message: Any) -> None:
        self.incoming.put_nowait(json.dumps(message))

    def speak(self, pcm: bytes = CHUNK) -> None:
        self.say(user_audio_chunk=base64.b64encode(pcm).decode())

    def kinds(self) -> list[str]:
        return [message["type"] for _, message in self.sent if message["type"] != "ping"]


class Call:
    """A line being read, on the virtual clock."""

    def __init__(self) -> None:
        self.pipe = Pipe()
        self.orders: list[Order] = []
        self.line = ConvaiLine(self.pipe, self.orders.append)
        self.came: deque[tuple[float, Frame | Mark | Digit]] = deque()

    async def read(self) -> None:
        loop = asyncio.get_running_loop()
        async for item in self.line.frames():
            self.came.append((loop.time(), item))

    async def during(self, script: Coroutine[Any, Any, None]) -> None:
        """Read the line while a script runs, then hang up."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.read())
            await script
            await self.line.hang_up()

    def frames(self) -> list[Frame]:
        return [item for _, item in self.came if isinstance(item, Frame)]

    def marks(self) -> list[tuple[float, str]]:
        return [(at, item.name) for at, item in self.came if isinstance(item, Mark)]


def talk(script) -> Call:
    """Run a script `async (call) -> None` on a line."""

    async def run() -> Call:
        call = Call()
        await call.during(script(call))
        return call

    return run_virtually(run())


def test_sound_comes_in_20_ms_frames_as_soon_as_it_is_there():
    async def script(call: Call) -> None:
        for _ in range(4):
            await asyncio.sleep(0.25)
            call.pipe.speak()
        await asyncio.sleep(0.05)

    call = talk(script)
    frames = call.frames()

    assert [frame.at_ms for frame in frames] == [n * FRAME_MS for n in range(50)]
    assert all(len(frame.mulaw) == FRAME_BYTES for frame in frames)
    assert abs(int(mulaw_to_pcm(frames[10].mulaw)[0]) - 5000) < 150
    first_s = next(at for at, item in call.came if isinstance(item, Frame))
    assert first_s < 0.25 + 0.021


def test_a_client_that_only_types_gets_its_time_from_silence():
    async def script(call: Call) -> None:
        await asyncio.sleep(3)

    frames = talk(script).frames()

    expected = round((3 - FILL_AFTER_S) * 1000 / FRAME_MS)
    assert abs(len(frames) - expected) <= 2
    assert {frame.mulaw for frame in frames} == {b"\xff" * FRAME_BYTES}


def test_a_client_that_sends_a_file_at_once_is_heard_in_real_time():
    async def script(call: Call) -> None:
        for _ in range(20):
            call.pipe.speak()
        await asyncio.sleep(1)

    call = talk(script)

    assert len(call.frames()) <= 1.2 * 1000 / FRAME_MS + 13  # the first chunk is of the past


def test_a_client_that_floods_is_stopped():
    async def script(call: Call) -> None:
        for _ in range(300):
            call.pipe.speak()
        await asyncio.sleep(1)

    with pytest.raises(ExceptionGroup) as caught:
        talk(script)

    assert caught.group_contains(ProtocolError, match="ahead of its time")


def test_a_mark_comes_back_when_the_sound_before_it_has_been_played():
    async def script(call: Call) -> None:
        await asyncio.sleep(1)
        await call.line.play(SENTENCE)
        await call.line.mark("0:0")
        await call.line.play(SENTENCE)
        await call.line.mark("0:1")
        await asyncio.sleep(3)

    (first_s, first), (second_s, second) = talk(script).marks()

    assert (first, second) == ("0:0", "0:1")
    assert abs(first_s - 2) < 0.03
    assert abs(second_s - 3) < 0.03


def test_an_interruption_names_the_sound_to_drop_and_returns_the_marks():
    async def script(call: Call) -> None:
        await call.line.play(SENTENCE)
        await call.line.mark("0:0")
        await asyncio.sleep(0.3)
        await call.line.clear()
        await asyncio.sleep(0.1)
        await call.line.play(SENTENCE)
        await asyncio.sleep(0.1)

    call = talk(script)
    before, cut, after = [m for _, m in call.pipe.sent if m["type"] in ("audio", "interruption")]

    assert cut["interruption_event"]["event_id"] == before["audio_event"]["event_id"]
    assert after["audio_event"]["event_id"] > cut["interruption_event"]["event_id"]
    [(at_s, name)] = call.marks()
    assert name == "0:0"
    assert abs(at_s - 0.3) < 0.03


def test_sound_goes_out_at_16_khz():
    async def script(call: Call) -> None:
        await call.line.play(SENTENCE)
        await asyncio.sleep(0.1)

    [audio] = [m for _, m in talk(script).pipe.sent if m["type"] == "audio"]

    assert len(base64.b64decode(audio["audio_event"]["audio_base_64"])) == 2 * 16_000


def test_typed_words_and_context_become_orders():
    async def script(call: Call) -> None:
        call.pipe.say(type="user_message", text="How much?")
        call.pipe.say(type="contextual_update", text="The caller looks at the price list.")
        call.pipe.say(type="user_message", text="  ")
        call.pipe.say(type="user_activity")
        await asyncio.sleep(0.1)

    assert talk(script).orders == [
        UserText("How much?"),
        Context("The caller looks at the price list."),
    ]


def test_half_a_sample_is_kept_for_the_next_chunk():
    async def script(call: Call) -> None:
        await asyncio.sleep(0.25)
        call.pipe.speak(CHUNK[:4001])
        call.pipe.speak(CHUNK[4001:])
        await asyncio.sleep(0.1)

    frames = talk(script).frames()

    assert len(frames) == 12
    loud = mulaw_to_pcm(frames[6].mulaw)
    assert abs(loud.astype(int) - 5000).max() < 150


def test_a_client_that_says_nothing_at_all_is_gone():
    async def script(call: Call) -> None:
        call.pipe.answers_pings = False
        await asyncio.sleep(GONE_S + 5)

    with pytest.raises(ExceptionGroup) as caught:
        talk(script)

    assert caught.group_contains(LineFault, match="said nothing")


def test_a_client_that_breaks_the_protocol_is_closed():
    async def run() -> Call:
        call = Call()
        call.pipe.incoming.put_nowait("nonsense")
        with pytest.raises(ProtocolError):
            await call.read()
        return call

    closed = run_virtually(run()).pipe.closed

    assert closed is not None
    assert closed[0] == 1008


def test_the_last_words_are_sent_before_the_line_is_closed():
    async def script(call: Call) -> None:
        await call.line.play(SENTENCE)

    call = talk(script)

    assert "audio" in call.pipe.kinds()
    assert call.pipe.closed == (1000, "")


def test_a_client_that_closes_ends_the_line():
    async def run() -> Call:
        call = Call()
        call.pipe.incoming.put_nowait(None)
        await call.read()
        return call

    assert run_virtually(run()).pipe.closed == (1000, "")


def test_more_texts_than_anybody_types_end_the_call():
    async def script(call: Call) -> None:
        for _ in range(10_000):
            call.pipe.say(type="user_message", text="hello")
        with pytest.raises(ProtocolError, match="more than 2 texts a second"):
            await call.read()

    call = Call()
    run_virtually(script(call))

    assert len(call.orders) == MOST_TEXTS
    assert call.pipe.closed is not None
    assert call.pipe.closed[0] == 1008


def test_texts_as_fast_as_a_person_types_are_taken():
    async def script(call: Call) -> None:
        for _ in range(60):
            call.pipe.say(type="user_message", text="hello")
            call.pipe.say(type="contextual_update", text="on the page of prices")
            await asyncio.sleep(1)

    assert len(talk(script).orders) == 120


class Unread(Pipe):
    """Nothing that is sent is ever read."""

    async def send(self, text: str) -> None:
        await asyncio.Event().wait()


def test_a_client_that_does_not_read_ends():
    async def script(call: Call) -> None:
        call.pipe = Unread()
        call.line = ConvaiLine(call.pipe, call.orders.append)
        reading = asyncio.create_task(call.read())
        for _ in range(MOST_UNSENT + 1):
            await asyncio.sleep(0.1)
            call.pipe.say(type="pong", event_id=0)  # it is there all the same
            await call.line.play(SENTENCE)
        with pytest.raises(LineFault, match="messages unread"):
            await reading

    run_virtually(script(Call()))


def test_hanging_up_does_not_wait_for_a_client_that_does_not_read():
    async def script(call: Call) -> float:
        line = ConvaiLine(Unread(), call.orders.append)
        await line.play(SENTENCE)
        begun_s = asyncio.get_running_loop().time()
        await line.hang_up()
        return asyncio.get_running_loop().time() - begun_s

    assert run_virtually(script(Call())) == CLOSE_S
