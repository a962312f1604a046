"""The default: a small recurrent network on relative levels, voicing, echo and duration.

What it was trained on, and what it reaches, is in `hybrid.md`. It needs no library but numpy.
"""

from __future__ import annotations

from pathlib import Path

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Reading, Sign
from sdr_lab.turns.detectors.features import Hearing
from sdr_lab.turns.detectors.latch import Latch
from sdr_lab.turns.detectors.network import Network, load_weights

SMOOTH = 0.6
"""Share of the new frame in the scores."""
ONSET_SCORE = 0.12
"""The caller began where the hold score last rose above this…"""
ONSET_LEAD_MS = 60
"""…or rather so long before: the network needs some frames."""


class HybridDetector:
    """Two probabilities per frame against two limits."""

    name = "hybrid"

    def __init__(self, settings: InterruptSettings, weights: Path | None = None) -> None:
        """`weights`: another file of weights; None: the one in the package."""
        self._weights = load_weights(weights)
        self._network = Network(self._weights)
        self._hearing = Hearing()
        self.threshold = 0.0
        self._latch = Latch(settings.debounce_ms)
        self._hold = 0.0
        self._stop = 0.0
        self._energy = 0
        self._onset_ms: int | None = None
        self._configure(settings)

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self._configure(settings)
        if self._hearing.is_armed:
            return
        self._latch.reset()
        self._hearing.arm()
        self._network.reset()
        self._hold = self._stop = 0.0
        self._onset_ms = None

    def disarm(self, at_ms: int) -> None:
        self._hearing.disarm()
        self._latch.reset()

    def hear(self, frame: Listened) -> Sign | None:
        self._energy = frame.energy
        if not (self._hearing.is_armed and self.settings.enabled):
            self._hearing.skip(frame)
            return None
        self._hearing.hear(frame)
        self.threshold = self._hearing.expected_rms
        hold, stop = self._network.step(self._hearing.vector())
        self._hold += SMOOTH * (hold - self._hold)
        self._stop += SMOOTH * (stop - self._stop)
        if self._hold < ONSET_SCORE:
            self._onset_ms = None
        elif self._onset_ms is None:
            self._onset_ms = max(0, frame.at_ms - ONSET_LEAD_MS)
        return self._decide(frame.at_ms + FRAME_MS)

    def read(self, text: str) -> Sign | None:
        return self._latch.read(text, self._stop) if self._hearing.is_armed else None

    def reading(self) -> Reading:
        hearing = self._hearing
        return Reading(
            {
                "hold": self._hold,
                "stop": self._stop,
                "energy": self._energy,
                "expected_rms": hearing.expected_rms,
                "level_db": hearing.level_db,
                "noise_db": hearing.noise_level_db,
                "echo_db": hearing.echo_level_db,
                "over_db": hearing.level_db - hearing.expected_db,
                "caller_db": hearing.caller_db,
                "voicing": hearing.voicing,
                "echo_delay_ms": hearing.echo.lag * FRAME_MS,
                "echo_similarity": hearing.echo.similarity,
            },
            {"hold": self._limits[0], "stop": self._limits[1]},
        )

    def _decide(self, now_ms: int) -> Sign | None:
        onset_ms = now_ms - FRAME_MS if self._onset_ms is None else self._onset_ms
        sign = self._latch.hear((self._hold, self._stop), self._limits, now_ms, onset_ms)
        return self._latch.answer(sign, self.settings)

    def _configure(self, settings: InterruptSettings) -> None:
        self.settings = settings
        self._latch.debounce_ms = settings.debounce_ms
        hold, stop = settings.hold_score, settings.stop_score
        self._limits = (
            self._weights.hold_score if hold is None else hold,
            self._weights.stop_score if stop is None else stop,
        )
