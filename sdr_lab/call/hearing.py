"""The caller's frames on their way in: placed in time, kept, filtered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.filters import FilterChain
from sdr_lab.call.ears import Ears
from sdr_lab.call.guards import Guards
from sdr_lab.call.line import Frame
from sdr_lab.call.log import CallLog
from sdr_lab.call.mouth import Mouth
from sdr_lab.call.playout import SILENCE
from sdr_lab.call.record import CallFolder
from sdr_lab.call.stream_clock import StreamClock
from sdr_lab.events import GapFilled
from sdr_lab.records import FRAME_MS
from sdr_lab.stt.base import Heard
from sdr_lab.turns.detectors.base import Listened


class Hearing:
    """Takes what the line delivers. It moves the clock of the log."""

    def __init__(
        self,
        filters: tuple[str, ...],
        folder: CallFolder,
        ears: Ears,
        mouth: Mouth,
        guards: Guards,
        log: CallLog,
    ) -> None:
        self._filters = FilterChain(filters) if filters else None
        self._folder = folder
        self._ears = ears
        self._mouth = mouth
        self._guards = guards
        self._log = log
        self._stream = StreamClock(asyncio.get_running_loop().time())

    def take(self, frame: Frame) -> Iterator[Listened]:
        """Yield the 20 ms that the floor is to hear: none for a repeated frame, more than one
        when some are missing before it. What each leads to must be done before the next."""
        missing = self._stream.place(frame.at_ms, asyncio.get_running_loop().time())
        if missing is None:
            return
        if missing:
            self._log.add(GapFilled, missing_ms=missing * FRAME_MS)
        for _ in range(missing):
            yield self._hear(SILENCE)
        yield self._hear(frame.mulaw)
        self._guards.heard(self._log.at_ms)

    def _hear(self, mulaw: bytes) -> Listened:
        at_ms = self._log.at_ms
        self._log.at_ms = at_ms + FRAME_MS
        played = self._mouth.slot(at_ms)
        self._folder.frame(mulaw, played)
        if self._filters is not None:
            mulaw = self._filters.process_mulaw(mulaw)
        self._ears.hear(Heard(at_ms, mulaw))
        return Listened(at_ms, mulaw, calculate_audio_energy(mulaw), False, played)
