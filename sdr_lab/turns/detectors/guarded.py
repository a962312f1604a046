"""A detector of the user's own class: whatever it raises, the call goes on.

After its first fault it decides nothing any more, in the live call as in a replay of it: what has
raised once can't be trusted with half of a frame in its state.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from sdr_lab.records import InterruptSettings
from sdr_lab.turns.detectors.base import InterruptDetector, Listened, Reading, Sign

log = logging.getLogger(__name__)

T = TypeVar("T")


class GuardedDetector:
    """Asks the user's detector until it fails. Words stop the agent even then."""

    def __init__(self, inner: InterruptDetector, class_name: str) -> None:
        """`class_name`: as the settings name it, for the log."""
        self.name = str(getattr(inner, "name", class_name))
        self.is_broken = False
        self._inner = inner
        self._class_name = class_name
        self.threshold = 0.0
        """The user's; after a fault what it was last."""
        self._follow()

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self._ask(lambda: self._inner.arm(at_ms, settings), None)
        self._follow()

    def disarm(self, at_ms: int) -> None:
        self._ask(lambda: self._inner.disarm(at_ms), None)
        self._follow()

    def hear(self, frame: Listened) -> Sign | None:
        sign = self._ask(lambda: _checked(self._inner.hear(frame), "hear"), None)
        self._follow()
        return sign

    def read(self, text: str) -> Sign | None:
        return self._ask(lambda: _checked(self._inner.read(text), "read"), None)

    def reading(self) -> Reading:
        """Only people look at it: a fault here breaks nothing, or who looks would decide."""
        if self.is_broken:
            return Reading()
        try:
            return self._inner.reading()
        except Exception as error:
            log.warning("detector %s: no reading: %s", self._class_name, _told(error))
            return Reading()

    def _follow(self) -> None:
        self.threshold = self._ask(lambda: float(self._inner.threshold), self.threshold)

    def _ask(self, question: Callable[[], T], otherwise: T) -> T:
        if self.is_broken:
            return otherwise
        try:
            return question()
        except Exception as error:
            self.is_broken = True
            log.exception(
                "detector %s: raised %s; it decides nothing more in this call",
                self._class_name,
                _told(error),
            )
            return otherwise


def _checked(answer: object, method: str) -> Sign | None:
    if answer is None or isinstance(answer, Sign):
        return answer
    raise TypeError(f"{method}() returned {answer!r}; allowed: a Sign or None")


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
