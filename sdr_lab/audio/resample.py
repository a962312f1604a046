"""Changing the sampling rate, by libsoxr."""

from __future__ import annotations

from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.records import Sound

PHONE_HZ = 8000

Quality = Literal["QQ", "LQ", "MQ", "HQ", "VHQ"]


def resample(sound: Sound, rate_hz: int) -> Sound:
    """Convert a whole sound. What lies above the new Nyquist frequency is removed.

    The result has round(n * rate_hz / sound.rate_hz) samples; peaks that overshoot are
    clipped to the int16 range, never wrapped.
    """
    if sound.rate_hz == rate_hz:
        return sound
    wanted = round(len(sound.pcm) * rate_hz / sound.rate_hz)
    out = soxr.resample(sound.pcm.astype(np.float32), sound.rate_hz, rate_hz, quality="HQ")
    return Sound(_fit(_to_int16(out), wanted), rate_hz)


def to_mulaw(sound: Sound) -> bytes:
    """Make a sound ready for the phone: 8 kHz µ-law, peaks clipped to what µ-law can carry.

    The level stays as it is: scaling each sentence by its own peak would make the voice jump.
    """
    return pcm_to_mulaw(resample(sound, PHONE_HZ).pcm)


class StreamResampler:
    """Converts a stream piece by piece without seams.

    The filter looks ahead, so output comes in bursts: with HQ the first samples follow after
    about 100 ms of input, with QQ after 20 ms. The delay does not grow with the number of
    pieces, and the output is aligned with the input: a stream that is ended with `last=True`
    has round(n * out_hz / in_hz) samples.

    Use HQ for whole files, and QQ (which hardly removes what lies above the new Nyquist
    frequency) only to go up in rate live.
    """

    def __init__(self, in_hz: int, out_hz: int, quality: Quality = "HQ") -> None:
        self.in_hz = in_hz
        self.out_hz = out_hz
        self._stream = soxr.ResampleStream(in_hz, out_hz, 1, dtype="float32", quality=quality)
        self._taken = 0
        self._given = 0

    def push(self, pcm: NDArray[np.int16], last: bool = False) -> NDArray[np.int16]:
        """Add samples, shape (n,); return those that are ready, shape (m,), m >= 0.

        With `last` the stream ends and starts anew: everything still in the filter comes out.
        """
        if self.in_hz == self.out_hz:
            return pcm
        out = _to_int16(self._stream.resample_chunk(pcm.astype(np.float32), last=last))
        self._taken += len(pcm)
        if last:
            wanted = round(self._taken * self.out_hz / self.in_hz)
            out = _fit(out, max(0, wanted - self._given))
            self._stream.clear()
            self._taken = self._given = 0
        else:
            self._given += len(out)
        return out


def _to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    # soxr's own int16 output is dithered, so that two runs would differ
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def _fit(pcm: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    return np.pad(pcm[:length], (0, max(0, length - len(pcm))))
