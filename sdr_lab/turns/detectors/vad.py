"""Other people's voice activity detectors as interruption detectors, for comparison.

They hear the caller alone, so that echo, coughs and "mm-hmm" are voice to them: they stop the agent
falsely more often than a detector that knows what was sent. eval/bench_vads.py has what they cost.

- *Run*: begins at the first frame whose probability reaches the lower of the two scores, and ends
  when the probability has stayed below it for `HANGOVER_MS`: pipecat calls a speaker silent after
  the same 200 ms. Arming begins a new one: what the caller said before the agent spoke is no
  interruption.
- *Activity*: the frames of a run that reach a score, pauses not counted. `hold_activity_ms` of
  frames at `hold_score` are a HOLD, `activity_ms` at `stop_score` a STOP; both are decided in a
  frame that counts, never in a pause.
- *Debounce*: after a STOP nothing for `debounce_ms`; frames in between count.
- *Quiet rule*: one HOLD per run. A caller who goes on talking when the agent goes on after a hold
  is not held again before he was quiet.
- `require_text` and `use_vad` mean what they mean for `energy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Reading, Sign, SignKind

HANGOVER_MS = 200
"""pipecat's `stop_secs`."""


class Vad(Protocol):
    """A voice activity detector of one call."""

    name: str

    def probability(self, pcm: NDArray[np.int16]) -> float:
        """Take the next 20 ms, 160 samples at 8 kHz; return 0..1, how likely it is a voice."""
        ...

    def reset(self) -> None:
        """Forget what was heard: another call follows."""
        ...


@dataclass(frozen=True, slots=True)
class Scores:
    """What a probability must reach when the settings do not say."""

    hold: float
    stop: float


class VadDetector:
    """Enough frames that a VAD calls voice."""

    def __init__(self, vad: Vad, scores: Scores, settings: InterruptSettings) -> None:
        self.name = vad.name
        self.settings = settings
        self.threshold = float(settings.min_energy)
        """That of `energy` in a silent room: VADs know nothing of our echo."""
        self._vad = vad
        self._own = scores
        self._armed = False
        self._probability = 0.0
        self._since_ms: int | None = None
        self._hold_ms = 0
        self._stop_ms = 0
        self._low_ms = 0
        self._has_voiced = False
        self._was_held = False
        self._waits_since_ms: int | None = None
        self._last_ms: int | None = None

    @property
    def _scores(self) -> Scores:
        hold, stop = self.settings.hold_score, self.settings.stop_score
        own = self._own
        return Scores(own.hold if hold is None else hold, own.stop if stop is None else stop)

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self.settings = settings
        self.threshold = float(settings.min_energy)
        self._armed = True
        self._empty()

    def disarm(self, at_ms: int) -> None:
        self._armed = False
        self._waits_since_ms = None
        self._empty()

    def hear(self, frame: Listened) -> Sign | None:
        self._probability = self._vad.probability(mulaw_to_pcm(frame.mulaw))
        is_active = self._count(frame)
        if not (is_active and self._armed and self.settings.enabled):
            return None
        return self._decide(frame.at_ms + FRAME_MS)

    def read(self, text: str) -> Sign | None:
        since_ms = self._waits_since_ms
        if since_ms is None or not text.strip() or not self._armed:
            return None
        return self._stop(since_ms, since_ms)

    def reading(self) -> Reading:
        scores = self._scores
        return Reading(
            {
                "probability": self._probability,
                "hold_activity_ms": self._hold_ms,
                "activity_ms": self._stop_ms,
            },
            {
                "probability": scores.stop,
                "hold_activity_ms": self.settings.hold_activity_ms,
                "activity_ms": self.settings.activity_ms,
            },
        )

    def _count(self, frame: Listened) -> bool:
        scores, probability = self._scores, self._probability
        if probability < min(scores.hold, scores.stop):
            self._low_ms += FRAME_MS
            if self._low_ms >= HANGOVER_MS:
                self._was_held = False
                self._empty()
            return False
        self._low_ms = 0
        if self._since_ms is None:
            self._since_ms = frame.at_ms
        self._hold_ms += FRAME_MS * (probability >= scores.hold)
        self._stop_ms += FRAME_MS * (probability >= scores.stop)
        self._has_voiced = self._has_voiced or frame.is_voiced
        return True

    def _decide(self, now_ms: int) -> Sign | None:
        since_ms, settings = self._since_ms, self.settings
        if since_ms is None or (settings.use_vad and not self._has_voiced):
            return None
        if self._last_ms is not None and now_ms - self._last_ms < settings.debounce_ms:
            return None
        if self._stop_ms >= settings.activity_ms:
            if not settings.require_text:
                return self._stop(since_ms, now_ms)
            self._waits_since_ms = since_ms
        if settings.hold and not self._was_held and self._hold_ms >= settings.hold_activity_ms:
            self._was_held = True
            return Sign(SignKind.HOLD, since_ms, self._probability)
        return None

    def _stop(self, since_ms: int, now_ms: int) -> Sign:
        self._last_ms = now_ms
        self._waits_since_ms = None
        self._empty()
        return Sign(SignKind.STOP, since_ms, self._probability)

    def _empty(self) -> None:
        self._since_ms = None
        self._hold_ms = self._stop_ms = 0
        self._has_voiced = False
