"""What an interruption detector is told and what it answers.

A detector is pure: it is told the time, equal frames give equal answers, and the same class runs in
a live call, in a replay and over recorded calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeGuard

from sdr_lab.records import InterruptSettings


class SignKind(StrEnum):
    HOLD = "hold"
    """Perhaps: fall silent for a moment and keep the rest."""
    STOP = "stop"
    """He means it: the reply is over."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A detector's answer."""

    kind: SignKind
    onset_ms: int
    """Stream time at which the caller began, as far as the detector can tell."""
    score: float = 1.0
    """What decided: a probability, or a level in dB over what was needed; see the detector."""


def is_stop(sign: Sign | None) -> TypeGuard[Sign]:
    """Tell whether a detector's answer ends the reply."""
    return sign is not None and sign.kind is SignKind.STOP


@dataclass(frozen=True, slots=True)
class Reading:
    """What a detector saw in its last frame, for people. Names are the detector's own."""

    values: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    """What a value of the same name must reach."""


@dataclass(frozen=True, slots=True)
class Listened:
    """One 20 ms frame as a detector sees it."""

    at_ms: int
    """Stream time of its first sample."""
    mulaw: bytes
    """The caller's audio, 160 bytes."""
    energy: int
    """RMS of it, 0..32124."""
    is_voiced: bool
    """What the speech gate says of it."""
    played: bytes = b""
    """What the caller heard of us in the same 20 ms. Empty means the same as 160 bytes of
    silence (0xFF), so that a recording holds all that a detector was told."""


class InterruptDetector(Protocol):
    """Told every frame of a call, asked only while the agent speaks.

    After a HOLD there is no other until the caller was quiet again; after a STOP none of either
    kind for `debounce_ms`. A STOP needs no HOLD before it. A detector that is not disarmed after
    a STOP goes on deciding: so recordings are searched.
    """

    name: str
    threshold: float
    """RMS below which a frame is not the caller's voice while our echo may come back."""

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        """The agent begins to be heard, or goes on after a hold; these settings hold now."""
        ...

    def disarm(self, at_ms: int) -> None:
        """The agent has stopped or has been stopped."""
        ...

    def hear(self, frame: Listened) -> Sign | None:
        """Take the next frame."""
        ...

    def read(self, text: str) -> Sign | None:
        """Take words transcribed while the agent speaks (final or not; never empty)."""
        ...

    def reading(self) -> Reading:
        """Say what the last frame looked like; called only when somebody wants to know."""
        ...
