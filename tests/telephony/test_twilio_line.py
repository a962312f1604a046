"""A call on a media stream: nothing waits for the network, and whatever breaks ends the call."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.call.line import Digit, Frame, Line, Mark
from sdr_lab.call.playout import Playout, Speech
from sdr_lab.call.streams import closing
from sdr_lab.errors import ProviderError
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.telephony.scripted import ScriptedSocket
from sdr_lab.telephony.twilio_line import LineFault, TwilioLine, open_stream
from sdr_lab.telephony.twilio_media import ProtocolError, Start
from tests.telephony.messages import (
    CALL,
    CONNECTED,
    STREAM,
    dtmf,
    mark,
    media,
    message,
    start,
    stop,
)

LOUD = b"\x80" * 160


class Control:
    """Keeps what was asked of the telephone network."""

    def __init__(self, refusal: Exception | None = None, takes_s: float = 0.0) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._refusal = refusal
        self._takes_s = takes_s

    async def hang_up(self, call_sid: str) -> None:
        await self._answer("hang_up", call_sid)

    async def transfer(self, call_sid: str, target: str) -> None:
        await self._answer("transfer", call_sid, target)

    async def _answer(self, *asked: str) -> None:
        self.asked.append(asked)
        await asyncio.sleep(self._takes_s)
        if self._refusal is not None:
            raise self._refusal


class Call:
    """A line, its socket, and what the line has yielded so far."""

    def __init__(self, control: Control | None = None, **options: Any) -> None:
        self.socket = ScriptedSocket()
        self.line = TwilioLine(self.socket, Start(STREAM, CALL), control, **options)
        self.items: list[Frame | Mark | Digit] = []

    async def read(self) -> None:
        async for item in self.line.frames():
            self.items.append(item)

    def events(self) -> list[str]:
        return [message["event"] for message in self.socket.messages]


async def some_turns() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def opened(*said: Any, timeout_s: float = 5.0) -> Start:
    async def main() -> Start:
        socket = ScriptedSocket()
        for item in said:
            socket.hang_up() if item is None else socket.say(item)
        return await open_stream(socket, timeout_s)

    return run_virtually(main())


def heard(*said: Any) -> Call:
    """Return a call after its peer has said all this and closed."""

    async def main() -> Call:
        call = Call()
        for item in said:
            call.socket.say(item)
        call.socket.hang_up()
        await call.read()
        return call

    return run_virtually(main())


# ---- the start


def test_a_stream_says_who_it_is():
    assert opened(CONNECTED, message("news"), start()).call_sid == CALL
    assert opened(start()).stream_sid == STREAM


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ((CONNECTED,), "no start within 5 s"),
        ((CONNECTED, None), "closed before its start"),
        ((CONNECTED, media(0)), "Media came before start"),
        ((CONNECTED, "{"), "not JSON"),
        ((message("x"),) * 10, "no start among the first 10 messages"),
    ],
)
def test_one_that_does_not_is_refused(said: tuple[Any, ...], reason: str):
    with pytest.raises(ProtocolError, match=reason):
        opened(*said)


# ---- what comes in


def test_what_comes_in_is_yielded_in_order():
    call = heard(media(0, LOUD), mark("1:0"), dtmf("9"), media(20, LOUD), stop())

    assert call.items == [Frame(0, LOUD), Mark("1:0"), Digit("9"), Frame(20, LOUD)]
    assert call.line.is_stopped
    assert call.socket.closed == (1000, "")


def test_sound_that_comes_late_and_bunched_lies_where_it_was_spoken():
    call = heard(*(media(at_ms, LOUD) for at_ms in (20, 40, 60, 200, 220)))

    assert call.items == [Frame(at_ms, LOUD) for at_ms in (0, 20, 40, 180, 200)]
    assert (call.line.media.gaps, call.line.media.missing_ms) == (1, 120)


def test_the_end_of_the_last_piece_is_not_lost():
    call = heard(media(0, LOUD + b"\x01"), stop())

    assert call.items == [Frame(0, LOUD), Frame(20, b"\x01" + b"\xff" * 159)]


def test_what_is_not_ours_is_ignored_and_counted():
    call = heard(message("news"), CONNECTED, media(0, track="outbound"), dtmf("A"), media(0, LOUD))

    assert call.items == [Frame(0, LOUD)]
    assert (call.line.counts.ignored, call.line.counts.received) == (4, 5)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("{", "not JSON"),
        (start(), "a second start"),
        (media(0) | {"streamSid": "MZ0"}, f"a message for stream 'MZ0' on {STREAM}"),
        (mark("1") | {"streamSid": "MZ0"}, "a message for stream"),
        (dtmf("1") | {"streamSid": "MZ0"}, "a message for stream"),
        (stop() | {"streamSid": "MZ0"}, "a message for stream"),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_closed_with_the_reason(said: Any, reason: str):
    async def main() -> Call:
        call = Call()
        call.socket.say(media(0, LOUD))
        call.socket.say(said)
        with pytest.raises(ProtocolError, match=reason):
            await call.read()
        return call

    call = run_virtually(main())

    assert call.items == [Frame(0, LOUD)]
    assert call.socket.closed is not None
    assert call.socket.closed[0] == 1008
    assert len(call.socket.closed[1].encode()) <= 123


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([media(i * 1000, LOUD * 50) for i in range(100)], "sound for 60 s was sent ahead"),
        ([mark(str(i)) for i in range(20_000)], "more than 200 messages a second"),
        ([dtmf("5")] * 20_000, "more than 200 messages a second"),
        ([message("news")] * 20_000, "more than 200 messages a second"),
    ],
    ids=["sound", "marks", "keys", "news"],
)
def test_a_peer_that_sends_faster_than_anybody_speaks_is_closed(said: list[Any], reason: str):
    async def main() -> Call:
        call = Call()
        for item in said:
            call.socket.say(item)
        with pytest.raises(ProtocolError, match=reason):
            await call.read()
        return call

    assert len(run_virtually(main()).items) < 15_000


def test_what_a_network_has_held_back_for_a_while_is_taken():
    async def main() -> Call:
        call = Call()
        for at_ms in range(0, 40_000, 20):
            call.socket.say(media(at_ms, LOUD))
        reading = asyncio.create_task(call.read())
        await asyncio.sleep(50)
        for at_ms in range(40_000, 90_000, 20):
            call.socket.say(media(at_ms, LOUD))
        call.socket.hang_up()
        await reading
        return call

    assert len(run_virtually(main()).items) == 90_000 // 20


def test_a_connection_that_breaks_is_a_fault():
    async def main() -> Call:
        call = Call()
        call.socket.break_down(ConnectionResetError("reset by peer"))
        with pytest.raises(LineFault, match="the stream broke: reset by peer"):
            await call.read()
        return call

    assert run_virtually(main()).socket.closed == (1011, "the stream broke: reset by peer")


# ---- what goes out


def test_sound_and_marks_go_out_in_order_with_exactly_the_fields_of_the_protocol():
    async def main() -> Call:
        call = Call()
        await call.line.play(LOUD * 10)
        await call.line.mark("1:0")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await some_turns()
            await call.line.clear()
            await some_turns()
            call.socket.hang_up()
        return call

    payload = base64.b64encode(LOUD * 10).decode()
    assert run_virtually(main()).socket.messages == [
        {"event": "media", "streamSid": STREAM, "media": {"payload": payload}},
        {"event": "mark", "streamSid": STREAM, "mark": {"name": "1:0"}},
        {"event": "clear", "streamSid": STREAM},
    ]


def test_a_long_piece_goes_out_in_seconds():
    async def main() -> Call:
        call = Call()
        await call.line.play(LOUD * 125)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await some_turns()
            call.socket.hang_up()
        return call

    call = run_virtually(main())
    sizes = [len(base64.b64decode(m["media"]["payload"])) for m in call.socket.messages]
    assert sizes == [8000, 8000, 4000]
    assert (call.line.counts.sent, call.line.counts.sent_ms) == (3, 2500)


def test_a_clear_drops_what_has_not_been_sent_and_returns_its_marks():
    """The first message is on its way when the peer stops reading; the others wait here."""

    async def main() -> Call:
        call = Call()
        call.socket.stop_reading()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await call.line.play(LOUD)
            await some_turns()
            for n in range(3):
                await call.line.play(LOUD)
                await call.line.mark(f"1:{n}")
            await call.line.clear()
            await call.line.play(LOUD)
            await call.line.clear()
            await call.line.mark("2:0")
            await some_turns()
            assert call.items == [Mark("1:0"), Mark("1:1"), Mark("1:2")]
            call.socket.read_on()
            await some_turns()
            call.socket.hang_up()
        return call

    call = run_virtually(main())
    assert call.events() == ["media", "clear", "mark"]
    assert call.line.counts.dropped_ms == 80
    assert call.line.counts.clears == 2


def test_a_sentence_that_was_cleared_before_it_was_sent_does_not_count_as_heard():
    async def main() -> list[bool]:
        call, playout = Call(), Playout(ahead_ms=200)
        call.socket.stop_reading()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            playout.add(Speech(1, 0, "Good morning.", LOUD * 5, is_last=True))
            for item in playout.take(0):
                if isinstance(item, str):
                    await call.line.mark(item)
                else:
                    await call.line.play(item)
            await call.line.clear()
            playout.clear(0)
            call.socket.hang_up()
        marks = [item.name for item in call.items if isinstance(item, Mark)]
        return [playout.marked(name, 100) for name in marks]

    assert run_virtually(main()) == [False]


def test_nothing_waits_for_a_peer_that_does_not_read_and_it_is_given_up():
    async def main() -> tuple[Call, float]:
        call = Call(stuck_s=5)
        call.socket.stop_reading()
        loop = asyncio.get_running_loop()

        async def talk() -> None:
            for _ in range(1000):
                await call.line.play(LOUD)
                await call.line.mark("1:0")
            assert loop.time() == 0

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk())
            with pytest.raises(LineFault, match="the peer has not read for 5 s"):
                await call.read()
        return call, loop.time()

    call, ended_s = run_virtually(main())
    assert 5 <= ended_s <= 7
    assert call.socket.closed == (1011, "the peer has not read for 5 s")
    assert call.socket.got == []


def test_a_peer_that_reads_slowly_is_not_given_up():
    async def main() -> Call:
        call = Call(stuck_s=5)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            for _ in range(10):
                call.socket.stop_reading()
                await call.line.play(LOUD)
                await asyncio.sleep(4)
                call.socket.read_on()
                await some_turns()
            call.socket.hang_up()
        return call

    assert run_virtually(main()).events() == ["media"] * 10


def test_what_waits_to_be_sent_is_bounded():
    async def main() -> Call:
        call = Call()
        call.socket.stop_reading()
        for _ in range(20):
            await call.line.play(LOUD * 3000)
        with pytest.raises(LineFault, match="s of sound wait to be sent"):
            await call.read()
        return call

    assert run_virtually(main()).socket.closed is not None


def test_a_send_that_fails_leaves_the_peer_time_to_say_goodbye():
    async def main() -> Call:
        call = Call()
        call.socket.send_error = ConnectionError("closed")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await call.line.play(LOUD)
            await asyncio.sleep(1)
            await call.line.play(LOUD)
            call.socket.say(media(0, LOUD))
            call.socket.say(stop())
        return call

    assert run_virtually(main()).items == [Frame(0, LOUD)]


def test_a_send_that_fails_ends_the_call_when_the_peer_says_nothing():
    async def main() -> float:
        call = Call()
        call.socket.send_error = ConnectionError("no route")
        await call.line.play(LOUD)
        with pytest.raises(LineFault, match="the stream broke: no route"):
            await call.read()
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == 2


# ---- the end


def test_hanging_up_ends_the_call_and_then_the_stream():
    async def main() -> Call:
        call = Call(control := Control(takes_s=1))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await call.line.play(LOUD)
            await some_turns()
            await call.line.hang_up()
            await call.line.hang_up()
            await call.line.play(LOUD)
            await call.line.mark("x")
            await call.line.clear()
        assert control.asked == [("hang_up", CALL)]
        return call

    call = run_virtually(main())
    assert call.events() == ["media"]
    assert call.socket.closed == (1000, "")


def test_a_browser_is_hung_up_by_closing_its_stream():
    async def main() -> Call:
        call = Call(kind="browser")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await some_turns()
            await call.line.hang_up()
        return call

    assert run_virtually(main()).socket.closed == (1000, "")


@pytest.mark.parametrize("refusal", [ProviderError("twilio", "down"), RuntimeError("a bug")])
def test_the_stream_is_closed_when_the_hang_up_is_refused(refusal: Exception):
    async def main() -> Call:
        call = Call(Control(refusal))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await some_turns()
            if isinstance(refusal, ProviderError):
                await call.line.hang_up()
            else:
                with pytest.raises(RuntimeError):
                    await call.line.hang_up()
        return call

    assert run_virtually(main()).socket.closed == (1000, "")


def test_a_call_that_is_over_is_not_ended_again():
    async def main() -> Control:
        call = Call(control := Control())
        call.socket.say(stop())
        await call.read()
        await call.line.hang_up()
        return control

    assert run_virtually(main()).asked == []


def test_a_transfer_moves_the_leg():
    async def main() -> Call:
        call = Call(control := Control())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await some_turns()
            await call.line.transfer("+15550001111")
        assert control.asked == [("transfer", CALL, "+15550001111")]
        return call

    call = run_virtually(main())
    assert call.line.transferred_to == "+15550001111"
    assert call.socket.closed == (1000, "")


def test_a_transfer_that_is_refused_is_told_and_the_stream_closed_for_what_follows():
    async def main() -> Call:
        call = Call(Control(ProviderError("twilio", "geo")))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.read())
            await some_turns()
            with pytest.raises(ProviderError, match="geo"):
                await call.line.transfer("+15550001111")
        return call

    call = run_virtually(main())
    assert call.line.transferred_to == "+15550001111"
    assert call.socket.closed == (1000, "")


def test_who_stops_reading_closes_the_stream_and_leaves_no_task():
    async def main() -> tuple[Call, int]:
        call = Call()
        call.socket.say(media(0, LOUD))
        async with closing(call.line.frames()) as items:
            async for item in items:
                assert item == Frame(0, LOUD)
                break
        return call, len(asyncio.all_tasks())

    call, tasks = run_virtually(main())
    assert call.socket.closed == (1000, "")
    assert tasks == 1


def test_a_cancelled_call_closes_the_stream():
    async def main() -> Call:
        call = Call()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(call.read())
            await some_turns()
            task.cancel()
        return call

    assert run_virtually(main()).socket.closed == (1000, "")


def test_it_is_a_line():
    line: Line = TwilioLine(ScriptedSocket(), Start(STREAM), None, "browser")

    assert line.kind == "browser"


# ---- whatever comes

said = st.lists(
    st.one_of(
        st.builds(media, st.integers(0, 400), st.binary(max_size=400)),
        st.builds(mark, st.text(max_size=5)),
        st.builds(dtmf, st.sampled_from("0123456789*#AX")),
        st.builds(message, st.text(max_size=5)),
        st.sampled_from([CONNECTED, start(), stop(), media(0, track="outbound")]),
        st.text(max_size=20),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(said, st.lists(st.sampled_from(["play", "mark", "clear"]), max_size=12))
def test_no_talk_breaks_a_line_or_leaves_anything_behind(told: list[Any], done: list[str]):
    async def main() -> Call:
        call = Call()
        for item in told:
            call.socket.say(item)
        call.socket.hang_up()
        for action in done:
            if action == "clear":
                await call.line.clear()
            else:
                await getattr(call.line, action)(LOUD if action == "play" else "1")
        with suppress(ProtocolError):
            await call.read()
        assert len(asyncio.all_tasks()) == 1
        return call

    call = run_virtually(main())
    assert call.socket.closed is not None
    assert call.socket.closed[0] in (1000, 1008)
    assert {m["event"] for m in call.socket.messages} <= {"media", "mark", "clear"}
