"""A detector that keeps all that it is told: of a live call and of its replay the same."""

from __future__ import annotations

from typing import ClassVar

from sdr_lab.audio.codec import SILENCE
from sdr_lab.records import FRAME_BYTES, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Sign
from sdr_lab.turns.detectors.energy import EnergyDetector

NAME = "tests.replay.keeper:Keeper"
"""What settings call it."""

QUIET = bytes([SILENCE]) * FRAME_BYTES

Told = tuple[object, ...]


class Keeper(EnergyDetector):
    """`energy` with a memory. Calls are told apart by their `min_energy`."""

    name = "keeper"
    made: ClassVar[list[Keeper]] = []

    def __init__(self, settings: InterruptSettings) -> None:
        super().__init__(settings)
        self.told: list[Told] = []
        Keeper.made.append(self)

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self.told.append(("arm", at_ms, settings))
        super().arm(at_ms, settings)

    def disarm(self, at_ms: int) -> None:
        self.told.append(("disarm", at_ms))
        super().disarm(at_ms)

    def hear(self, frame: Listened) -> Sign | None:
        played = frame.played or QUIET  # the two mean the same
        self.told.append((frame.at_ms, frame.mulaw, frame.energy, frame.is_voiced, played))
        return super().hear(frame)

    def read(self, text: str) -> Sign | None:
        self.told.append(("read", text))
        return super().read(text)


def kept(min_energy: int) -> list[list[Told]]:
    """Return what each keeper with this threshold was told, in the order in which they were made.

    Those that were made to see whether they can be, and told nothing, are left out.
    """
    ours = [keeper for keeper in Keeper.made if keeper.settings.min_energy == min_energy]
    return [keeper.told for keeper in ours if keeper.told]
