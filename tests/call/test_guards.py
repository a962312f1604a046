"""Guards against a dead line, on the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from sdr_lab.call.guards import LOOK_EVERY_S, Guards
from sdr_lab.call.inbox import Expired, Item, Tick
from sdr_lab.records import CallSettings
from sdr_lab.simulate.clock import run_virtually

SETTINGS = replace(CallSettings(), stall_timeout_s=2, max_call_s=60)
Posted = list[tuple[int, Item]]


def watch(feed: Callable[[Guards], Awaitable[None]], settings: CallSettings = SETTINGS) -> Posted:
    """Return what was posted and when (ms) while `feed` delivered frames."""

    async def main() -> Posted:
        loop = asyncio.get_running_loop()
        posted: Posted = []
        guards = Guards(settings, lambda item: posted.append((round(loop.time() * 1000), item)))
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(guards.watch())
            await asyncio.sleep(0)
            await feed(guards)
            watching.cancel()
        return posted

    return run_virtually(main())


async def frames(guards: Guards, seconds: float, since_ms: int = 0) -> None:
    for end_ms in range(since_ms + 20, since_ms + round(seconds * 1000) + 20, 20):
        await asyncio.sleep(0.02)
        guards.heard(end_ms)


def test_a_line_that_delivers_is_left_alone():
    assert watch(lambda guards: frames(guards, 50)) == []


def test_while_frames_are_late_time_goes_on_in_whole_frames():
    async def feed(guards: Guards) -> None:
        await frames(guards, 1)
        await asyncio.sleep(0.55)

    posted = watch(feed)
    assert len(posted) == 5
    for at_ms, item in posted:
        assert isinstance(item, Tick)
        assert item.now_ms % 20 == 0
        assert 0 <= at_ms - item.now_ms <= 40
    times = [item.now_ms for _, item in posted if isinstance(item, Tick)]
    assert times == sorted(set(times))


def test_three_late_frames_are_no_stall_yet():
    async def feed(guards: Guards) -> None:
        for n in range(1, 100):
            await asyncio.sleep(0.055)
            guards.heard(n * 20)

    assert watch(feed) == []


def test_ticks_end_when_frames_come_again():
    async def feed(guards: Guards) -> None:
        await frames(guards, 1)
        await asyncio.sleep(0.5)
        await frames(guards, 5, 1000)

    assert all(at_ms <= 1600 for at_ms, _ in watch(feed))


def test_a_dead_line_is_given_up_once():
    async def feed(guards: Guards) -> None:
        await frames(guards, 1)
        await asyncio.sleep(10)

    expired = [(at_ms, item) for at_ms, item in watch(feed) if isinstance(item, Expired)]
    ((at_ms, item),) = expired
    assert item == Expired("stalled")
    assert 3000 <= at_ms <= 3000 + 2 * LOOK_EVERY_S * 1000


def test_a_line_that_never_delivers_is_given_up_too():
    async def feed(guards: Guards) -> None:
        await asyncio.sleep(5)

    stalled = [at_ms for at_ms, item in watch(feed) if item == Expired("stalled")]
    assert len(stalled) == 1
    assert 2000 <= stalled[0] <= 2000 + 2 * LOOK_EVERY_S * 1000


def test_the_longest_call_ends_and_is_watched_no_more():
    posted = watch(lambda guards: frames(guards, 100))
    ((at_ms, item),) = posted
    assert item == Expired("max_length")
    assert 60_000 <= at_ms <= 60_000 + 2 * LOOK_EVERY_S * 1000


def test_a_call_that_should_be_over_is_reported_once():
    async def feed(guards: Guards) -> None:
        guards.end_within(3)
        await frames(guards, 10)

    ((at_ms, item),) = watch(feed)
    assert item == Expired("overdue")
    assert 3000 <= at_ms <= 3000 + 2 * LOOK_EVERY_S * 1000


def test_a_long_call_may_be_overdue_as_well():
    async def feed(guards: Guards) -> None:
        await frames(guards, 6)
        guards.end_within(2)
        await frames(guards, 6, since_ms=6000)

    posted = watch(feed, replace(SETTINGS, max_call_s=5))
    assert [item for _, item in posted] == [Expired("max_length"), Expired("overdue")]
