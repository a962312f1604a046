"""Run a detector over recorded calls as the live floor would.

A decision is made when a frame is complete: its time is the end of the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.turns.detectors.base import Reading, Sign


class Detected(NamedTuple):
    """A decision and when it was made."""

    at_ms: int
    """End of the frame that decided."""
    sign: Sign


@dataclass(frozen=True, slots=True)
class FrameReading:
    """What a detector saw in one frame."""

    at_ms: int
    """Start of the frame."""
    energy: int
    is_voiced: bool
    is_armed: bool
    reading: Reading


@dataclass(frozen=True, slots=True)
class Detections:
    """All decisions of one run over one call."""

    call_id: str
    holds: tuple[Detected, ...] = ()
    stops: tuple[Detected, ...] = ()
    readings: tuple[FrameReading, ...] = ()
    """One per frame with `trace`, else none."""

    @property
    def stop_times_s(self) -> list[float]:
        """Times of the stops, as `score` and detections.json take them."""
        return [found.at_ms / 1000 for found in self.stops]

    @property
    def hold_times_s(self) -> list[float]:
        """Times of the holds; a stop that no hold came before counts as one."""
        bare = [
            stop.at_ms
            for stop in self.stops
            if not any(stop.sign.onset_ms <= hold.at_ms <= stop.at_ms for hold in self.holds)
        ]
        return [ms / 1000 for ms in sorted([*bare, *(hold.at_ms for hold in self.holds)])]


def detect(call: LabelledCall, settings: InterruptSettings, trace: bool = False) -> Detections:
    """Run the detector of the settings over one call, in constant memory unless `trace`.

    Raises:
        NotFound: no such detector.
        AudioError: the recording can't be read.
    """
    raise NotImplementedError


def detect_all(
    calls: Sequence[LabelledCall],
    settings: InterruptSettings,
    jobs: int = 1,
    on_done: Callable[[LabelledCall], None] | None = None,
) -> dict[str, Detections]:
    """Run over many calls, in `jobs` processes; by call id, in the order of `calls`."""
    raise NotImplementedError


def settings_of(
    pairs: Sequence[str], detector: str = "", base: InterruptSettings | None = None
) -> InterruptSettings:
    """Make settings from `KEY=VALUE` pairs.

    Args:
        pairs: Names are fields of `InterruptSettings`, or settings `INTERRUPT_…`.
        detector: Name of the detector; empty: that of `base`.
        base: What is changed; None: the defaults.

    Raises:
        SettingError: an unknown name, or a value that is not allowed.
        NotFound: no such detector.
    """
    raise NotImplementedError
