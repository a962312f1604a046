"""Doing things at the same moment."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def at_once(*works: Callable[[], T]) -> list[T | Exception]:
    """Run all at once, in a thread each; return what each returned or raised."""
    gate = threading.Barrier(len(works))
    results: dict[int, T | Exception] = {}

    def run(place: int, work: Callable[[], T]) -> None:
        gate.wait()
        try:
            results[place] = work()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[place] for place in range(len(works))]
