"""Calls on a line with noise, echo, loss and stalls, in real time over real sockets: a floor that
hears the recording decides what the live session decided, decision for decision."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from sdr_lab.events import AgentStarted, GapFilled, Interrupted, WordsHeard
from sdr_lab.replay.decisions import DecisionReplay, replay_decisions
from sdr_lab.replay.rows import logged_events
from sdr_lab.simulate.condition import CONDITIONS, Condition
from sdr_lab.simulate.phone_faults import StreamFaults
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.turns.decision import Kind
from tests.e2e.stage import Stage
from tests.e2e.world import OURS, WAIT_S, World, world
from tests.replay.keeper import NAME as KEEPER
from tests.replay.keeper import kept
from tests.replay.unruly import LENGTH_S, offered, unruly

pytestmark = pytest.mark.asyncio(loop_scope="package")

NAMES = [name for name in offered() if name not in ("silero", "ten")]
"""Those two cost most, and the other plays go on at the same time; tests/call has them all."""


ROUGH = Condition("rough", snr_db=22, loss=0.03, jitter_ms=90, echo_db=-18, seed=5)
SPEAKERPHONE = Condition("speakerphone", echo_db=-9, echo_delay_ms=120, jitter_ms=40, seed=6)
LINES = {
    "lossy": (CONDITIONS["lossy"], StreamFaults()),
    "rough": (ROUGH, StreamFaults(stall_at_s=4.2, stall_s=0.7)),
    "speakerphone": (SPEAKERPHONE, StreamFaults(jump_at_s=6.5, jump_ms=340)),
}

MIN_ENERGY = {line: 780 + 10 * index for index, line in enumerate(LINES)}

SETTINGS = {
    "STT_PROVIDER": "tests.e2e.guesses:Guesses",
    "TWILIO_PHONE_NUMBER": OURS,
    "INTERRUPT_DETECTOR": KEEPER,
}
GREETING = (
    "Hi, this is Joe of Maplewood. I would like to tell you about our new plan and all it can do."
)


@dataclass
class Recorded:
    """A call that is over."""

    detector: str
    line: str
    folder: Path
    replay: DecisionReplay

    @property
    def counts(self) -> Counter[str]:
        return Counter(row.kind for row in self.replay.logged)


async def record(here: World, detector: str, line: str, number: str) -> Recorded:
    interrupt: dict[str, object] = {"min_energy": MIN_ENERGY[line]}
    if detector != KEEPER:  # clients of the API can't name classes
        interrupt["detector"] = detector
    agent = await here.agent(name=f"{detector} {line}", first_message=GREETING, interrupt=interrupt)
    condition, faults = LINES[line]
    subscriber = Subscriber(unruly(), condition=condition, stream_faults=faults)
    here.network.subscribe(number, subscriber)
    call = await here.place(agent, number)
    async with asyncio.timeout(LENGTH_S + WAIT_S):
        await here.network.settled(call)
    account = await here.done(call.sid)
    folder = here.lab.home / "calls" / account["conversation_id"]
    return Recorded(detector, line, folder, await asyncio.to_thread(replay_decisions, folder))


@asynccontextmanager
async def all_calls(home: Path) -> AsyncIterator[list[Recorded]]:
    """Make a call with every detector on every line, all at once."""
    async with world(home, **SETTINGS) as here:
        wanted = [(name, line) for name in (*NAMES, KEEPER) for line in LINES]
        calls = [
            record(here, name, line, f"+141555503{index:02}")
            for index, (name, line) in enumerate(wanted)
        ]
        yield await asyncio.gather(*calls)


CROWD = all_calls


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def calls(stage: Stage) -> list[Recorded]:
    return await stage.of(CROWD)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("detector", [*NAMES, KEEPER])
async def test_the_recording_repeats_every_decision(
    calls: list[Recorded], detector: str, line: str
):
    (call,) = [call for call in calls if (call.detector, call.line) == (detector, line)]

    assert call.replay.settings.interrupt.detector == detector
    assert [difference.text for difference in call.replay.differences] == []
    assert call.replay.same_decisions
    assert len(call.replay.decisions) >= 8


@pytest.mark.parametrize("line", LINES)
async def test_the_recording_holds_all_that_a_detector_was_told(calls: list[Recorded], line: str):
    assert calls
    live, again = kept(MIN_ENERGY[line])
    assert len(live) > 900
    assert again == live


async def test_enough_has_happened(calls: list[Recorded]):
    counts = sum((call.counts for call in calls), Counter[str]())
    events = [event for call in calls for event in logged_events(call.folder)]
    kinds = Counter(type(event) for event in events)

    assert counts[Kind.CUT_IN] >= len(calls)
    assert counts[Kind.HOLD] >= len(calls) / 2
    assert counts[Kind.RELEASE] >= len(calls) / 4
    assert kinds[GapFilled] >= len(calls)
    assert kinds[WordsHeard] >= 3 * len(calls)
    assert kinds[AgentStarted] > kinds[Interrupted]


async def test_other_settings_would_have_decided_otherwise(calls: list[Recorded]):
    call = next(call for call in calls if (call.detector, call.line) == ("energy", "lossy"))
    interrupt = replace(call.replay.settings.interrupt, min_energy=30_000)
    deaf = replay_decisions(call.folder, replace(call.replay.settings, interrupt=interrupt))

    assert not deaf.same_decisions
    assert Kind.CUT_IN not in {row.kind for row in deaf.decisions if row.why == "energy"}
    assert {difference.kind for difference in deaf.differences} >= {Kind.CUT_IN}
