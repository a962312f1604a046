"""Short spectra of µ-law frames in bands, for `features.py`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import MULAW_TO_PCM
from sdr_lab.records import FRAME_BYTES

Bands = NDArray[np.float32]
"""Shape (BANDS,)."""

WINDOW = 256
"""Samples per spectrum: 32 ms, two pitch periods of a deep voice."""
KEPT = WINDOW - FRAME_BYTES
"""Samples of the frame before that a spectrum takes in."""
DB_TO_OCTAVES = 0.33219281
BANDS = 20
LOWEST_HZ, HIGHEST_HZ = 200.0, 3800.0
"""What a telephone carries."""
RATE_HZ = 8000
FULL_SCALE = 32768.0
SILENCE = b"\xff" * FRAME_BYTES
TINY = 1e-10
"""-100 dBFS: below the smallest step of µ-law."""
PITCH_LAGS = (20, 116)
"""400 to 70 Hz."""
PITCH_HIGHEST_HZ = 1500.0


def _mel_bands() -> NDArray[np.float32]:
    """Triangles that sum to 1 between the outer centres, shape (BANDS, WINDOW // 2 + 1)."""
    lowest, highest = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700.0 * (10.0 ** (np.linspace(lowest, highest, BANDS + 2) / 2595.0) - 1.0)
    hz = np.arange(WINDOW // 2 + 1) * RATE_HZ / WINDOW
    rows = [
        np.minimum(
            (hz - edges[band]) / (edges[band + 1] - edges[band]),
            (edges[band + 2] - hz) / (edges[band + 2] - edges[band + 1]),
        )
        for band in range(BANDS)
    ]
    window = np.hanning(WINDOW + 1)[:-1]
    scale = 2.0 / (WINDOW * np.sum(window**2))  # sums to the mean square of the frame
    return (np.maximum(rows, 0.0) * scale).astype(np.float32)


def _pitch_waves() -> NDArray[np.float32]:
    """Rows that turn a magnitude spectrum into its autocorrelation at the lags of pitch."""
    count = int(PITCH_HIGHEST_HZ * WINDOW / RATE_HZ) + 1
    turns = np.outer(np.arange(*PITCH_LAGS), np.arange(count)) / WINDOW
    return np.cos(2.0 * np.pi * turns).astype(np.float32)


DECODE = (MULAW_TO_PCM / FULL_SCALE).astype(np.float32)
HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
MEL_T = np.ascontiguousarray(_mel_bands().T)
"""Shape (WINDOW // 2 + 1, BANDS)."""
WAVES = _pitch_waves()
PITCH_BINS = WAVES.shape[1]


def put(wave: NDArray[np.float32], mulaw: bytes) -> bool:
    """Move a window, shape (WINDOW,), on by a frame; return whether that is digital silence."""
    wave[:KEPT] = wave[FRAME_BYTES:]
    if not mulaw or mulaw == SILENCE:
        wave[KEPT:] = 0.0
        return True
    if len(mulaw) != FRAME_BYTES:
        mulaw = mulaw[:FRAME_BYTES].ljust(FRAME_BYTES, b"\xff")
    wave[KEPT:] = DECODE.take(np.frombuffer(mulaw, np.uint8))
    return False


def windows_of(mulaw: bytes) -> NDArray[np.float32]:
    """Cut whole frames into what `_look` sees of them from the second one on."""
    wave = DECODE[np.frombuffer(mulaw, np.uint8)].reshape(-1, FRAME_BYTES)
    return np.hstack((wave[:-1, -KEPT:], wave[1:])) * HANN


def powers_of(windows: NDArray[np.float32]) -> Bands:
    spectrum = np.fft.rfft(windows, axis=1)
    return (spectrum.real**2 + spectrum.imag**2).dot(MEL_T)
