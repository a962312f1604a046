"""A call in the making: two channels, what happens in it, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.sound import RATE_HZ, Pcm, active_rms


@dataclass
class Draft:
    """Parts of a call that are mixed at the end; all have its length."""

    duration_s: float
    caller: Pcm = field(init=False)
    """The caller and everything near him, without bed and echo."""
    agent: Pcm = field(init=False)
    intervals: list[list[float]] = field(default_factory=list)
    """When the agent speaks, s."""
    turns: list[list[float]] = field(default_factory=list)
    """When the caller has the floor and speaks, s."""
    events: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.caller = np.zeros(round(self.duration_s * RATE_HZ), np.float32)
        self.agent = np.zeros_like(self.caller)

    def hear(self, pcm: Pcm, at_s: float) -> float:
        """Add a sound on the caller's side; return when it ends, s."""
        return self._lay(self.caller, pcm, at_s)

    def say(self, pcm: Pcm, at_s: float) -> float:
        """Add what the agent says; return when it ends, s."""
        return self._lay(self.agent, pcm, at_s)

    @staticmethod
    def _lay(channel: Pcm, pcm: Pcm, at_s: float) -> float:
        at = int(at_s * RATE_HZ)
        size = max(0, min(len(pcm), len(channel) - at))
        channel[at : at + size] += pcm[:size]
        return at_s + size / RATE_HZ

    def note(self, kind: str, at_s: float, pcm: Pcm, **details: Any) -> float:
        """Add an event with its sound; return when it ends, s."""
        end_s = self.hear(pcm, at_s)
        level_db = round(float(20 * np.log10(active_rms(pcm) + 1e-9)), 1)
        event = {"type": kind, "onset_s": round(at_s, 3), "offset_s": round(end_s, 3)}
        self.events.append({**event, "level_db": level_db, **details})
        return end_s

    def truth(self, name: str) -> dict[str, Any]:
        """Return the entry of `truth.json`."""
        return {
            "id": name,
            "duration_s": round(len(self.caller) / RATE_HZ, 3),
            "agent": self.intervals,
            "caller_turns": self.turns,
            "events": self.events,
            "tags": self.tags,
        }


@dataclass(frozen=True)
class Simulated:
    """A finished call."""

    left: NDArray[np.uint8]
    """Inbound, µ-law."""
    right: NDArray[np.uint8]
    """Outbound, µ-law."""
    truth: dict[str, Any]
    echo: Pcm
    """The echo alone, before the codec; zeros without one."""


def gain(level_db: float) -> float:
    """Factor that brings a clip of the bank (-20 dBFS) to a level in dBFS."""
    return 10 ** ((level_db + 20) / 20)
