"""How long the decisions of a recorded call take again: `python eval/bench_replay.py [--json]`.

A call of ten minutes on a noisy line, with 30 interruptions, is recorded on the virtual clock and
replayed with other thresholds (bar 0.5 s with `energy`), reading the folder included.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from machine import machine

from sdr_lab.audio.wav import read_info
from sdr_lab.errors import SdrLabError
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings
from sdr_lab.replay.decisions import replay_decisions
from sdr_lab.replay.frozen import frozen_settings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import CONDITIONS
from sdr_lab.simulate.rehearsal import Scene, rehearse

MINUTES = 10
BAR_S = 0.5
ROUNDS = 3
NAMES = ("energy", "echo_gate", "hybrid", "webrtc", "silero")
ANSWER = "It is one hundred and twenty nine dollars a month for everyone in the team. " * 3


def record(calls_dir: Path) -> Path:
    """Make the call and return its folder."""
    caller = Caller()
    for number in range(30):
        caller.says(f"And what about number {number}?", lasts=2.0)
        caller.cuts_in("Wait, stop.", into=3.0, lasts=1.0)
        caller.says("Go on.", at=20.0 * number + 15, lasts=0.5)
    caller.hangs_up(at=60 * MINUTES)
    settings = CallSettings(silence_prompts=100)
    scene = Scene(condition=CONDITIONS["noisy"], settings=settings)
    return rehearse(caller, ScriptedModel(lambda prompt: ANSWER), calls_dir, scene).folder


def seconds(folder: Path, name: str) -> float:
    """Return how long a replay takes, the median of some."""
    frozen = frozen_settings(folder)
    settings = replace(frozen, interrupt=replace(frozen.interrupt, detector=name, min_energy=1500))
    spent_s = []
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        replay_decisions(folder, settings)
        spent_s.append(time.perf_counter() - begun_s)
    return median(spent_s)


def main() -> int:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as calls_dir:
        folder = record(Path(calls_dir))
        length_s = read_info(folder / "audio.wav").duration_ms / 1000
        for name in NAMES:
            try:
                figures[name] = seconds(folder, name)
            except SdrLabError as error:
                print(f"{name}: left out: {error}", file=sys.stderr)
    is_met = figures["energy"] <= BAR_S
    if "--json" in sys.argv:
        print(json.dumps({"call_s": length_s, "replay_s": figures}, indent=2))
    else:
        print(machine())
        print(f"a call of {length_s:.0f} s replayed through other thresholds:")
        for name, spent_s in figures.items():
            print(f"  {name:<10}{spent_s:8.2f} s {length_s / spent_s:8.0f} × real time")
        print(f"bar: energy ≤ {BAR_S} s: {'met' if is_met else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
