"""The line keeps the truth of a phone network's buffer. Slots are 20 ms: sums in the head."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.simulate.caller import SILENCE, Caller
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.line import Clear, SimulatedLine

A, B, C = (bytes([code]) * 160 for code in (0x10, 0x20, 0x30))


@dataclass
class Heard:
    """What came in from a line, with the loop's time in ms."""

    line: SimulatedLine
    items: list[tuple[int, Frame | Mark | Digit]]

    @property
    def marks(self) -> list[tuple[int, str]]:
        return [(at_ms, item.name) for at_ms, item in self.items if isinstance(item, Mark)]

    @property
    def frames(self) -> list[tuple[int, Frame]]:
        return [(at_ms, item) for at_ms, item in self.items if isinstance(item, Frame)]

    def played(self, slot: int, slots: int = 1) -> bytes:
        return bytes(self.line.played[slot * 160 : (slot + slots) * 160])


def on_line(
    work: Callable[[SimulatedLine], Awaitable[None]], caller: Caller | None = None
) -> Heard:
    """Do something with an open line, wait until the caller has hung up, or hang up after 1 s."""

    async def main() -> Heard:
        loop = asyncio.get_running_loop()
        line = SimulatedLine(caller or Caller().hangs_up(at=100))
        heard = Heard(line, [])

        async def listen() -> None:
            async for item in line.frames():
                heard.items.append((round(loop.time() * 1000), item))

        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen())
            await work(line)
            if caller is None:
                await asyncio.sleep(1)
                await line.hang_up()
            await listening
        return heard

    return run_virtually(main())


# ---- what the caller sends


def test_a_frame_comes_every_20_ms_when_it_is_over():
    async def work(line: SimulatedLine) -> None:
        await asyncio.sleep(0)

    heard = on_line(work)
    arrived = [at_ms for at_ms, _ in heard.frames]
    assert arrived[:4] == [20, 40, 60, 80]
    assert [frame.at_ms for _, frame in heard.frames[:4]] == [0, 20, 40, 60]
    assert {frame.mulaw for _, frame in heard.frames} == {SILENCE}


def test_the_caller_is_heard_unchanged_on_a_clean_line():
    async def work(line: SimulatedLine) -> None:
        await asyncio.sleep(0)

    caller = Caller().says("Hi", at=0.04, sound=A + B + C[:80]).hangs_up(at=0.2)
    frames = [frame.mulaw for _, frame in on_line(work, caller).frames]
    assert frames[:6] == [SILENCE, SILENCE, A, B, C[:80] + SILENCE[:80], SILENCE]


def test_frames_end_when_the_caller_hangs_up():
    async def work(line: SimulatedLine) -> None:
        await asyncio.sleep(0)

    heard = on_line(work, Caller().hangs_up(at=0.2))
    assert heard.frames[-1][1].at_ms == 200
    assert len(heard.frames) == 11


# ---- what we send


def test_audio_is_played_in_order_and_in_real_time():
    lengths: list[int] = []

    async def work(line: SimulatedLine) -> None:
        await line.play(A + B)
        await line.play(C)
        await asyncio.sleep(0.05)
        lengths.append(len(line.played))

    heard = on_line(work)
    assert lengths == [2 * 160]  # in 50 ms two frames, however much was sent
    assert heard.played(0, 4) == A + B + C + SILENCE


def test_audio_of_any_length_is_played_without_a_gap():
    async def work(line: SimulatedLine) -> None:
        await line.play(A[:100])
        await line.play(A[100:] + B[:7])
        await line.play(B[7:] + C)

    assert on_line(work).played(0, 4) == A + B + C + SILENCE


def test_half_a_frame_waits_for_its_rest():
    async def work(line: SimulatedLine) -> None:
        await line.play(A[:100])
        await asyncio.sleep(0.05)
        await line.play(A[100:])

    assert on_line(work).played(0, 4) == SILENCE + SILENCE + A + SILENCE


def test_what_is_sent_in_mid_slot_is_heard_in_that_slot():
    async def work(line: SimulatedLine) -> None:
        await asyncio.sleep(0.03)
        await line.play(A)

    assert on_line(work).played(0, 3) == SILENCE + A + SILENCE


def test_a_pause_in_sending_is_a_hole():
    async def work(line: SimulatedLine) -> None:
        await line.play(A)
        await asyncio.sleep(0.05)
        await line.play(B)

    assert on_line(work).played(0, 4) == A + SILENCE + B + SILENCE


# ---- marks


def test_a_mark_comes_back_when_the_audio_before_it_has_been_played():
    async def work(line: SimulatedLine) -> None:
        await line.play(A + B + C)
        await line.mark("end")
        await line.play(A)

    assert on_line(work).marks == [(60, "end")]


