"""Between 8 and 16 kHz, live: any pieces in, their sound out at once.

A half-band filter of 63 taps: flat to 3.4 kHz, -60 dB from 4.6 kHz on, 2 ms late. libsoxr's filters
are steeper, but in a stream of short pieces their first sound comes 60 to 120 ms late.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

TAPS = 63
KAISER_BETA = 6.0

DELAY_SAMPLES = (TAPS - 1) // 2
"""At 16 kHz, of either direction."""


@cache
def half_band() -> NDArray[np.float32]:
    """Return the filter: a windowed sinc that passes what lies below 4 of 8 kHz; sum 1."""
    n = np.arange(TAPS) - DELAY_SAMPLES
    taps = 0.5 * np.sinc(n / 2) * np.kaiser(TAPS, KAISER_BETA)
    return (taps / taps.sum()).astype(np.float32)


class Halver:
    """16 kHz to 8 kHz. What lies above 4 kHz is removed."""

    def __init__(self) -> None:
        self._past = np.zeros(TAPS - 1, np.float32)
        self._skip = 0
        """0 or 1: which of the next samples is kept."""

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the samples, shape (n // 2,) or one more, for `pcm`, shape (n,), int16."""
        joined = np.concatenate([self._past, pcm.astype(np.float32)])
        self._past = joined[len(joined) - (TAPS - 1) :]
        if not len(pcm):
            return np.empty(0, np.int16)
        filtered = np.convolve(joined, half_band(), mode="valid")
        kept = filtered[self._skip :: 2]
        self._skip = (self._skip + len(pcm)) % 2
        return _to_int16(kept)


class Doubler:
    """8 kHz to 16 kHz, without the mirror images above 4 kHz."""

    def __init__(self) -> None:
        self._past = np.zeros(TAPS - 1, np.float32)

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the samples, shape (2 * n,), for `pcm`, shape (n,), int16."""
        if not len(pcm):
            return np.empty(0, np.int16)
        spread = np.zeros(2 * len(pcm), np.float32)
        spread[::2] = pcm
        joined = np.concatenate([self._past, spread])
        self._past = joined[len(joined) - (TAPS - 1) :]
        return _to_int16(2 * np.convolve(joined, half_band(), mode="valid"))


def _to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
