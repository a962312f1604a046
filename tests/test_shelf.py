"""What is made once and shared by calls."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from sdr_lab.shelf import Shelf


class Closable:
    def __init__(self) -> None:
        self.closed_in = ""

    def close(self) -> None:
        self.closed_in = threading.current_thread().name


class ClosableInLoop(Closable):
    async def close(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await asyncio.sleep(0)
        self.closed_in = "loop"


def test_a_thing_is_made_on_first_use_only():
    shelf, made = Shelf(), []
    for key in ("a", "b", "a"):
        assert shelf.get((key,), lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert made == ["a", "b"]


def test_threads_that_want_it_at_once_get_the_same():
    shelf, gate = Shelf(), threading.Barrier(4)

    def make() -> Closable:
        gate.wait(5)  # all four are making it
        return Closable()

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: shelf.get(("a",), make), range(4)))
    assert len({id(thing) for thing in got}) == 1


def test_what_was_used_longest_ago_is_let_go():
    shelf = Shelf(places=2)
    first = shelf.get(("a",), Closable)
    shelf.get(("b",), Closable)
    assert shelf.get(("a",), Closable) is first
    shelf.get(("c",), Closable)
    assert shelf.get(("a",), Closable) is first
    second = shelf.get(("b",), Closable)
    assert shelf.get(("b",), Closable) is second


async def test_everything_is_closed_in_its_own_way():
    shelf = Shelf()
    sync, in_loop = shelf.get(("a",), Closable), shelf.get(("b",), ClosableInLoop)
    shelf.get(("c",), lambda: "nothing to close")
    await shelf.close()
    assert sync.closed_in not in ("", threading.main_thread().name)  # it may take its time
    assert in_loop.closed_in == "loop"
    assert shelf.get(("a",), Closable) is not sync
