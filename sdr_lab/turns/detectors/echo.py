"""How much of what comes in is our own voice coming back.

What we sent is known, so its echo can be predicted: a delay (40 to 600 ms over a telephone
network) and a gain per band. Both are learned from powers alone, because a line with a codec,
jitter and a loudspeaker keeps no phase.

- *Delay*: the lag at which the envelopes of the two channels, band by band, correlate best.
- *Gain*: a quantile per band of what comes in over what was sent that long ago. Two people
  talking at once are far above it and cannot drag it along.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bands = NDArray[np.float32]

LAGS = 32
"""Frames of what we sent that are kept: echo later than 620 ms is not looked for."""
SILENT_DB = -60.0
"""What we sent counts above this level per band, dBFS."""
RANGE_DB = 45.0
LEVEL_STEP = 0.02
"""Envelopes are taken around their mean of the last second."""
MEMORY_STEP = 0.016
"""Correlations are means of the last 2.5 s of our speech."""
FAST_STEP = 0.2
"""The similarity that tells "this is our echo, now": 200 ms."""
SWITCH_MARGIN = 0.04
"""Another lag must correlate better by this much to become the delay."""
NO_ECHO, SURE_ECHO = 0.06, 0.18
"""Envelopes that correlate less have nothing to do with each other; more: echo."""
FIRST_LAG = 6
FIRST_GAIN_DB = -24.0
LOWEST_GAIN_DB = -60.0
QUANTILE = 0.62
"""Share of the frames in which the echo is below its prediction."""
NOT_QUANTILE = np.float32(QUANTILE - 1.0)
SLOWED = np.float32(0.4)
"""Of the step up: what is left of it while both talk."""
FIRST_STEP_DB = 5.0
LAST_STEP_DB = 0.8
DOUBLE_TALK_DB = 12.0
"""So far above the prediction it is somebody else; the gain hardly follows."""
SMEAR = 0.4
"""Power of a room's echo left after 20 ms."""


