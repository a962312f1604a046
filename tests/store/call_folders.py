"""Call folders as the recorder leaves them."""

import dataclasses
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from sdr_lab.events import AgentStarted, AgentStopped, CallEnded, Event, TurnOver, to_json
from sdr_lab.records import Agent, CallConfig, CallSettings

SAM = Agent(id="sam", name="Sam", version=3, system_prompt="", first_message="Hi")
STARTED = datetime(2025, 11, 24, 10, tzinfo=UTC)
ENDED = CallEnded(at_ms=8000, clock_ms=8040, reason="caller", duration_ms=8000)

TALK: list[Event] = [
    AgentStarted(at_ms=100, clock_ms=140, turn=0),
    AgentStopped(at_ms=900, clock_ms=940, turn=0, text="Hi"),
    TurnOver(at_ms=3000, clock_ms=3040, turn=1, text="book me in", last_voiced_ms=2500,
             pause_ms=500, why="complete"),
    AgentStarted(at_ms=3200, clock_ms=3240, turn=1),
    AgentStopped(at_ms=4000, clock_ms=4040, turn=1, text="Done."),
]  # fmt: skip


def config(name: str = "conv_1", **more) -> CallConfig:
    values = {
        "conversation_id": name,
        "agent": SAM,
        "settings": CallSettings(),
        "stt": "scripted",
        "llm": "scripted",
        "tts": "tone",
        "line": "simulated",
        "caller_number": "+14155552671",
        "variables": {"name": "Ann"},
        "started_at": STARTED.isoformat(),
    }
    return CallConfig(**values | more)


def make_folder(
    calls_dir: Path, name: str = "conv_1", events: tuple[Event, ...] = (*TALK, ENDED), **more
) -> Path:
    """Make a call folder."""
    folder = calls_dir / name
    folder.mkdir(parents=True)
    pid = more.pop("pid", os.getpid())
    call = {**dataclasses.asdict(config(name, **more)), "pid": pid, "sdr_lab_version": "0.1.0"}
    (folder / "call.json").write_text(json.dumps(call))
    (folder / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in events))
    (folder / "audio.wav").write_bytes(b"RIFF" + bytes(1000))
    return folder


def dead_pid() -> int:
    """Return the number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
