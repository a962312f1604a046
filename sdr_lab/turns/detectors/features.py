"""What a frame sounds like: bands, noise, voice and echo, relative to the line and the caller.

Streaming: told every frame of a call, it works only while the agent speaks. In between it keeps
the last second of raw audio, from which noise and echo history are worked out when it is needed.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from sdr_lab.records import FRAME_BYTES
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.echo import LAGS, SILENT_DB, Echo
from sdr_lab.turns.detectors.spectrum import (
    BANDS,
    DB_TO_OCTAVES,
    DECODE,
    FULL_SCALE,
    HANN,
    MEL_T,
    PITCH_BINS,
    SILENCE,
    TINY,
    WAVES,
    WINDOW,
    Bands,
    powers_of,
    put,
    windows_of,
)

RING_FRAMES = 250
"""Raw audio kept while the agent is silent."""
NOISE_FRAMES = 50
"""Of these, the last ones that tell the noise."""
CALLER_FRAMES = 60
"""So many voiced ones tell what the caller's voice sounds like over this line."""
FIRST_NOISE_DB = -75.0
"""Assumed per band while nothing is known."""
LOWEST_NOISE_DB = -88.0
NOISE_UP_DB = 0.12
"""Noise may rise by 3 dB a second…"""
NOISE_DOWN = 0.22
"""…and falls by this share of the difference, every other frame."""
NOISE_SMOOTH = 0.6
NOISE_QUANTILE = 0.25
NOISE_JUMP_DB = 6.0
"""Nor may it rise by more than this while the agent was silent: the caller may have talked."""
MIN_BIAS_DB = 3.0
"""A tracked minimum lies below the mean of a noise by about this much."""

FIRST_CALLER_DB = -28.0
"""Assumed level of the caller's voice until he has spoken."""
CALLER_QUANTILE = 0.6
FIRST_CALLER_BANDS_DB = np.linspace(-9.0, -21.0, BANDS, dtype=np.float32)
"""A voice per band, relative to its level, until this caller's is known."""
CALLER_DB = 14.0
"""A band this far below the caller's voice may still be his."""
CALLER_GAP_FRAMES = 4
CONCEALED_FRAMES = 3
"""So many lost frames in a row sound like the one before."""
VOICED = 0.38
"""Voicing of noise is 0.1 to 0.2, of a voice 0.4 to 0.8."""
ACTIVE_DB = 6.0
"""A band this far above noise and echo holds somebody else."""
ACTIVE_SHARE = 0.25
"""Of the bands, for a frame to count as activity."""

FEATURES = 3 * BANDS + 26


_PLACES = np.arange(BANDS, dtype=np.float32) / BANDS