class Echo:
    """Delay and gain of the echo; see the module. One object per call."""

    def __init__(self, bands: int) -> None:
        self.lag = FIRST_LAG
        """Delay in frames of 20 ms."""
        self.similarity = 0.0
        """Correlation of the envelopes at that delay, -1..1, over seconds."""
        self.now = 0.0
        """The same over the last 200 ms."""
        self.sent_db = np.full(bands, -100.0, np.float32)
        """What we sent one delay ago, smeared, dBFS per band."""
        self.power = np.zeros(bands, np.float32)
        """Predicted echo, power per band."""
        self.gain_db = np.full(bands, FIRST_GAIN_DB, np.float32)
        self.steps_db = np.full(bands, FIRST_STEP_DB, np.float32)
        """How fast the gain is still learned, per band: small when much was heard."""
        self._at = 0
        self._sent = np.zeros((2 * LAGS, bands), np.float32)
        self._shape = np.zeros((2 * LAGS, bands), np.float32)
        self._norms = np.zeros(2 * LAGS, np.float32)
        self._sent_mean = np.zeros(bands, np.float32)
        self._heard_mean = np.zeros(bands, np.float32)
        self._cross = np.zeros(LAGS, np.float32)
        self._sent_norm = np.full(LAGS, 1e-3, np.float32)
        self._heard_norm = 1e-3
        self._fast = [0.0, 1e-3, 1e-3]
        self._smeared = np.zeros(bands, np.float32)
        self._quiet_frames = LAGS

    def forget_sent(self) -> None:
        """What we sent is told anew by `send`; delay and gain are kept."""
        self._sent[:] = 0.0
        self._shape[:] = 0.0
        self._norms[:] = 0.0
        self._smeared[:] = 0.0
        self._quiet_frames = LAGS

    def send(self, power: Bands | None) -> None:
        """Take what we sent in this frame: power per band; None: silence."""
        self._at = at = (self._at - 1) % LAGS
        if power is None:
            self._quiet_frames += 1
            self._sent[at] = self._sent[at + LAGS] = 0.0
            if self._quiet_frames > LAGS:
                self._shape[at] = self._shape[at + LAGS] = 0.0
                self._norms[at] = self._norms[at + LAGS] = 0.0
                return
            level = np.zeros_like(self._sent_mean)
        else:
            self._quiet_frames = 0
            self._sent[at] = self._sent[at + LAGS] = power
            level = np.log10(power + 1e-10)
            level *= 10.0
            level -= SILENT_DB
            np.maximum(level, 0.0, out=level)
            np.minimum(level, RANGE_DB, out=level)
        shape = level - self._sent_mean
        self._sent_mean += LEVEL_STEP * shape
        self._shape[at] = self._shape[at + LAGS] = shape
        self._norms[at] = self._norms[at + LAGS] = shape.dot(shape)

    def hear(self, heard: Bands, over_noise_db: Bands, noise: Bands, is_even: bool) -> None:
        """Take what came in: power, dB over the noise, and noise power, all per band.

        The delay is followed on even frames, the gain on odd ones.
        """
        if self._quiet_frames >= LAGS:
            self._smeared *= SMEAR
            self.sent_db.fill(-100.0)
            self.power.fill(0.0)
            self.now *= 1.0 - FAST_STEP
            return
        if is_even:
            self._correlate(over_noise_db)
        self._predict()
        if not is_even:
            self._follow_gain(heard, noise)

    def _correlate(self, over_noise_db: Bands) -> None:
        level = np.maximum(over_noise_db, 0.0)
        np.minimum(level, RANGE_DB, out=level)
        level -= self._heard_mean
        self._heard_mean += LEVEL_STEP * level
        at = self._at
        cross = self._shape[at : at + LAGS].dot(level)
        norm = float(level.dot(level))
        self._keep_fast(float(cross[self.lag]), float(self._norms[at + self.lag]), norm)
        cross -= self._cross
        cross *= MEMORY_STEP
        self._cross += cross
        self._sent_norm += MEMORY_STEP * (self._norms[at : at + LAGS] - self._sent_norm)
        self._heard_norm += MEMORY_STEP * (norm - self._heard_norm)
        similar = self._cross / np.sqrt(self._sent_norm * self._heard_norm + 1e-3)
        best = int(similar[1 : LAGS - 1].argmax()) + 1
        if similar[best] > similar[self.lag] + SWITCH_MARGIN:
            self.lag = best
        self.similarity = float(similar[self.lag])

    def _keep_fast(self, cross: float, sent_norm: float, heard_norm: float) -> None:
        fast = self._fast
        fast[0] += FAST_STEP * (cross - fast[0])
        fast[1] += FAST_STEP * (sent_norm - fast[1])
        fast[2] += FAST_STEP * (heard_norm - fast[2])
        self.now = fast[0] / (fast[1] * fast[2] + 1.0) ** 0.5

    def _predict(self) -> None:
        at = self._at + self.lag
        sent = np.maximum.reduce(self._sent[at - 1 : at + 2])
        self._smeared *= SMEAR
        np.maximum(self._smeared, sent, out=self._smeared)
        np.log10(self._smeared + 1e-10, out=self.sent_db)
        self.sent_db *= 10.0
        trust = min(1.0, max(0.0, (self.similarity - NO_ECHO) / (SURE_ECHO - NO_ECHO)))
        np.multiply(self._smeared, np.exp2(self.gain_db * 0.33219281), out=self.power)
        self.power *= trust

    def _follow_gain(self, heard: Bands, noise: Bands) -> None:
        is_sent = self.sent_db > SILENT_DB
        rest = np.maximum(heard - 2.0 * noise, 0.1 * noise)
        over = np.log10(rest + 1e-12)
        over *= 10.0
        over -= self.sent_db
        over -= self.gain_db
        step = (over > 0.0) + NOT_QUANTILE
        step -= SLOWED * (over > DOUBLE_TALK_DB)
        step *= self.steps_db
        step *= is_sent
        self.gain_db += step
        np.maximum(self.gain_db, LOWEST_GAIN_DB, out=self.gain_db)
        np.minimum(self.gain_db, 0.0, out=self.gain_db)
        np.multiply(self.steps_db, 0.92, out=self.steps_db, where=is_sent)
        np.maximum(self.steps_db, LAST_STEP_DB, out=self.steps_db)
