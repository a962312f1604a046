"""A whole call on a virtual clock: a scripted caller, the real engine, doubles for the models.

A call of a minute takes a fraction of a second, and two runs give identical events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.agents.tools import Toolbox
from sdr_lab.call.inbox import Order
from sdr_lab.call.parts import Outcome, Parts
from sdr_lab.call.record import CallFolder
from sdr_lab.call.session import Session
from sdr_lab.events import AgentStopped, Event, Interrupted, TurnOver
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.llm.base import LanguageModel
from sdr_lab.records import Agent, CallConfig, CallSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.line import SimulatedLine
from sdr_lab.stt.base import Transcriber
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.tts.base import Voice
from sdr_lab.tts.tone import Tone

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
"""A Tuesday; every rehearsed call begins at this moment."""

E = TypeVar("E", bound=Event)

AGENT = Agent(
    id="rehearsal",
    name="Rehearsal",
    version=1,
    system_prompt="You sell dispatch software.",
    first_message="Hello, this is Joe.",
    tools=("search_knowledge_base", "book_appointment", "end_call", "mark_do_not_call"),
)


@dataclass(frozen=True)
class Scene:
    """What a rehearsal needs besides the caller and the model."""

    agent: Agent = AGENT
    settings: CallSettings = field(default_factory=CallSettings)
    condition: Condition = field(default_factory=Condition)
    voice: Voice = field(default_factory=Tone)
    reserve_voice: Voice | None = None
    search: Search = field(default_factory=NoKnowledge)
    calendar: MemoryCalendar = field(default_factory=MemoryCalendar)
    do_not_call: MemoryDoNotCall = field(default_factory=MemoryDoNotCall)
    transcriber: Callable[[SimulatedLine], Transcriber] | None = None
    """Made with the line; default: knows what the caller said as soon as it was heard."""
    caller_number: str = "+14155550137"
    orders: tuple[tuple[float, Order], ...] = ()
    """What the call is told from outside, and after how many seconds."""


@dataclass(frozen=True)
class Rehearsal:
    """A call that has been rehearsed."""

    events: list[Event]
    outcome: Outcome
    line: SimulatedLine
    folder: Path
    session: Session

    def all(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def first(self, kind: type[E]) -> E:
        """Return the first event of a kind."""
        return self.all(kind)[0]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Who said what, in the order in which it was over; only what was heard."""
        rows: list[tuple[str, str]] = []
        for event in self.events:
            if isinstance(event, TurnOver):
                rows.append(("caller", event.text))
            elif isinstance(event, AgentStopped):
                rows.append(("agent", event.text))
            elif isinstance(event, Interrupted):
                rows.append(("agent", event.heard))
        return rows


def rehearse(
    caller: Caller, model: LanguageModel, calls_dir: Path, scene: Scene | None = None
) -> Rehearsal:
    """Run one call and return what happened."""
    return rehearse_all([(caller, model)], calls_dir, scene or Scene())[0]


def rehearse_all(
    calls: Sequence[tuple[Caller, LanguageModel]], calls_dir: Path, scene: Scene
) -> list[Rehearsal]:
    """Run calls at the same time, on one virtual clock."""

    async def run_all() -> list[Rehearsal]:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(run_scene(f"conv_{number:04d}", caller, model, calls_dir, scene))
                for number, (caller, model) in enumerate(calls, 1)
            ]
        return [task.result() for task in running]

    return run_virtually(run_all())


async def run_scene(
    conversation_id: str, caller: Caller, model: LanguageModel, calls_dir: Path, scene: Scene
) -> Rehearsal:
    """Run one call on whatever loop is running: on a real one it takes its time."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    line = SimulatedLine(caller, scene.condition)
    make = scene.transcriber or (lambda line: ScriptedTranscriber(lambda: line.caller.spoken))
    events: list[Event] = []
    transcriber = make(line)
    config = CallConfig(
        conversation_id=conversation_id,
        agent=scene.agent,
        settings=scene.settings,
        stt=transcriber.name,
        llm=model.name,
        tts=scene.voice.name,
        line=line.kind,
        caller_number=scene.caller_number,
        started_at=START.isoformat(),
    )
    folder = CallFolder(calls_dir, config)
    parts = Parts(
        transcriber,
        model,
        scene.voice,
        Toolbox(scene.calendar, scene.do_not_call, scene.search),
        scene.search,
        scene.reserve_voice,
    )
    session = Session(
        config,
        line,
        parts,
        folder,
        lambda: START + timedelta(seconds=loop.time() - begun_s),
        [events.append],
    )
    for at_s, order in scene.orders:
        loop.call_at(begun_s + at_s, session.tell, order)
    outcome = await session.run()
    return Rehearsal(events, outcome, line, folder.path, session)
