"""The queue of results that are wanted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sdr_lab.stt.answers import Backlog


@dataclass
class Wish:
    name: str
    is_final: bool = False


async def drained(backlog: Backlog[Wish]) -> list[str]:
    backlog.close()
    names = []
    while (wish := await backlog.next()) is not None:
        names.append(wish.name)
    return names


async def test_finals_stay_in_order_and_interim_wishes_before_them_go():
    backlog: Backlog[Wish] = Backlog()
    for wish in (Wish("a"), Wish("b"), Wish("c", True), Wish("d"), Wish("e", True)):
        backlog.add(wish)

    assert await drained(backlog) == ["c", "e"]


async def test_the_newest_interim_wish_waits_behind_the_running_one():
    backlog: Backlog[Wish] = Backlog()
    backlog.add(Wish("a"))
    running = await backlog.next()
    backlog.add(Wish("b"))
    backlog.add(Wish("c"))

    assert running == Wish("a")
    assert [wish.name for wish in backlog.unanswered()] == ["a", "c"]


async def test_an_interim_wish_that_became_final_is_kept_to_the_end():
    backlog: Backlog[Wish] = Backlog()
    wish = Wish("a")
    backlog.add(wish)
    wish.is_final = True
    backlog.add(Wish("b"))

    assert await drained(backlog) == ["a"]


async def test_next_waits_for_a_wish():
    backlog: Backlog[Wish] = Backlog()

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(backlog.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        backlog.add(Wish("late"))

    assert waiting.result() == Wish("late")
