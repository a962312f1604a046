"""How long a caller waits, with the whole local stack: `python eval/bench_stack.py [--rounds N]`.

Both recorded callers phone the shipped agent on a clean line in real time (Whisper, playbook,
Piper), with SILENCE_THRESHOLD_SEC 0.8 and 0.5. Measured at the caller's ear: his last audible
sample → the agent's first audible one (bars: median 1.0 s and 0.75 s). Turns that cut in or were
cut off are counted apart. Also the resident memory at the end (bar 1.5 GB).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import machine

from sdr_lab.audio.energy import frame_energies
from sdr_lab.lab import Lab
from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.line import SimulatedLine
from sdr_lab.simulate.script import read_script

AUDIBLE_RMS = 200
"""-44 dBFS: below the quietest sound of a spoken word on these recordings."""


@dataclass(frozen=True)
class Waits:
    answers_ms: list[float]
    over_agent_ms: list[float]


def waits(line: SimulatedLine, recording: bytes) -> Waits:
    """Return the caller's waits; `recording` is his channel of `audio.wav`."""
    ours = frame_energies(bytes(line.played)) > AUDIBLE_RMS
    his = frame_energies(recording) > AUDIBLE_RMS
    found = Waits([], [])
    for said in line.caller.spoken:
        first, last = said.start_ms // FRAME_MS, said.end_ms // FRAME_MS
        voiced = np.flatnonzero(his[first:last])
        end = first + int(voiced[-1]) + 1
        after = np.flatnonzero(ours[end:])
        if not len(after):
            continue
        over = bool(ours[first : first + int(voiced[0]) + 1].any())
        rows = found.over_agent_ms if over else found.answers_ms
        rows.append(float(after[0] * FRAME_MS))
    return found


async def one_call(lab: Lab, caller: str) -> Waits:
    """Run one call in real time, models loaded beforehand."""
    from sdr_lab.audio.wav import read_mulaw

    agent = lab.agent()
    chosen = lab.choose(agent)
    search = await lab.ready_knowledge(agent, print)
    parts = lab.parts(agent, chosen, search)
    await lab.warm_up(parts, agent)
    script = read_script(lab.datasets / "callers" / caller)
    line = SimulatedLine(script)
    config = lab.config(agent, chosen, line.kind, script.number)
    result = await lab.call(line, config, parts)
    left = b"".join(read_mulaw(result.folder / "audio.wav", channel=0))
    return waits(line, left)


def measure(home: Path, silence_s: float, rounds: int) -> dict[str, object]:
    """Return the figures of one threshold."""
    lab = Lab.open(
        home,
        stt_provider="whisper",
        llm_provider="playbook",
        tts_provider="piper",
        silence_threshold_sec=silence_s,
    )
    answers: list[float] = []
    over: list[float] = []
    for number in range(rounds):
        found = asyncio.run(one_call(lab, ("dana", "alec")[number % 2]))
        answers += found.answers_ms
        over += found.over_agent_ms
    return {
        "answers": len(answers),
        "median ms": float(np.median(answers)),
        "p95 ms": float(np.percentile(answers, 95)),
        "after cutting in, ms": over,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="calls per threshold")
    rounds = parser.parse_args().rounds
    rows: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as home:
        for silence_s in (0.8, 0.5):
            rows[f"silence threshold {silence_s} s"] = measure(Path(home), silence_s, rounds)
    rows["peak resident memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
