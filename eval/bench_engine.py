"""What the engine itself costs: `python eval/bench_engine.py`.

Scripted providers without delay, so every millisecond is the engine's own:

- turn over → first frame handed to the line, in real time (p95; bar 5 ms);
- processor time of a 20 ms frame, all of it but the detector (bar 40 µs), and the detectors';
- caller's onset → line cleared, by a hold or a stop of the default detector, with recorded speech
  on a clean line (median; bar 250 ms);
- decision → `clear` handed over, in real time (p95; bar 40 ms).
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import machine

from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.frame import cut_frames
from sdr_lab.events import AgentStarted, LineCleared, TurnOver
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import FRAME_MS, CallSettings, InterruptSettings
from sdr_lab.simulate.caller import Caller, speech_like
from sdr_lab.simulate.rehearsal import Rehearsal, Scene, rehearse, rehearse_all, run_scene
from sdr_lab.simulate.script import recording
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.table import make_detector

CALLERS = Path(__file__).parent.parent / "datasets" / "callers"
ENERGY = InterruptSettings(detector="energy")
COUNTS = InterruptSettings(detector="sdr_lab.turns.detectors.scripted:VoicedDetector")
"""Holds and stops on the stand-in for speech, which a real detector does not take for a voice."""
ANSWER = "It is one hundred and twenty nine dollars a month for everyone in the team. " * 3


def talkative(turns: int) -> Caller:
    """A caller with turns of two seconds."""
    caller = Caller()
    for number in range(turns):
        caller.says(f"And what about number {number}?", lasts=2.0)
    return caller


def answers() -> ScriptedModel:
    return ScriptedModel(lambda prompt: "It is forty nine dollars a month.")


def reply_overheads_ms(done: Rehearsal) -> list[float]:
    """Return TURN_OVER → first audio handed to the line, per turn."""
    over = {event.turn: event.clock_ms for event in done.all(TurnOver)}
    started = {event.turn: event.clock_ms for event in done.all(AgentStarted)}
    return [started[turn] - over[turn] for turn in over if turn in started]


def frame_cost_us(calls_dir: Path) -> tuple[float, float]:
    """Return µs of processor time per frame: the whole rehearsal, and an empty line's share.

    A rehearsal also runs the simulated line and caller; their share is measured by running the
    line alone and taken off.
    """
    calls = [(talkative(12), answers()) for _ in range(10)]
    begun = time.process_time()
    done = rehearse_all(calls, calls_dir, Scene(settings=CallSettings(interrupt=ENERGY)))
    spent = time.process_time() - begun
    frames = sum(rehearsal.outcome.duration_ms // FRAME_MS for rehearsal in done)
    return spent / frames * 1e6, line_cost_us()


def line_cost_us() -> float:
    """Return µs of processor time that the simulated line and caller need per frame."""
    from sdr_lab.simulate.clock import run_virtually
    from sdr_lab.simulate.line import SimulatedLine

    async def listen() -> int:
        line = SimulatedLine(Caller().hangs_up(at=120))
        await line.play(speech_like(60))
        return sum([1 async for _ in line.frames()])

    begun = time.process_time()
    frames = run_virtually(listen())
    return (time.process_time() - begun) / frames * 1e6


def detector_cost_us(settings: InterruptSettings) -> float:
    """Return µs per frame of the energy and a detector, while the agent speaks."""
    frames = cut_frames(speech_like(60))
    detector = make_detector(settings)
    detector.arm(0, settings)
    begun = time.process_time()
    for index, frame in enumerate(frames):
        detector.hear(Listened(index * 20, frame, calculate_audio_energy(frame), True))
    return (time.process_time() - begun) / len(frames) * 1e6


def barge_ins(calls_dir: Path) -> list[float]:
    """Return caller's first audible sample → line cleared (by a hold or a stop), for recorded
    speech (ms)."""
    found = []
    for number, path in enumerate(sorted(CALLERS.glob("*/*.wav"))):
        sound = recording(path)
        assert isinstance(sound, bytes)
        caller = Caller().says("Tell me all of it.", lasts=1.5)
        caller.cuts_in("Wait.", into=1.0 + number % 7 * 0.13, sound=sound)
        done = rehearse(
            caller, ScriptedModel([ANSWER, "Yes?"]), calls_dir / path.stem / str(number)
        )
        if not done.all(LineCleared):
            found.append(float("inf"))
            continue
        spoken = done.line.caller.spoken[1]
        onset_ms = spoken.start_ms + first_audible_ms(sound)
        after = [event.at_ms for event in done.all(LineCleared) if event.at_ms > onset_ms]
        found.append(after[0] - onset_ms if after else float("inf"))
    return found


def first_audible_ms(mulaw: bytes) -> int:
    """Return the start of the first frame above -40 dBFS."""
    for index, frame in enumerate(cut_frames(mulaw)):
        if calculate_audio_energy(frame) > 328:
            return index * FRAME_MS
    return 0


async def in_real_time(calls_dir: Path) -> tuple[list[float], list[float]]:
    """Return reply overheads and decision → clear, on the real clock (ms)."""
    caller = talkative(8)
    for number in range(6):
        caller.says("Tell me all of it.", lasts=0.6)
        caller.cuts_in(f"Wait, {number}.", into=0.6, lasts=0.6)
    model = ScriptedModel(
        lambda prompt: ANSWER if "Tell me" in prompt.words else "It is forty nine dollars."
    )
    scene = Scene(settings=CallSettings(interrupt=COUNTS))
    done = await run_scene("conv_real", caller, model, calls_dir, scene)
    clears = done.all(LineCleared)
    # the frame that decided was due at its stream time; what follows is ours
    offset = min(event.clock_ms - event.at_ms for event in done.events)
    return (
        reply_overheads_ms(done),
        [cleared.clock_ms - cleared.at_ms - offset for cleared in clears],
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        whole_us, line_us = frame_cost_us(root / "cpu")
        energy_us = detector_cost_us(ENERGY)
        default_us = detector_cost_us(InterruptSettings())
        cleared = barge_ins(root / "cut")
        overhead, clear = asyncio.run(in_real_time(root / "real"))
    rows = {
        "machine": machine(),
        "turn over to first frame, p95 ms (bar 5)": round(float(np.percentile(overhead, 95)), 2),
        "engine per frame, us (bar 40)": round(whole_us - line_us - energy_us, 1),
        "`energy` per frame, us (bar 10)": round(energy_us, 2),
        "default detector per frame, agent speaking, us (bar 100)": round(default_us, 2),
        "simulated line and caller per frame, us": round(line_us, 1),
        "onset to cleared, median ms (bar 250)": float(np.median(cleared)),
        "onset to cleared, p95 ms": float(np.percentile(cleared, 95)),
        "barge-ins": len(cleared),
        "decision to clear, p95 ms (bar 40)": round(float(np.percentile(clear, 95)), 2),
    }
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    sys.exit(main())
