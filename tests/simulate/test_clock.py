"""The virtual clock jumps over waiting, and stands still while a thread works."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sdr_lab.simulate.clock import VirtualLoop, run_virtually

MONTH_S = 30 * 24 * 3600.0


def now_s() -> float:
    return asyncio.get_running_loop().time()


def running_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def test_time_begins_at_zero_and_passes_only_by_waiting():
    async def main() -> list[float]:
        seen = [now_s()]
        sum(range(100_000))
        await asyncio.sleep(0)
        seen.append(now_s())
        await asyncio.sleep(MONTH_S)  # a clock that really waited would never get past this
        return [*seen, now_s()]

    assert run_virtually(main()) == [0, 0, MONTH_S]


def test_timers_fire_in_the_order_of_their_times():
    async def wait(seconds: float, log: list[tuple[float, float]]) -> None:
        await asyncio.sleep(seconds)
        log.append((seconds, now_s()))

    async def main() -> list[tuple[float, float]]:
        log: list[tuple[float, float]] = []
        async with asyncio.TaskGroup() as tasks:
            for seconds in (40, 0.25, 3, 0.5):
                tasks.create_task(wait(seconds, log))
        return log

    assert run_virtually(main()) == [(0.25, 0.25), (0.5, 0.5), (3, 3), (40, 40)]


def test_all_that_can_run_runs_before_time_passes():
    async def main() -> list[float]:
        queue: asyncio.Queue[float] = asyncio.Queue()

        async def pass_on(steps: int) -> None:
            for _ in range(steps):
                await asyncio.sleep(0)
            queue.put_nowait(now_s())

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pass_on(500))
            await asyncio.sleep(0.001)
        return [queue.get_nowait(), now_s()]

    assert run_virtually(main()) == [0, 0.001]


def test_a_timeout_fires_at_its_virtual_time():
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(3600)
        return now_s()

    assert run_virtually(main()) == 5


def test_a_timeout_that_is_kept_costs_no_time():
    async def main() -> float:
        async with asyncio.timeout(3600):
            await asyncio.sleep(2)
        return now_s()

    assert run_virtually(main()) == 2


def times_seen_by_a_job(loop: VirtualLoop, rounds: int) -> list[float]:
    """Runs in a thread: make the loop turn `rounds` times and look at its clock each time."""
    seen: list[float] = []
    for _ in range(rounds):
        turned = threading.Event()
        loop.call_soon_threadsafe(turned.set)
        turned.wait()
        seen.append(loop.time())
    return seen


async def tick() -> None:
    for _ in range(100_000):
        await asyncio.sleep(0.02)


def test_the_clock_stands_still_while_a_job_runs():
    async def main() -> tuple[list[float], float]:
        loop = running_loop()
        ticking = loop.create_task(tick())
        await asyncio.sleep(1)
        seen = await asyncio.to_thread(times_seen_by_a_job, loop, 100)
        await asyncio.sleep(0.5)
        ticking.cancel()
        return seen, now_s()

    seen, after_s = run_virtually(main())
    assert seen == pytest.approx([1] * 100)
    assert after_s == pytest.approx(1.5)


def test_it_stands_still_until_the_last_of_several_jobs_is_done():
    async def main() -> tuple[bool, list[float]]:
        loop = running_loop()
        ticking = loop.create_task(tick())
        gate = threading.Event()

        def slow() -> list[float]:
            gate.wait()
            return times_seen_by_a_job(loop, 50)

        waiting = asyncio.ensure_future(loop.run_in_executor(None, slow))
        await loop.run_in_executor(None, int, "1")
        is_working = loop.is_working
        gate.set()
        seen = await waiting
        ticking.cancel()
        return is_working, seen

    assert run_virtually(main()) == (True, [0] * 50)


def test_a_job_is_counted_while_it_runs_and_no_longer():
    async def main() -> list[bool]:
        loop = running_loop()
        seen = [loop.is_working]
        job = loop.run_in_executor(None, int, "1")
        seen.append(loop.is_working)
        await job
        await asyncio.sleep(0)
        seen.append(loop.is_working)
        with pytest.raises(ValueError, match="invalid literal"):
            await asyncio.to_thread(int, "one")
        await asyncio.sleep(0)
        return [*seen, loop.is_working]

    assert run_virtually(main()) == [False, True, False, False]


def test_time_passes_again_after_a_job():
    async def main() -> float:
        assert await asyncio.to_thread(str.upper, "a") == "A"
        await asyncio.sleep(7)
        return now_s()

    assert run_virtually(main()) == 7


def test_a_thread_of_somebody_else_can_wake_a_loop_without_timers():
    async def main() -> float:
        loop, woken = running_loop(), asyncio.Event()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(woken.set,))
        thread.start()
        await woken.wait()
        thread.join()
        return now_s()

    assert run_virtually(main()) == 0


def test_an_error_in_a_call_comes_out():
    async def main() -> None:
        await asyncio.sleep(1)
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        run_virtually(main())
