"""What a sweep costs: `python eval/bench_sweep.py [--jobs N] [--corpus DIR]`.

- 1,000 settings of `energy` over one hour of two-channel audio, energies included (bar 5 s on two
  cores), and 200 thresholds of `hybrid` over one hour, features included (bar 30 s);
- the same over half an hour, which must take about half as long;
- the most memory that any process used, over both.

Times are of the whole of `sweep`: reading, deciding, counting, choosing and cross-validation, and
the start of the processes. Without --corpus the calls are synthetic: speech-like noise over
breaks of the agent, a distractor or an interruption per sentence, at levels from 300 to 4000.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from machine import machine

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.records import InterruptSettings
from sdr_lab.simulate.caller import speech_like
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.sweep import sweep
from sdr_lab.tune.sweep_space import random_space

CALL_S = 60
MADE = 20
"""Different calls; an hour repeats them."""
SECONDS = {"interruption": 1.5, "backchannel": 0.3, "noise": 0.25}
BARS = {"energy": (1000, 5.0), "hybrid": (200, 30.0)}
"""Settings, and seconds for an hour."""


def make_call(path: Path, seed: int) -> dict[str, object]:
    """Write one call; return its entry in truth.json."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(0, chance.uniform(10, 150), CALL_S * 8000).astype(np.int16)
    caller = np.frombuffer(pcm_to_mulaw(noise), np.uint8).copy()
    heard = np.full(CALL_S * 8000, 0xFF, np.uint8)
    agent, events = [], []
    at_s = 1.0
    while at_s < CALL_S - 9:
        lasts_s = chance.uniform(4, 7)
        put(heard, at_s, speech_like(lasts_s, int(chance.integers(1_000_000)), 4000))
        agent.append([round(at_s, 3), round(at_s + lasts_s, 3)])
        kind = str(chance.choice([*SECONDS]))
        onset_s, level = at_s + chance.uniform(0.5, 2.5), chance.uniform(300, 4000)
        put(caller, onset_s, speech_like(SECONDS[kind], int(chance.integers(1_000_000)), level))
        offset_s = round(onset_s + SECONDS[kind], 3)
        events.append({"type": kind, "onset_s": round(onset_s, 3), "offset_s": offset_s})
        at_s += lasts_s + chance.uniform(0.3, 2)
    with MulawWavWriter(path) as wav:
        wav.write(caller.tobytes(), heard.tobytes())
    return {"id": path.stem, "agent": agent, "events": events, "tags": {"noise": "white"}}


def put(channel: np.ndarray, at_s: float, sound: bytes) -> None:
    start = round(at_s * 8000)
    channel[start : start + len(sound)] = np.frombuffer(sound, np.uint8)


def made_corpus(folder: Path) -> list[LabelledCall]:
    (folder / "calls").mkdir()
    rows = [make_call(folder / "calls" / f"call{i:02}.wav", i) for i in range(MADE)]
    (folder / "truth.json").write_text(json.dumps(rows))
    return open_corpus(folder)


def hours_of(calls: list[LabelledCall], hours: float) -> list[LabelledCall]:
    """Repeat calls, under other names, until there is so much audio."""
    count = round(hours * 3_600_000 * len(calls) / sum(call.duration_ms for call in calls))
    return [
        replace(call, id=f"{call.id}-{i}") for i, call in enumerate(islice(cycle(calls), count))
    ]


def most_mb() -> float:
    """Return the most memory that this process or one of its children has used, MB."""
    people = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return max(resource.getrusage(who).ru_maxrss for who in people) / unit


def measure(calls: list[LabelledCall], detector: str, jobs: int) -> bool:
    """Print the figures of one detector; return whether it keeps its bar."""
    count, bar_s = BARS[detector]
    space = random_space(InterruptSettings(detector=detector), count)
    took_s = {}
    for hours in (0.5, 1.0):
        some = hours_of(calls, hours)
        cpu_s, start_s = cpu_seconds(), time.perf_counter()
        sweep(some, space, jobs=jobs)
        took_s[hours] = time.perf_counter() - start_s
        audio_h = sum(call.duration_ms for call in some) / 3_600_000
        print(
            f"{detector}: {count} settings, {audio_h:.2f} h in {len(some)} calls, {jobs} jobs: "
            f"{took_s[hours]:.1f} s (processor time {cpu_seconds() - cpu_s:.1f} s), "
            f"most memory of a process {most_mb():.0f} MB"
        )
    is_kept = took_s[1.0] <= bar_s
    ratio = took_s[1.0] / took_s[0.5]
    print(f"  bar {bar_s:.0f} s: {'kept' if is_kept else 'MISSED'}; twice the audio × {ratio:.2f}")
    return is_kept


def cpu_seconds() -> float:
    """Return the processor time of this process and its children that have ended."""
    people = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(who) for who in people]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--corpus", type=Path, help="labelled calls instead of synthetic ones")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--detector", choices=[*BARS], action="append")
    chosen = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        calls = open_corpus(chosen.corpus) if chosen.corpus else made_corpus(Path(folder))
        kept = [measure(calls, name, chosen.jobs) for name in chosen.detector or BARS]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
