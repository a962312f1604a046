"""What a frame of 20 ms costs each detector, while the agent speaks and while it is silent.

    python eval/bench_detectors.py [--detectors energy,echo_gate,hybrid] [--json]

One core, streaming, a crafted call with echo and a caller. The best of several runs counts: the
others measure what else the machine was doing.
"""

from __future__ import annotations

import argparse
import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from machine import machine

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.records import FRAME_BYTES, FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.table import make_detector

LENGTH_S = 30
RUNS = 12
LIMITS_US = {"energy": 10.0, "hybrid": 100.0}
"""The bars, µs a frame while the agent speaks."""


def crafted_call() -> list[Listened]:
    """Return 30 s: both speak in turns and at once; our echo comes back after 180 ms."""
    rng = np.random.default_rng(5)
    t = np.arange(LENGTH_S * 8000) / 8000
    buzz = sum(np.cos(2 * np.pi * 120 * k * t + k) for k in range(3, 25))
    ours = buzz * 250 * (np.sin(2 * np.pi * 1.7 * t) > -0.4)
    caller = rng.normal(0, 800, len(t)) * (np.sin(2 * np.pi * 0.3 * t) > 0.3)
    echo = np.concatenate((np.zeros(1440), ours))[: len(t)] * 0.1
    heard = caller + echo + rng.normal(0, 20, len(t))
    sides = [pcm_to_mulaw(np.clip(x, -32000, 32000).astype(np.int16)) for x in (heard, ours)]
    frames = []
    for at in range(0, len(sides[0]), FRAME_BYTES):
        ours_mulaw, mulaw = sides[1][at : at + FRAME_BYTES], sides[0][at : at + FRAME_BYTES]
        energy = calculate_audio_energy(mulaw)
        at_ms = at // FRAME_BYTES * FRAME_MS
        frames.append(Listened(at_ms, mulaw, energy, energy > 400, ours_mulaw))
    return frames


def cost_us(name: str, frames: list[Listened], is_armed: bool) -> float:
    """Return the µs of one frame."""
    settings = InterruptSettings(detector=name)
    best = float("inf")
    for _ in range(RUNS):
        detector = make_detector(settings)
        if is_armed:
            detector.arm(0, settings)
        start = time.perf_counter()
        for frame in frames:
            detector.hear(frame)
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / len(frames)


def main() -> None:
    parser = argparse.ArgumentParser(description="µs per frame of each detector")
    parser.add_argument("--detectors", default="energy,echo_gate,hybrid")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    frames = crafted_call()
    names = options.detectors.split(",")
    found = {
        name: {"armed_us": cost_us(name, frames, True), "idle_us": cost_us(name, frames, False)}
        for name in names
    }
    if options.json:
        print(json.dumps({"machine": machine(), "detectors": found}))
        return
    first = found[names[0]]["armed_us"]
    print(machine())
    print(f"{'detector':12} {'speaking':>10} {'ratio':>7} {'silent':>10}")
    for name, costs in found.items():
        bar = f"  bar {LIMITS_US[name]:.0f} µs" if name in LIMITS_US else ""
        armed, idle = costs["armed_us"], costs["idle_us"]
        print(f"{name:12} {armed:7.1f} µs {armed / first:6.1f}x {idle:7.2f} µs{bar}")


if __name__ == "__main__":
    main()
