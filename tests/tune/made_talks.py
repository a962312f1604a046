"""Calls recorded by the real engine on a virtual clock, and logs written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallerStopped,
    Event,
    Held,
    Resumed,
    SentenceReady,
    WordsHeard,
    to_json,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import Scene, rehearse
from tests.tune.made_calls import channels, voiced, write_wav

LONG = "I would like to tell you about our new plan today and about all that it can do for you."
ENERGY = InterruptSettings(detector="energy")
SETTINGS = replace(
    CallSettings(), endpoint=EndpointSettings(mode="fixed", silence_ms=500), interrupt=ENERGY
)


def talk(calls_dir: Path, said: str, lasts: float | None = None) -> Path:
    """Record a call in which the caller says something one second into the agent's answer."""
    caller = Caller().says("Tell me more.").cuts_in(said, into=1.0, lasts=lasts).says("Bye.")
    model = ScriptedModel([LONG, "Yes?", "Goodbye."])
    return rehearse(caller, model, calls_dir, Scene(settings=SETTINGS)).folder


def held_talk(calls_dir: Path) -> Path:
    """Record a call in which a hum of 200 ms holds the agent, who then goes on."""
    settings = replace(SETTINGS, interrupt=InterruptSettings(detector="echo_gate"))
    caller = (
        Caller()
        .says("Tell me more.", sound=voiced(1.0))
        .cuts_in("", into=1.0, sound=voiced(0.2))
        .says("Bye.", sound=voiced(0.5))
    )
    model = ScriptedModel([LONG, "Yes?", "Goodbye."])
    return rehearse(caller, model, calls_dir, Scene(settings=settings)).folder


def logged(calls_dir: Path, *events: Event, name: str = "conv_1") -> Path:
    """Write a call of twelve seconds: the agent says `LONG` from 1 to 11 s, and more happens."""
    folder = calls_dir / name
    write_wav(folder / "audio.wav", *channels(()))
    frame: list[Event] = [
        SentenceReady(at_ms=900, clock_ms=900, turn=1, index=0, text=LONG),
        AgentStarted(at_ms=1000, clock_ms=1000, turn=1),
        AgentStopped(at_ms=11_000, clock_ms=11_000, turn=1, text=LONG),
        CallEnded(at_ms=12_000, clock_ms=12_000, reason="caller", duration_ms=12_000),
    ]
    rows = sorted([*frame, *events], key=lambda event: event.at_ms)
    (folder / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in rows))
    (folder / "call.json").write_text(json.dumps({"settings": {"interrupt": {}}}))
    return folder


def held(at_ms: int = 4200, onset_ms: int = 4000) -> Held:
    return Held(at_ms=at_ms, clock_ms=at_ms, turn=1, heard="", onset_ms=onset_ms, detector="x")


def resumed(at_ms: int = 5000, why: str = "expired") -> Resumed:
    return Resumed(at_ms=at_ms, clock_ms=at_ms, turn=1, why=why, held_ms=800, repeated_ms=100)


def words(text: str, start_ms: int = 4000, end_ms: int = 5200) -> WordsHeard:
    return WordsHeard(
        at_ms=end_ms, clock_ms=end_ms, text=text, is_final=True, start_ms=start_ms,
        end_ms=end_ms, confidence=1,
    )  # fmt: skip


def stopped(last_voiced_ms: int = 4900) -> CallerStopped:
    at_ms = last_voiced_ms + 160
    return CallerStopped(at_ms=at_ms, clock_ms=at_ms, last_voiced_ms=last_voiced_ms)
