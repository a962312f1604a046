"""Activity above the noise of the line and above the predicted echo of what we sent.

Nothing is learned but noise, echo delay and echo gain, all from the call itself; every level is
relative. The settings are `noise_margin_db`, `echo_margin_db`, `hold_activity_ms`, `activity_ms`.
"""

from __future__ import annotations

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Reading, Sign
from sdr_lab.turns.detectors.features import VOICED, Hearing
from sdr_lab.turns.detectors.latch import Latch

GAP_MS = 80
"""Speech goes on over a gap of so long."""
VOICED_SHARE = 0.35
"""Speech has at least so many frames with a pitch."""


class EchoGateDetector:
    """See the module. Scores are the activity in ms."""

    name = "echo_gate"

    def __init__(self, settings: InterruptSettings) -> None:
        self.settings = settings
        self._hearing = Hearing()
        self.threshold = 0.0
        self._latch = Latch(settings.debounce_ms)
        self._energy = 0
        self._empty()

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self.settings = settings
        self._latch.debounce_ms = settings.debounce_ms
        if not self._hearing.is_armed:
            self._latch.reset()
            self._hearing.arm()
            self._empty()

    def disarm(self, at_ms: int) -> None:
        self._hearing.disarm()
        self._latch.reset()
        self._empty()

    def hear(self, frame: Listened) -> Sign | None:
        self._energy = frame.energy
        if not (self._hearing.is_armed and self.settings.enabled):
            self._hearing.skip(frame)
            return None
        self._hearing.hear(frame)
        self.threshold = self._hearing.expected_rms
        self._count(frame.at_ms)
        return self._decide(frame.at_ms + FRAME_MS)

    def read(self, text: str) -> Sign | None:
        return self._latch.read(text, float(self._active_ms)) if self._hearing.is_armed else None

    def reading(self) -> Reading:
        settings = self.settings
        return Reading(
            {
                "activity_ms": self._active_ms,
                "over_noise_db": self._over_noise_db,
                "over_echo_db": self._over_echo_db,
                "voiced_share": self._voiced_share,
                "energy": self._energy,
                "expected_rms": self._hearing.expected_rms,
                "echo_delay_ms": self._hearing.echo.lag * FRAME_MS,
                "echo_similarity": self._hearing.echo.similarity,
            },
            {
                "activity_ms": settings.activity_ms,
                "over_noise_db": settings.noise_margin_db,
                "over_echo_db": settings.echo_margin_db,
                "voiced_share": VOICED_SHARE,
            },
        )

    @property
    def _over_noise_db(self) -> float:
        return self._hearing.level_db - self._hearing.noise_level_db

    @property
    def _over_echo_db(self) -> float:
        return self._hearing.level_db - self._hearing.echo_level_db

    @property
    def _voiced_share(self) -> float:
        return self._voiced_ms / max(FRAME_MS, self._active_ms)

    def _count(self, at_ms: int) -> None:
        is_active = (
            self._over_noise_db >= self.settings.noise_margin_db
            and self._over_echo_db >= self.settings.echo_margin_db
        )
        if is_active:
            if not self._active_ms:
                self._onset_ms = at_ms
            self._active_ms += FRAME_MS
            self._voiced_ms += FRAME_MS * (self._hearing.voicing >= VOICED)
            self._gap_ms = 0
            return
        self._gap_ms += FRAME_MS
        if self._gap_ms > GAP_MS:
            self._empty()

    def _decide(self, now_ms: int) -> Sign | None:
        is_voice = self._voiced_share >= VOICED_SHARE
        activity_ms = float(self._active_ms) if is_voice else 0.0
        limits = (float(self.settings.hold_activity_ms), float(self.settings.activity_ms))
        sign = self._latch.hear((activity_ms, activity_ms), limits, now_ms, self._onset_ms)
        return self._latch.answer(sign, self.settings)

    def _empty(self) -> None:
        self._active_ms = 0
        self._voiced_ms = 0
        self._gap_ms = 0
        self._onset_ms = 0