class Hearing:
    """The ears of `echo_gate` and `hybrid`. One object per call; equal frames, equal values."""

    def __init__(self) -> None:
        self.echo = Echo(BANDS)
        self.is_armed = False
        self.is_zero = False
        """The frame is digital silence: lost, or a line without comfort noise."""
        self.level_db = -100.0
        """Of the frame, 200 to 3800 Hz, dBFS; so are the next three."""
        self.noise_level_db = FIRST_NOISE_DB
        self.echo_level_db = -100.0
        self.expected_db = FIRST_NOISE_DB
        """Noise and echo together."""
        self.caller_db = FIRST_CALLER_DB
        """Running level of the caller's voice, dBFS."""
        self.is_caller_known = False
        self.voicing = 0.0
        """Height of the pitch peak of the autocorrelation, 0..1."""
        self.active_share = 0.0
        """Share of the bands with somebody in them."""
        self.active_frames = 0
        self.quiet_frames = 0
        self.expected_rms = 0.0
        """Echo and noise with a margin, RMS in int16 units; falls slowly, as rooms do."""
        self.over_db: Bands = np.zeros(BANDS, np.float32)
        """Each band over noise and echo, dB."""
        self._wave = np.zeros((2, WINDOW), np.float32)
        self._heard: deque[bytes] = deque(maxlen=RING_FRAMES)
        self._voiced: deque[bool] = deque(maxlen=RING_FRAMES)
        self._caller_bands_db: Bands | None = None
        self._caller_frames = 0
        self._caller_gap = 0
        self._played: deque[bytes] = deque(maxlen=LAGS)
        self._sent_zeros = WINDOW
        self._zeros = 0
        self._frames = 0
        self._noise_db: Bands | None = None
        self._smooth: Bands | None = None
        self._power: Bands = np.full(BANDS, TINY, np.float32)
        self._db: Bands = np.full(BANDS, -100.0, np.float32)
        self._last_db: Bands = self._db
        self._sent_level_db = -100.0
        self._pitch = 0.0
        self._crest = 0.0
        self._was_zero = False
        self._caller_step = 4.0

    # ---- the agent is silent

    def skip(self, frame: Listened) -> None:
        """Take a frame while the agent is silent."""
        self._heard.append(frame.mulaw)
        self._voiced.append(frame.is_voiced)
        self._played.append(frame.played)
        if frame.is_voiced and frame.energy > 0:
            self._follow_caller(20.0 * math.log10(frame.energy / FULL_SCALE), 1.0)

    def arm(self) -> None:
        """The agent begins to be heard."""
        if self.is_armed:
            return
        self.is_armed = True
        self._frames = 0
        self.active_frames = 0
        self.quiet_frames = 0
        self._zeros = 0
        self._caller_frames = 0
        self._learn_caller()
        self._learn_noise()
        self._recall_sent()
        self._smooth = None

    def disarm(self) -> None:
        """The agent is silent again."""
        self.is_armed = False

    def _learn_caller(self) -> None:
        """Take the spectrum of the caller's voice from what he said last, while we were silent."""
        pairs = zip(self._heard, self._voiced, strict=True)
        voiced = [x for x, is_voiced in pairs if is_voiced and len(x) == FRAME_BYTES]
        if len(voiced) < 10:
            return
        powers = powers_of(windows_of(b"".join(voiced[-CALLER_FRAMES:])))
        sums = powers.sum(axis=1)
        loud = powers[sums >= np.median(sums)].mean(axis=0)
        found = (10.0 * np.log10(loud + TINY)).astype(np.float32)
        known = self._caller_bands_db
        self._caller_bands_db = found if known is None else 0.5 * (known + found)

    def _learn_noise(self) -> None:
        recent = list(self._heard)[-NOISE_FRAMES:]
        heard = [frame for frame in recent if frame != SILENCE and len(frame) == FRAME_BYTES]
        self._wave[0] = 0.0
        if self._heard:
            tail = b"".join(list(self._heard)[-2:]).rjust(2 * FRAME_BYTES, b"\xff")[-WINDOW:]
            self._wave[0] = DECODE[np.frombuffer(tail, np.uint8)]
        if len(heard) < 4:
            return
        levels = 10.0 * np.log10(powers_of(windows_of(b"".join(heard))) + TINY)
        noise = np.quantile(levels, NOISE_QUANTILE, axis=0).astype(np.float32)
        if self._noise_db is not None:
            noise = np.minimum(noise, self._noise_db + NOISE_JUMP_DB)
        self._noise_db = np.maximum(noise, LOWEST_NOISE_DB)

    def _recall_sent(self) -> None:
        self.echo.forget_sent()
        self._wave[1] = 0.0
        self._sent_zeros = WINDOW
        if all(not played or played == SILENCE for played in self._played):
            return
        codes = b"".join((SILENCE, *(played or SILENCE for played in self._played)))
        for power in powers_of(windows_of(codes)):
            self.echo.send(power if power.any() else None)
        self._wave[1] = DECODE[np.frombuffer(codes[-WINDOW:], np.uint8)]
        self._sent_zeros = 0

    # ---- the agent speaks

    def hear(self, frame: Listened) -> None:
        """Take a frame while the agent speaks."""
        self._heard.append(frame.mulaw)
        self._voiced.append(False)
        self._played.append(frame.played)
        self._frames += 1
        is_even = self._frames % 2 == 0  # what changes slowly is followed on every other frame
        self._look(frame.mulaw, frame.played)
        noise_db = self._noise_db
        if noise_db is None or not is_even:
            noise_db = self._follow_noise()
        noise = np.exp2(noise_db * DB_TO_OCTAVES)
        self.echo.hear(self._power, self._db - noise_db, noise, is_even)
        expected = noise + self.echo.power
        over = np.log10(expected)
        over *= -10.0
        over += self._db
        self.over_db = over
        self._sum_up(noise, expected)
        if self.voicing > VOICED and self.level_db > self.expected_db + 8.0 and not self.is_zero:
            self._follow_caller(self.level_db, 0.3)

    def _look(self, mulaw: bytes, played: bytes) -> None:
        wave = self._wave
        self._was_zero = self.is_zero
        self.is_zero = not mulaw or mulaw == SILENCE
        self._zeros = self._zeros + 1 if self.is_zero else 0
        is_heard = self._zeros == 0 or self._zeros > CONCEALED_FRAMES
        if is_heard:  # else the next frame follows on the last one that arrived
            put(wave[0], mulaw)
        self._sent_zeros = self._sent_zeros + FRAME_BYTES if put(wave[1], played) else 0
        is_sent = self._sent_zeros < WINDOW
        windowed = (wave if is_sent else wave[:1]) * HANN
        spectrum = np.fft.rfft(windowed)
        power = spectrum.real**2
        power += spectrum.imag**2
        bands = power.dot(MEL_T)
        self._last_db = self._db
        if is_heard:
            db = np.log10(bands[0] + TINY)
            db *= 10.0
            self._power, self._db = bands[0], db
            self._find_pitch(wave[0], power[0])
        self._sent_level_db = -100.0
        if is_sent:
            self._sent_level_db = 10.0 * math.log10(float(np.add.reduce(bands[1])) + TINY)
        self.echo.send(bands[1] if is_sent else None)

    def _find_pitch(self, wave: NDArray[np.float32], power: NDArray[np.float32]) -> None:
        magnitude = np.sqrt(power[:PITCH_BINS])
        waves = WAVES.dot(magnitude)
        self._pitch = int(waves.argmax())
        total = float(np.add.reduce(magnitude))
        self.voicing = max(0.0, float(waves[self._pitch]) / (total + 1e-6))
        rms = math.sqrt(float(wave.dot(wave)) / WINDOW)
        high, low = float(np.maximum.reduce(wave)), float(np.minimum.reduce(wave))
        self._crest = max(high, -low) / (rms + 1e-5)

    def _follow_noise(self) -> Bands:
        if self._noise_db is None:
            first = FIRST_NOISE_DB if self.is_zero else self._db - MIN_BIAS_DB
            self._noise_db = np.full(BANDS, FIRST_NOISE_DB, np.float32)
            np.maximum(first, self._noise_db, out=self._noise_db)
        if self.is_zero or self._was_zero:
            return self._noise_db
        if self._smooth is None:
            self._smooth = self._power.copy()
        self._smooth += NOISE_SMOOTH * (self._power - self._smooth)
        away = np.log10(self._smooth + TINY)
        away *= 10.0
        away -= self._noise_db
        rise = np.minimum(away, NOISE_UP_DB)
        np.minimum(away, 0.0, out=away)
        away *= NOISE_DOWN
        rise *= self.echo.power < 0.25 * self._smooth  # noise does not learn echo
        np.maximum(away, rise, out=away, where=rise > 0.0)
        away += self._noise_db
        np.maximum(away, LOWEST_NOISE_DB, out=away)
        self._noise_db = away
        return away

    def _sum_up(self, noise: Bands, expected: Bands) -> None:
        self.level_db = 10.0 * math.log10(float(np.add.reduce(self._power)) + TINY)
        noise_sum = float(np.add.reduce(noise)) + TINY
        expected_sum = float(np.add.reduce(expected)) + TINY
        self.noise_level_db = 10.0 * math.log10(noise_sum)
        self.expected_db = 10.0 * math.log10(expected_sum)
        self.echo_level_db = 10.0 * math.log10(max(expected_sum - noise_sum, TINY))
        self.active_share = float(np.count_nonzero(self.over_db > ACTIVE_DB)) / BANDS
        if self.active_share >= ACTIVE_SHARE:
            self.active_frames += 1
            self.quiet_frames = 0
        else:
            self.quiet_frames += 1
            if self.quiet_frames > 2:
                self.active_frames = 0
        expected_rms = FULL_SCALE * math.sqrt(expected_sum) * 2.0
        self.expected_rms = max(expected_rms, 0.93 * self.expected_rms)

    def _follow_caller(self, level_db: float, rate: float) -> None:
        if not self.is_caller_known:
            self.is_caller_known = True
            self.caller_db = level_db
            return
        step = CALLER_QUANTILE if level_db > self.caller_db else CALLER_QUANTILE - 1.0
        self.caller_db += rate * self._caller_step * step
        self._caller_step = max(0.8, 0.95 * self._caller_step)

    # ---- for the network

    def vector(self) -> NDArray[np.float32]:
        """Describe the last frame, shape (FEATURES,), all values roughly -3..3."""
        values = np.empty(FEATURES, np.float32)
        bands = values[: 3 * BANDS].reshape(3, BANDS)
        echo = self.echo
        mean_db = float(np.add.reduce(self._db)) / BANDS
        caller = self._caller_bands_db
        if caller is None:
            caller = FIRST_CALLER_BANDS_DB + np.float32(self.caller_db)
        like_caller = self._db - caller
        np.multiply(self.over_db, 1 / 12, out=bands[0])
        np.multiply(like_caller, 1 / 12, out=bands[1])
        echo_db = np.add(echo.sent_db, echo.gain_db)
        echo_db -= self._noise_db
        np.multiply(echo_db, 1 / 15, out=bands[2])
        np.maximum(bands[2], 0.0, out=bands[2])
        values[3 * BANDS :] = [*self._scalars(mean_db), *self._likeness(like_caller)]
        np.maximum(values, -3.0, out=values)
        np.minimum(values, 3.0, out=values)
        return values

    def _scalars(self, mean_db: float) -> list[float]:
        echo = self.echo
        above = np.maximum(self.over_db, 0.0)
        flux = np.maximum(self._db - self._last_db, 0.0)
        total = float(np.add.reduce(above))
        centre = float(above.dot(_PLACES)) / (total + 1.0)
        level, noise = self.level_db, self.noise_level_db
        sent_then = float(np.maximum.reduce(echo.sent_db))
        return [
            (level - noise) / 15,
            (level - self.caller_db) / 12,
            1.0 if self.is_caller_known else 0.0,
            (level - self.expected_db) / 12,
            max(self.echo_level_db - noise, -10.0) / 15,
            (noise - self.caller_db) / 15 + 1.0,
            3.0 * self.voicing - 1.0,
            self._pitch / 60 - 1.0 if self.voicing > 0.3 else 0.0,
            3.0 * centre - 1.0,
            (level - 13.0 - mean_db) / 6,
            float(np.add.reduce(flux)) / (6 * BANDS),
            2.0 * self.active_share,
            math.log1p(self.active_frames) / 2,
            math.log1p(min(self.quiet_frames, 100)) / 2,
            math.log1p(min(self._frames, 500)) / 3,
            2.0 * echo.similarity,
            2.0 * echo.now,
            max(sent_then - SILENT_DB, -10.0) / 20,
            max(self._sent_level_db - SILENT_DB, -10.0) / 20,
            1.0 if self.is_zero else 0.0,
            1.0 if self._was_zero else 0.0,
            self._crest / 2 - 1.0,
            (self.echo_level_db - self.caller_db) / 15 if self.echo_level_db > -95 else -3.0,
            float(np.add.reduce(echo.steps_db)) / (4 * BANDS),
        ]

    def _likeness(self, like_caller: Bands) -> tuple[float, float]:
        """Share of the bands as loud as the caller, and for how long there were enough."""
        is_like = (like_caller > -CALLER_DB) & (self.over_db > 3.0)
        share = float(np.count_nonzero(is_like)) / BANDS
        if share >= ACTIVE_SHARE:
            self._caller_frames += 1
            self._caller_gap = 0
        else:
            self._caller_gap += 1
            if self._caller_gap > CALLER_GAP_FRAMES:
                self._caller_frames = 0
        return 2.0 * share, math.log1p(self._caller_frames) / 2
