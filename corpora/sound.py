"""Sounds at 8 kHz as float32: reading, trimming, levels, and the telephone's wire formats."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

RATE_HZ = 8000
Pcm: TypeAlias = NDArray[np.floating]
"""Samples at 8 kHz, full scale 1.0."""

REFERENCE = 0.1
"""Active level that every clip of a bank is set to (-20 dBFS)."""


def read(path: Path | io.BytesIO, *, raw_rate_hz: int = 0) -> Pcm:
    """Read a sound file as mono at 8 kHz.

    Args:
        path: Whatever libsndfile reads; `.gsm` is headerless GSM 06.10.
        raw_rate_hz: Rate of headerless 16-bit samples, 0 for a file with a header.
    """
    if isinstance(path, Path) and path.suffix == ".gsm":
        pcm, rate = sf.read(path, format="RAW", subtype="GSM610", samplerate=8000, channels=1)
    elif raw_rate_hz:
        pcm, rate = sf.read(
            path, format="RAW", subtype="PCM_16", samplerate=raw_rate_hz, channels=1
        )
    else:
        pcm, rate = sf.read(path, dtype="float32")
    if pcm.ndim > 1:
        pcm = pcm.mean(axis=1)
    return at_8k(np.asarray(pcm, np.float32), rate)


def at_8k(pcm: Pcm, rate_hz: float) -> Pcm:
    """Resample to 8 kHz. A rate that isn't the true one shifts pitch, formants and tempo."""
    if rate_hz == RATE_HZ or len(pcm) == 0:
        return pcm.astype(np.float32)
    return soxr.resample(pcm, rate_hz, RATE_HZ).astype(np.float32)


def warp(pcm: Pcm, factor: float) -> Pcm:
    """Play faster by `factor`: pitch and formants move with it, as for another body size."""
    return at_8k(pcm, RATE_HZ * factor)


def frames_db(pcm: Pcm, size: int = 80) -> NDArray[np.float32]:
    """Level of each frame of `size` samples in dBFS, floor -100."""
    count = len(pcm) // size
    power = (pcm[: count * size].reshape(count, size) ** 2).mean(axis=1)
    return 10 * np.log10(power + 1e-10)


def trim(pcm: Pcm, below_db: float = 32.0) -> Pcm:
    """Cut to the frames within `below_db` of the loud ones. Lone 10-ms frames don't count."""
    levels = frames_db(pcm)
    if len(levels) < 4:
        return pcm[:0]
    active = levels > np.percentile(levels, 96) - below_db
    active &= np.convolve(active, [1, 1, 1], "same") >= 2
    where = np.flatnonzero(active)
    return pcm[where[0] * 80 : (where[-1] + 1) * 80] if len(where) > 2 else pcm[:0]


def active_rms(pcm: Pcm) -> float:
    """Root mean square over the 20-ms frames within 20 dB of the loudest one."""
    levels = frames_db(pcm, 160)
    if len(levels) == 0:
        return float(np.sqrt((pcm**2).mean() + 1e-12)) if len(pcm) else 1e-6
    active = levels[levels > levels.max() - 20]
    return float(np.sqrt((10 ** (active / 10)).mean()))


def normal(pcm: Pcm) -> Pcm:
    """Set the active level to `REFERENCE`."""
    return (pcm * (REFERENCE / active_rms(pcm))).astype(np.float32)


def longest_gap_s(pcm: Pcm) -> float:
    """The longest pause inside, s."""
    levels = frames_db(pcm)
    quiet = levels < np.percentile(levels, 95) - 30 if len(levels) else levels
    longest = run = 0
    for is_quiet in quiet:
        run = run + 1 if is_quiet else 0
        longest = max(longest, run)
    return longest / 100


def fade(pcm: Pcm, in_ms: float = 4, out_ms: float = 12) -> Pcm:
    """Fade both ends; the sound keeps its length."""
    out = pcm.copy()
    first, last = (min(len(out), int(ms * 8)) for ms in (in_ms, out_ms))
    out[:first] *= np.linspace(0, 1, first, dtype=np.float32)
    if last:
        out[len(out) - last :] *= np.linspace(1, 0, last, dtype=np.float32)
    return out


def band(pcm: Pcm, low_hz: float, high_hz: float, order: int = 2) -> Pcm:
    """Band-pass (Butterworth)."""
    sos = butter(order, [low_hz, min(high_hz, 3990)], "band", fs=RATE_HZ, output="sos")
    return np.asarray(sosfilt(sos, pcm), np.float32)


def equalised(pcm: Pcm, seed: int) -> Pcm:
    """Tilt the spectrum as a speaker's own telephone would; the same seed, the same telephone."""
    rng = np.random.default_rng([seed, 77])
    out = pcm
    for _ in range(2):
        low = float(np.exp(rng.uniform(np.log(150), np.log(1800))))
        sos = butter(1, [low, min(3900, low * 2.2)], "band", fs=RATE_HZ, output="sos")
        out = out + rng.uniform(-0.45, 1.0) * np.asarray(sosfilt(sos, out))
    return out.astype(np.float32)


def through(pcm: Pcm, container: str, subtype: str) -> Pcm:
    """Encode and decode with a codec of libsndfile: GSM610, ALAW, IMA_ADPCM, G721_32."""
    wire = io.BytesIO()
    sf.write(wire, np.clip(pcm, -0.999, 0.999), RATE_HZ, format=container, subtype=subtype)
    wire.seek(0)
    out = sf.read(wire, dtype="float32")[0][: len(pcm)]
    return np.pad(out, (0, len(pcm) - len(out))).astype(np.float32)


def ulaw(pcm: Pcm) -> NDArray[np.uint8]:
    """Encode as G.711 µ-law. Digital silence is 0xFF."""
    wire = io.BytesIO()
    sf.write(wire, np.clip(pcm, -1, 1), RATE_HZ, format="RAW", subtype="ULAW")
    return np.frombuffer(wire.getvalue(), np.uint8).copy()


def linear(wire: NDArray[np.uint8]) -> Pcm:
    """Decode µ-law."""
    pcm, _ = sf.read(
        io.BytesIO(wire.tobytes()),
        format="RAW",
        subtype="ULAW",
        samplerate=RATE_HZ,
        channels=1,
        dtype="float32",
    )
    return np.asarray(pcm, np.float32)


def write_stereo(path: Path, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> None:
    """Write a µ-law WAV of two channels, whole or not at all."""
    data = np.stack([left, right], axis=1).tobytes()
    form = struct.pack("<HHIIHHH", 7, 2, RATE_HZ, RATE_HZ * 2, 2, 8, 0)
    chunks = ((b"fmt ", form), (b"fact", struct.pack("<I", len(left))), (b"data", data))
    body = b"WAVE" + b"".join(
        name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2)
        for name, part in chunks
    )
    draft = path.with_suffix(".part")
    draft.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    os.replace(draft, path)
