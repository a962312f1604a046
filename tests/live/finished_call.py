"""A call that is over, as a folder: a greeting, a question, an interruption, a booking."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallStarted,
    Event,
    FirstToken,
    IntentFound,
    Interrupted,
    PassagesFound,
    ReplyBegun,
    SentenceReady,
    SpeechReady,
    ToolFinished,
    ToolStarted,
    TurnOver,
    to_json,
)
from sdr_lab.records import Agent, CallConfig, CallSettings

STARTED = datetime(2026, 11, 24, 10, tzinfo=UTC)

JOE = Agent(
    id="joe",
    name="Joe",
    version=1,
    system_prompt="You sell dispatch software.",
    first_message="Hi, this is Joe.",
    evaluation={"booked": "A demo was booked.", "polite": "The agent was polite."},
    data_collection={
        "email": {"type": "string", "description": "The caller's e-mail address."},
        "start": {"type": "string", "description": "The appointment start time."},
        "team_size": {"type": "integer", "description": "How many people work there."},
    },
)

SLOT = "2026-12-01T10:00:00-06:00"


def at(ms: int) -> dict[str, Any]:
    return {"at_ms": ms, "clock_ms": float(ms + 40)}


TALK: tuple[Event, ...] = (
    CallStarted(
        **at(0), conversation_id="conv_1", agent="joe", agent_version=1, line="twilio",
        stt="scripted", llm="playbook", tts="tone",
    ),
    AgentStarted(**at(100), turn=0),
    AgentStopped(**at(1900), turn=0, text="Hi, this is Joe."),
    TurnOver(
        **at(4000), turn=1, text="How much is the starter plan?", last_voiced_ms=3500,
        pause_ms=500, why="complete",
    ),
    IntentFound(**at(4000), turn=1, intent="QUESTION", confidence=0.9),
    PassagesFound(
        **at(4010), turn=1, query="How much is the starter plan?", took_ms=8.0,
        passages=[{"id": "p1", "source": "prices.md", "score": 0.75, "text": "49 dollars."}],
    ),
    ReplyBegun(**at(4010), turn=1, model="playbook"),
    FirstToken(**at(4030), turn=1),
    SentenceReady(**at(4040), turn=1, index=0, text="It is forty-nine dollars a month."),
    SpeechReady(**at(4080), turn=1, index=0, cached=False),
    AgentStarted(**at(4100), turn=1),
    Interrupted(
        **at(5000), turn=1, heard="It is forty-nine",
        planned="It is forty-nine dollars a month.", onset_ms=4880, detector="energy",
    ),
    TurnOver(
        **at(8000), turn=2, text="Book me a demo, I'm at pat@example.com", last_voiced_ms=7500,
        pause_ms=500, why="complete",
    ),
    IntentFound(**at(8000), turn=2, intent="BOOK", confidence=0.9),
    ToolStarted(**at(8010), turn=2, name="book_appointment", arguments={"start": SLOT}),
    ToolFinished(
        **at(8030), turn=2, name="book_appointment", ok=True, data={"start": SLOT},
        content="Booked for Tuesday at ten.",
    ),
    AgentStarted(**at(8200), turn=2),
    AgentStopped(**at(9500), turn=2, text="Booked for Tuesday at ten."),
    CallEnded(**at(10_000), reason="caller", duration_ms=10_000),
)  # fmt: skip


def config(name: str = "conv_1", **more: object) -> CallConfig:
    """Return the conditions of such a call."""
    values: dict[str, object] = {
        "conversation_id": name,
        "agent": JOE,
        "settings": CallSettings(),
        "stt": "scripted",
        "llm": "playbook",
        "tts": "tone",
        "line": "twilio",
        "direction": "outbound",
        "caller_number": "+13125550100",
        "variables": {"lead_name": "Pat"},
        "started_at": STARTED.isoformat(),
        "call_sid": f"CA{name}",
    }
    return CallConfig(**{**values, **more})  # type: ignore[arg-type]


def make_call(
    calls_dir: Path, name: str = "conv_1", events: tuple[Event, ...] = TALK, **more: object
) -> Path:
    """Make the folder of a call with 10 s of sound: caller left, agent right."""
    folder = calls_dir / name
    folder.mkdir(parents=True)
    call = {**dataclasses.asdict(config(name, **more)), "pid": os.getpid()}
    (folder / "call.json").write_text(json.dumps(call))
    (folder / "events.jsonl").write_text("".join(to_json(event) + "\n" for event in events))
    with MulawWavWriter(folder / "audio.wav") as audio:
        for second in range(10):
            audio.write(bytes([second]) * 8000, bytes([255 - second]) * 8000)
    return folder
