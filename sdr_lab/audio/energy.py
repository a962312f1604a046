"""How loud audio is.

Energies are RMS values in int16 units, 0..32124, as the INTERRUPT_MIN_ENERGY setting counts
them; levels are in dB below full scale.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import MULAW_TO_PCM
from sdr_lab.records import FRAME_BYTES, FRAME_MS

FULL_SCALE = 32768
SILENCE_DBFS = -96.0

# float64, because sums of squares up to 2**53 are exact in it and `dot` is fastest there
_PCM = MULAW_TO_PCM.astype(np.float64)
_SQUARES = _PCM**2

_BLOCK_FRAMES = 50_000
"""Frames that `frame_energies` works on at once: 64 MB of float64."""

_ACTIVE_RANGE_DB = 25.0
"""Frames this much below the loudest frame are pauses, not speech."""


def calculate_audio_energy(mulaw_bytes: bytes) -> int:
    """Return the RMS of µ-law audio, 0..32124; 0 when there is none.

    Equals `audioop.rms(audioop.ulaw2lin(x, 2), 2)` of Python 3.11: the square root of the
    mean square, rounded down.
    """
    if not mulaw_bytes:
        return 0
    pcm = _PCM.take(np.frombuffer(mulaw_bytes, np.uint8))
    return int(math.sqrt(pcm.dot(pcm) / len(mulaw_bytes)))


def frame_energies(mulaw: bytes, frame_bytes: int = FRAME_BYTES) -> NDArray[np.int32]:
    """Return `calculate_audio_energy` of each frame, shape (ceil(len / frame_bytes),).

    An incomplete last frame counts by the bytes that it has.
    """
    codes = np.frombuffer(mulaw, np.uint8)
    whole = len(codes) // frame_bytes
    energies = np.empty(-(-len(codes) // frame_bytes), np.int32)
    for start in range(0, whole, _BLOCK_FRAMES):
        end = min(start + _BLOCK_FRAMES, whole)
        block = codes[start * frame_bytes : end * frame_bytes].reshape(-1, frame_bytes)
        energies[start:end] = np.sqrt(_SQUARES.take(block).sum(axis=1) / frame_bytes)
    if whole < len(energies):
        energies[whole] = calculate_audio_energy(codes[whole * frame_bytes :].tobytes())
    return energies


def level_dbfs(pcm: NDArray[np.int16]) -> float:
    """Measure how loud a piece of audio is.

    Args:
        pcm: Samples, shape (n,), n >= 1, int16.

    Returns:
        RMS level in dBFS: 0 for a full-scale square wave, -96 for silence.

    Raises:
        ValueError: `pcm` is empty or has more than one channel.

    Source: 20 log10(rms / full scale); AES17 instead puts a full-scale sine at 0,
    which reads 3 dB higher.

    >>> round(level_dbfs(np.full(160, 16384, np.int16)), 2)
    -6.02
    """
    if pcm.ndim != 1 or not len(pcm):
        raise ValueError(f"pcm must have shape (n,) with n >= 1, not {pcm.shape}")
    return _to_dbfs(float(np.mean(np.square(pcm, dtype=np.float64))))


def active_level_dbfs(pcm: NDArray[np.int16], rate_hz: int) -> float:
    """Measure how loud the speech in a piece of audio is, its pauses left out.

    Like ITU-T P.56, but with a plain rule for what is a pause: a 20 ms frame more than 25 dB
    below the loudest frame.

    Returns:
        Level in dBFS; -96 for silence or for less than one frame.
    """
    size = rate_hz * FRAME_MS // 1000
    whole = len(pcm) // size
    if not whole:
        return SILENCE_DBFS
    frames = pcm[: whole * size].reshape(whole, size)
    powers = np.mean(np.square(frames, dtype=np.float64), axis=1)
    active = powers[powers >= powers.max() / 10 ** (_ACTIVE_RANGE_DB / 10)]
    return _to_dbfs(float(active.mean()))


def _to_dbfs(power: float) -> float:
    if power < 1:
        return SILENCE_DBFS
    return max(SILENCE_DBFS, 10 * math.log10(power / FULL_SCALE**2))