def test_each_mark_comes_back_behind_its_own_audio():
    async def work(line: SimulatedLine) -> None:
        await line.play(A)
        await line.mark("1")
        await line.play(B + C)
        await line.mark("2")
        await line.mark("3")

    assert on_line(work).marks == [(20, "1"), (60, "2"), (60, "3")]


def test_a_mark_comes_back_at_once_when_nothing_is_queued():
    async def work(line: SimulatedLine) -> None:
        await line.play(A)
        await asyncio.sleep(0.25)
        await line.mark("idle")

    assert on_line(work).marks == [(260, "idle")]  # with the next frame


def test_a_mark_behind_half_a_frame_waits_for_it():
    async def work(line: SimulatedLine) -> None:
        await line.play(A + B[:60])
        await line.mark("end")

    heard = on_line(work)
    assert heard.played(1) == B[:60] + SILENCE[60:]
    assert heard.marks == [(40, "end")]


# ---- clear


def test_clear_drops_what_was_not_played():
    async def work(line: SimulatedLine) -> None:
        await line.play(A * 10)
        await asyncio.sleep(0.05)
        await line.clear()

    heard = on_line(work)
    assert heard.played(0, 10) == A * 2 + SILENCE * 8
    assert heard.line.clears == [Clear(at_ms=40, dropped_ms=8 * 20)]


def test_all_marks_come_back_right_after_a_clear():
    async def work(line: SimulatedLine) -> None:
        await line.play(A * 10)
        await line.mark("1")
        await line.play(A * 10)
        await line.mark("2")
        await asyncio.sleep(0.05)
        await line.clear()

    assert on_line(work).marks == [(60, "1"), (60, "2")]


def test_a_mark_that_came_back_before_the_clear_does_not_come_again():
    async def work(line: SimulatedLine) -> None:
        await line.play(A)
        await line.mark("1")
        await line.play(A * 10)
        await line.mark("2")
        await asyncio.sleep(0.05)
        await line.clear()

    assert on_line(work).marks == [(20, "1"), (60, "2")]


def test_after_a_clear_new_audio_is_heard_at_once():
    async def work(line: SimulatedLine) -> None:
        await line.play(A * 50)
        await asyncio.sleep(0.05)
        await line.clear()
        await line.play(B)
        await line.mark("new")

    heard = on_line(work)
    assert heard.played(0, 4) == A * 2 + B + SILENCE
    assert heard.marks == [(60, "new")]


def test_clear_drops_half_a_frame_too():
    async def work(line: SimulatedLine) -> None:
        await line.play(A[:100])
        await line.clear()
        await line.play(B)

    assert on_line(work).played(0, 2) == B + SILENCE


def test_a_clear_of_nothing():
    async def work(line: SimulatedLine) -> None:
        await line.clear()

    heard = on_line(work)
    assert heard.line.clears == [Clear(0, 0)]
    assert heard.marks == []


# ---- the end


def test_after_hanging_up_nothing_more_is_played():
    async def work(line: SimulatedLine) -> None:
        await line.play(A * 50)
        await asyncio.sleep(0.05)
        await line.hang_up()

    heard = on_line(work)
    assert len(heard.frames) <= 3
    assert len(heard.line.played) <= 3 * 160


def test_a_transfer_ends_the_stream_and_names_its_target():
    async def work(line: SimulatedLine) -> None:
        await asyncio.sleep(0.05)
        await line.transfer("+13125550140")

    heard = on_line(work)
    assert heard.line.transferred_to == "+13125550140"
    assert len(heard.frames) <= 3


# ---- any order of commands

COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(1, 700)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("clear"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 90)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(COMMANDS)
def test_no_sound_and_no_mark_is_lost_or_heard_twice(commands: list[tuple[str, int]]):
    sent: list[str] = []
    cut = bytearray()  # 0x10 counts as sound; silence is 0xff

    async def work(line: SimulatedLine) -> None:
        for name, amount in commands:
            match name:
                case "play":
                    cut.extend(b"\x10" * amount)
                    await line.play(b"\x10" * amount)
                case "mark":
                    sent.append(str(len(sent)))
                    await line.mark(sent[-1])
                case "clear":
                    await line.clear()
                case _:
                    await asyncio.sleep(amount / 1000)
        await line.mark("last")

    heard = on_line(work)
    assert [name for _, name in heard.marks] == [*sent, "last"]
    played = heard.line.played.count(0x10)
    dropped = sum(clear.dropped_ms * 8 for clear in heard.line.clears)
    assert played <= len(cut)
    # a frame that is cut off or filled up holds between 1 and 160 bytes of sound
    lost = len(cut) - played - dropped
    ends = 160 * (len(sent) + 1 + len(heard.line.clears))
    assert -ends < lost <= 159 * len(heard.line.clears)
