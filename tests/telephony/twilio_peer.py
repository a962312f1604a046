"""Twilio's end of a media stream on the virtual clock, with everything that can go wrong there.

The caller, the queue and the marks are a `Handset`; the messages are Twilio's.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.agents.tools import Toolbox
from sdr_lab.call.inbox import Order
from sdr_lab.call.parts import Outcome, Parts
from sdr_lab.call.record import CallFolder
from sdr_lab.call.session import Session
from sdr_lab.events import AgentStopped, Event, Interrupted, TurnOver
from sdr_lab.knowledge.base import NoKnowledge
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import (
    FRAME_MS,
    Agent,
    CallConfig,
    CallSettings,
    EndpointSettings,
    InterruptSettings,
)
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.handset import Handset
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.telephony.scripted import ScriptedSocket
from sdr_lab.telephony.twilio_line import TwilioLine
from sdr_lab.telephony.twilio_media import Start
from sdr_lab.tts.tone import Tone
from tests.telephony.messages import CALL, STREAM, dtmf, mark, media, stop

E = TypeVar("E", bound=Event)

AGENT = Agent(
    id="joe",
    name="Joe",
    version=1,
    system_prompt="You sell dispatch software.",
    first_message="Hello, this is Joe.",
    goodbye="Goodbye.",
    tools=("end_call", "transfer_call", "mark_do_not_call"),
    departments={"sales": "+15550002222"},
    keys={"9": "mark_do_not_call"},
)
SETTINGS = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)


@dataclass
class Peer:
    """Twilio, and whoever is on the phone."""

    caller: Caller
    loses_marks: bool = False
    """No mark ever comes back."""
    repeats_marks: bool = False
    """With each mark all those before come back once more."""
    sets_clock_back_s: float = 0.0
    """Then the timestamps begin at 0 again."""
    mute_from_s: float = 0.0
    """From then on no sound comes, though the socket stays open."""
    stays_open: bool = False
    """After `stop`."""
    answers_after_s: float = 0.0
    """REST: so long after it has done what was asked."""
    refusal: Exception | None = None
    """REST: raised instead of doing anything."""
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    """REST: stream time, action, and where to."""
    echoed: list[tuple[int, str]] = field(default_factory=list)
    """Stream time and name of marks that came back."""
    unplayed_ms: int = -1
    """Sound that waited to be played when the call was ended or moved."""

    def __post_init__(self) -> None:
        self.socket = ScriptedSocket()
        self.handset = Handset(self.caller)
        self._has_stopped = False
        self._seen = 0

    async def talk(self) -> None:
        """Be there until one side has had enough."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        while self.socket.closed is None and not self._has_stopped:
            await asyncio.sleep(start_s + (self.handset.at_ms + FRAME_MS) / 1000 - loop.time())
            self._take()
            self.handset.step(loop.time())
            self._say(loop.time())
            if self.handset.caller.has_hung_up:
                self._stop()

    def _take(self) -> None:
        handset = self.handset
        for message in self.socket.messages[self._seen :]:
            self._seen += 1
            if message["event"] == "media":
                handset.play(base64.b64decode(message["media"]["payload"]))
            elif message["event"] == "mark":
                handset.mark(message["mark"]["name"])
            else:
                handset.clear()

    def _say(self, now_s: float) -> None:
        handset, say = self.handset, self.socket.say
        back_ms = 1000 * self.sets_clock_back_s
        for frame in handset.frames(now_s):
            if not self.mute_from_s or frame.at_ms < 1000 * self.mute_from_s:
                at_ms = frame.at_ms - back_ms if frame.at_ms >= back_ms else frame.at_ms
                say(media(int(at_ms), frame.mulaw))
        for digit in handset.digits():
            say(dtmf(digit.digit))
        for name in handset.marks():
            before = [old for _, old in self.echoed] if self.repeats_marks else []
            self.echoed.append((handset.at_ms, name))
            for echo in () if self.loses_marks else (name, *before):
                say(mark(echo))

    def _stop(self) -> None:
        if not self._has_stopped:
            self._has_stopped = True
            self.socket.say(stop())
            if not self.stays_open:
                self.socket.hang_up()

    # ---- its REST API (`CallControl`)

    async def hang_up(self, call_sid: str) -> None:
        await self._do("hang_up")

    async def transfer(self, call_sid: str, target: str) -> None:
        await self._do("transfer", target)

    async def _do(self, *action: str) -> None:
        self._take()
        self.asked.append((self.handset.at_ms, *action))
        self.unplayed_ms = self.handset.queued_ms
        if self.refusal is None:
            self._stop()
        await asyncio.sleep(self.answers_after_s)
        if self.refusal is not None:
            raise self.refusal


@dataclass(frozen=True)
class Held:
    """A call that is over."""

    outcome: Outcome
    events: list[Event]
    line: TwilioLine
    do_not_call: MemoryDoNotCall

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Who said what; of the agent only what was heard."""
        rows: list[tuple[str, str]] = []
        for event in self.events:
            if isinstance(event, TurnOver):
                rows.append(("caller", event.text))
            elif isinstance(event, AgentStopped | Interrupted):
                heard = event.text if isinstance(event, AgentStopped) else event.heard
                rows += [("agent", heard)] if heard else []
        return rows


def hold(
    peer: Peer,
    model: ScriptedModel,
    folder: Path,
    orders: Sequence[tuple[float, Order]] = (),
    settings: CallSettings = SETTINGS,
) -> Held:
    """Hold a call with a peer: the real session on the real line."""

    async def main() -> Held:
        loop = asyncio.get_running_loop()
        line = TwilioLine(peer.socket, Start(STREAM, CALL), peer)
        events: list[Event] = []
        numbers = MemoryDoNotCall()
        ears = ScriptedTranscriber(lambda: peer.handset.caller.spoken)
        tools = Toolbox(MemoryCalendar(), numbers, NoKnowledge())
        config = CallConfig(
            "conv_1", AGENT, settings, ears.name, model.name, "tone", line.kind,
            caller_number="+14155550137",
        )  # fmt: skip
        session = Session(
            config,
            line,
            Parts(ears, model, Tone(), tools),
            CallFolder(folder, config),
            lambda: datetime.now(UTC),
            [events.append],
        )
        for at_s, order in orders:
            loop.call_at(loop.time() + at_s, session.tell, order)
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(peer.talk())
            outcome = await session.run()
            left = asyncio.all_tasks() - {talking, asyncio.current_task()}
            assert not left, left
            talking.cancel()
        return Held(outcome, events, line, numbers)

    return run_virtually(main())
