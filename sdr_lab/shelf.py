"""What serves many calls at once and is made once: models, voices."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

PLACES = 128
"""What was used longest ago is let go; calls that still use it keep it until they are over."""


class Shelf:
    """Makes things on first use. Safe for threads."""

    def __init__(self, places: int = PLACES) -> None:
        self._things: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._places = places

    def get(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return the thing of this key; it is made when it is not there."""
        with self._lock:
            thing = self._things.get(key)
        if thing is None:
            thing = make()  # not in the lock: it may ask for other things
        with self._lock:
            thing = self._things.setdefault(key, thing)
            self._things.move_to_end(key)
            while len(self._things) > self._places:
                self._things.popitem(last=False)
        return thing

    async def close(self) -> None:
        """Close all that can be closed."""
        with self._lock:
            things = list(self._things.values())
            self._things.clear()
        for thing in things:
            close = getattr(thing, "close", None)
            if inspect.iscoroutinefunction(close):
                await close()
            elif callable(close):
                await asyncio.to_thread(close)
