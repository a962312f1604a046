"""What detectors cost and how soon they notice: `python eval/bench_vads.py [--json]`.

Every detector hears the same recorded callers in a room with noise, on one core. The cost of a
20 ms frame is given in µs of processor time and as a multiple of what `energy` takes, the RMS of
the frame included: multiples hold on other machines, µs do not. Detectors whose package is not
installed are left out.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from machine import machine

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw, silence
from sdr_lab.audio.energy import calculate_audio_energy, frame_energies
from sdr_lab.audio.frame import cut_frames
from sdr_lab.audio.wav import read_mulaw
from sdr_lab.errors import SdrLabError
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, SignKind
from sdr_lab.turns.detectors.table import DETECTORS, make_detector

CALLERS = sorted((Path(__file__).parent.parent / "datasets" / "callers").glob("*/0*.wav"))
PAUSE_MS = 1500
NOISE_RMS = 120
ROUNDS = 5
LOUD = 500
"""The caller has begun with the first frame above this RMS."""


@dataclass(frozen=True)
class Cost:
    """One detector."""

    name: str
    us_per_frame: float
    times_energy: float
    holds: int
    stops: int
    to_stop_ms: float
    """From a caller's first loud frame, median over the callers that it noticed."""


def sound_of_callers() -> tuple[list[Listened], list[int]]:
    """Return all callers one after the other, and when each begins to be loud."""
    sound, onsets = b"", []
    for path in CALLERS:
        turn = b"".join(read_mulaw(path))
        begin_ms = len(sound) // 8 + PAUSE_MS
        onsets.append(begin_ms + int(np.argmax(frame_energies(turn) > LOUD)) * FRAME_MS)
        sound += silence(PAUSE_MS) + b"".join(cut_frames(turn))
    noise = np.random.default_rng(4).normal(0, NOISE_RMS, len(sound))
    mixed = pcm_to_mulaw(np.clip(mulaw_to_pcm(sound) + noise, -32000, 32000).astype(np.int16))
    energies = frame_energies(mixed).tolist()
    frames = [
        Listened(i * FRAME_MS, mulaw, energy, energy > LOUD, b"")
        for i, (mulaw, energy) in enumerate(zip(cut_frames(mixed), energies, strict=True))
    ]
    return frames, onsets


def measured(name: str, frames: list[Listened], onsets: list[int]) -> tuple[float, list[int], int]:
    """Return µs per frame (the best of some rounds), the waits for a stop, and the holds."""
    settings = InterruptSettings(detector=name)
    best_s, waits, holds = float("inf"), [], 0
    for _ in range(ROUNDS):
        detector = make_detector(settings)
        detector.arm(0, settings)
        begun_s = time.process_time()
        for frame in frames:
            calculate_audio_energy(frame.mulaw)
        signs = [detector.hear(frame) for frame in frames]
        best_s = min(best_s, time.process_time() - begun_s)
        stops = [
            frame.at_ms + FRAME_MS
            for frame, sign in zip(frames, signs, strict=True)
            if sign is not None and sign.kind is SignKind.STOP
        ]
        holds = sum(sign is not None and sign.kind is SignKind.HOLD for sign in signs)
        first = [next((s for s in stops if s >= onset), None) for onset in onsets]
        ends = [*onsets[1:], frames[-1].at_ms]
        waits = [
            stop - onset
            for onset, stop, end in zip(onsets, first, ends, strict=True)
            if stop is not None and stop < end
        ]
    return best_s / len(frames) * 1e6, waits, holds


def bench() -> list[Cost]:
    frames, onsets = sound_of_callers()
    energy_us, _, _ = measured("energy", frames, onsets)
    costs = []
    for name in DETECTORS:
        try:
            us, waits, holds = measured(name, frames, onsets)
        except SdrLabError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
            continue
        wait_ms = median(waits) if waits else float("nan")
        costs.append(Cost(name, us, us / energy_us, holds, len(waits), wait_ms))
    return costs


def main() -> None:
    costs = bench()
    if "--json" in sys.argv:
        print(json.dumps([vars(cost) for cost in costs], indent=2))
        return
    print(machine())
    print(f"{len(CALLERS)} recorded callers, {NOISE_RMS} RMS of noise, one core")
    print(f"{'detector':<12}{'µs/frame':>10}{'× energy':>10}{'noticed':>9}{'onset → stop, ms':>18}")
    for cost in costs:
        print(
            f"{cost.name:<12}{cost.us_per_frame:>10.1f}{cost.times_energy:>10.1f}"
            f"{cost.stops:>9}{cost.to_stop_ms:>18.0f}"
        )


if __name__ == "__main__":
    main()
