"""A line carries a call: phone, browser, recording or simulation. Everything behind is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of the caller, raw as the line delivered it."""

    at_ms: int
    """Stream time of the first sample, by the line's own timestamps, never by arrival."""
    mulaw: bytes
    """160 bytes of 8 kHz µ-law."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Audio sent before this mark has been played, or was cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Digit:
    """A key the caller pressed: 0-9, * or #."""

    digit: str


class Line(Protocol):
    """The only thing a call needs from the outside world."""

    kind: str
    """`simulated`, `twilio`, `browser`, `replay`."""

    def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        """Yield what comes in, in order of arrival. Ends when the caller hangs up."""
        ...

    async def play(self, mulaw: bytes) -> None:
        """Queue audio behind what is queued already. Any length, 8 kHz µ-law."""
        ...

    async def mark(self, name: str) -> None:
        """Ask for `Mark(name)` when everything queued so far has been played."""
        ...

    async def clear(self) -> None:
        """Throw away what has not been played. All outstanding marks come back."""
        ...

    async def hang_up(self) -> None:
        """End the call. `frames()` ends soon after."""
        ...

    async def transfer(self, target: str) -> None:
        """Hand the caller to a phone number (E.164). `frames()` ends soon after."""
        ...
