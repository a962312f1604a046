"""What a call is told from outside: to say goodbye, to leave a message, to end, to know something.

From a goodbye or a message on the agent keeps the floor: it is said, heard and followed by
hanging up, whatever the other side does meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdr_lab.call.delivery import Delivery
from sdr_lab.call.guards import Guards
from sdr_lab.call.holding import Holding
from sdr_lab.call.inbox import Context, EndNow, LeaveMessage, Order, SayGoodbye, UserText
from sdr_lab.call.log import CallLog
from sdr_lab.call.mind import Mind
from sdr_lab.events import OrderTaken

GOODBYE_WAIT_MS = 3_000
"""The agent may end its sentence, and the caller his, but not for longer."""
GOODBYE_QUIET_MS = 200
GOODBYE_LIMIT_S = 12.0
"""From the order to hanging up at the latest."""

MESSAGE_WAIT_MS = 20_000
"""A machine that talks for longer does not hear its tone either."""
MESSAGE_QUIET_MS = 800
"""Machines pause within a greeting; behind the tone it stays silent."""
MESSAGE_LIMIT_S = 120.0

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Farewell:
    """The last thing that is said, waiting for its moment."""

    line: str
    why: str
    """Of `events.FixedLine`."""
    reason: str
    """Of `events.CallEnded`."""
    quiet_ms: int
    """The other side must have been silent for so long…"""
    latest_ms: int
    """…but at this stream time it is said in any case."""


class Orders:
    """Carries out orders. Used by the session's owner alone."""

    def __init__(
        self, delivery: Delivery, holding: Holding, mind: Mind, guards: Guards, log: CallLog
    ) -> None:
        self.reason = ""
        """Why the call will be over; empty: nobody has said that it will."""
        self.is_message = False
        """A machine is at the other end: nothing that it says counts."""
        self._delivery = delivery
        self._holding = holding
        self._mind = mind
        self._guards = guards
        self._log = log
        self._farewell: Farewell | None = None

    async def take(self, order: Order) -> None:
        """Do what the call is told. (`UserText` is the floor's.)"""
        match order:
            case SayGoodbye(reason):
                await self.say_goodbye(reason)
            case LeaveMessage(text):
                await self._leave_message(text or self._mind.config.agent.voicemail_message)
            case EndNow(reason):
                self.is_message = self.is_message or reason == "voicemail"
                self._delivery.floor.hold(self.is_message)
                await self._delivery.hang_up("voicemail" if self.is_message else reason)
            case Context(text):
                self._mind.note(text)
                self._delivery.replies.drop_prepared()  # made without knowing it
            case UserText():
                return

    async def say_goodbye(self, reason: str, is_sorry: bool = False) -> None:
        """End the sentence, say goodbye, hang up when it was heard.

        Args:
            is_sorry: Begin with the agent's apology, but for a question in it.
        """
        delivery = self._delivery
        if delivery.floor.is_held:
            return
        self._keep_floor(reason, GOODBYE_LIMIT_S)
        reply = delivery.replies.current
        if reply is not None and reply.ends_call:
            await self._holding.release("order")
            return  # it is saying goodbye
        if delivery.mouth.is_held or not delivery.finish_sentence():
            await delivery.silence()
        agent, latest_ms = self._mind.config.agent, self._log.at_ms + GOODBYE_WAIT_MS
        sorry = _SENTENCE_END.split(agent.apology) if is_sorry else []
        line = " ".join([*(s for s in sorry if not s.endswith("?")), agent.goodbye])
        self._farewell = Farewell(line, "goodbye", reason, GOODBYE_QUIET_MS, latest_ms)
        await self.go_on()

    async def _leave_message(self, text: str) -> None:
        if self.is_message:
            return
        self.is_message = True
        self._keep_floor("voicemail", MESSAGE_LIMIT_S)
        self._mind.conversation.pending = None
        await self._delivery.silence()
        if not text:
            await self._delivery.hang_up(self.reason)
            return
        latest_ms = self._log.at_ms + MESSAGE_WAIT_MS
        self._farewell = Farewell(text, "voicemail", self.reason, MESSAGE_QUIET_MS, latest_ms)
        await self.go_on()

    def _keep_floor(self, reason: str, limit_s: float) -> None:
        self.reason = reason
        self._delivery.floor.hold(self.is_message)
        self._delivery.replies.drop_prepared()
        self._guards.end_within(limit_s)

    async def go_on(self) -> None:
        """Say the last line when its moment has come. To be asked after every frame."""
        farewell, delivery = self._farewell, self._delivery
        if farewell is None or delivery.reason:
            return
        is_free = delivery.replies.current is None
        is_quiet = delivery.floor.silent_ms >= farewell.quiet_ms
        if not (is_free and is_quiet) and self._log.at_ms < farewell.latest_ms:
            return
        await delivery.silence()
        self._farewell = None
        delivery.say_line(farewell.line, farewell.why, farewell.reason)


def log_order(log: CallLog, order: Order) -> None:
    """Write what the call was told."""
    match order:
        case SayGoodbye(reason):
            log.add(OrderTaken, order="goodbye", reason=reason)
        case EndNow(reason):
            log.add(OrderTaken, order="end", reason=reason)
        case LeaveMessage(text):
            log.add(OrderTaken, order="message", text=text)
        case UserText(text):
            log.add(OrderTaken, order="text", text=text)
        case Context(text):
            log.add(OrderTaken, order="context", text=text)
