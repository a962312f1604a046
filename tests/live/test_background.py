from __future__ import annotations

import asyncio
import logging

from sdr_lab.live.background import Background


async def test_one_that_fails_takes_no_other_with_it(caplog):
    background = Background()
    await background.open()
    done: list[str] = []

    async def fails() -> None:
        raise OSError("disk full")

    async def works() -> None:
        await asyncio.sleep(0)
        done.append("works")

    with caplog.at_level(logging.ERROR, "sdr_lab"):
        background.start(fails(), "the bad one")
        background.start(works(), "the good one")
        await background.close(patience_s=5)

    assert done == ["works"]
    assert "the bad one" in caplog.text


async def test_closing_waits_for_what_ends_and_not_for_what_is_endless():
    background = Background()
    await background.open()
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def short() -> None:
        await asyncio.sleep(0.01)
        ended.append("short")

    background.start(endless(), "endless", endless=True)
    background.start(short(), "short")
    await background.close(patience_s=60)

    assert ended == ["short", "endless"]


async def test_closing_cancels_what_takes_too_long():
    background = Background()
    await background.open()
    task = background.start(asyncio.Event().wait(), "stuck")

    await background.close(patience_s=0.01)

    assert task.cancelled()
