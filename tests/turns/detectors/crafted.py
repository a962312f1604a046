"""Crafted sound for tests of detectors: buzzes with a pitch, noise, and their µ-law frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.turns.detectors.base import Listened

RATE_HZ = 8000


def buzz(length_ms: int, pitch_hz: float, level: float, seed: int = 0) -> NDArray[np.float64]:
    """A voice of sorts: harmonics of a gliding pitch in syllables. RMS roughly `level`."""
    rng = np.random.default_rng(seed)
    t = np.arange(length_ms * RATE_HZ // 1000) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 0.9 * t))) / RATE_HZ
    harmonics = [k for k in range(1, 30) if 250 < k * pitch_hz < 3400]
    formants = 0.3 + np.abs(np.sin(np.outer(harmonics, [0.9, 1.7])) @ rng.uniform(0.2, 1, 2))
    sound = np.sum([f * np.cos(k * phase) for f, k in zip(formants, harmonics, strict=True)], 0)
    grid = np.arange(0.0, len(t) / RATE_HZ + 0.2, 0.1)
    syllables = np.interp(t, grid, rng.uniform(0.02, 1, len(grid)))
    sound = sound * syllables
    return sound * level / np.sqrt(np.mean(sound**2))


def hiss(length_ms: int, level: float, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, level, length_ms * RATE_HZ // 1000)


def mulaw_frames(sound: NDArray[np.float64]) -> list[bytes]:
    mulaw = pcm_to_mulaw(np.clip(sound, -32000, 32000).astype(np.int16))
    return [mulaw[at : at + FRAME_BYTES] for at in range(0, len(mulaw), FRAME_BYTES)]


def listened(heard: NDArray[np.float64], played: NDArray[np.float64] | None) -> list[Listened]:
    """Frames of both channels; voiced where they are loud."""
    ours = [b""] * (len(heard) // FRAME_BYTES) if played is None else mulaw_frames(played)
    frames = []
    for index, (caller, agent) in enumerate(zip(mulaw_frames(heard), ours, strict=True)):
        energy = calculate_audio_energy(caller)
        frames.append(Listened(index * FRAME_MS, caller, energy, energy > 300, agent))
    return frames


def delayed(sound: NDArray[np.float64], delay_ms: int, gain_db: float) -> NDArray[np.float64]:
    """The echo of a sound."""
    shift = delay_ms * RATE_HZ // 1000
    return np.concatenate((np.zeros(shift), sound))[: len(sound)] * 10 ** (gain_db / 20)
