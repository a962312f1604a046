"""What was said in a call, and what it means for the next turn.

One small object per call, owned by the session. Everything but the history and the tool that
waits for a yes is derived, so that nothing can disagree with what was heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.slots import find_slots
from sdr_lab.records import Intent, Message, Slots, ToolCall

Phase = Literal["CALL_START", "DISCOVERY", "ACTIVE"]

EMPTY_TALK = {"HELLO", "ACKNOWLEDGE", "THANKS", "REPEAT", "HOLD"}
"""Intents of turns that bring a call no further."""

DECIDED = {"BOOK", "INTERESTED", "TRANSFER", "OBJECTION", "NOT_INTERESTED"}
"""One turn of these makes the call ACTIVE: the caller has taken a position."""

DISCOVERY_TURNS = 2
"""After more than so many turns with content the call is ACTIVE anyway."""

RECENT_TURNS = 6
"""Caller's turns in which a day, a name or an address is still remembered."""

_LAST_SENTENCE = re.compile(r"[^.!?]*[.!?]*\s*$")


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the tool that waited for a yes."""

    call: ToolCall
    outcome: Literal["confirmed", "denied", "changed_topic"]
    """`confirmed`: run it. The others are `why` of the event `ToolDropped`."""


@dataclass
class Conversation:
    """The history of one call as both sides experienced it."""

    pending: ToolCall | None = None
    """A tool that waits for the caller's yes."""
    _history: list[Message] = field(default_factory=list)

    @property
    def history(self) -> tuple[Message, ...]:
        """All messages, oldest first; the agent's hold the words that were heard."""
        return tuple(self._history)

    def caller_said(self, text: str, at_ms: int = 0) -> None:
        """Add a turn of the caller. A text without words is not kept."""
        if text.strip():
            self._history.append(Message("caller", text.strip(), at_ms=at_ms))

    def caller_goes_on(self) -> None:
        """Take back the caller's last turn: he had not finished, it comes again, longer."""
        if self._history and self._history[-1].role == "caller":
            self._history.pop()

    def agent_said(self, text_heard: str, interrupted: bool = False, at_ms: int = 0) -> None:
        """Add what the caller heard of a reply. A reply of which nothing was heard is not kept."""
        if text_heard.strip():
            self._history.append(Message("agent", text_heard.strip(), interrupted, at_ms))

    @property
    def last_agent_text(self) -> str:
        """What the agent said last, empty at the start."""
        return next((m.text for m in reversed(self._history) if m.role == "agent"), "")

    @property
    def asked(self) -> bool:
        """The last thing the caller heard of the agent was a whole question."""
        return self.last_agent_text.endswith("?")

    @property
    def phase(self) -> Phase:
        """How far the call has come.

        CALL_START until the caller has said more than a greeting. DISCOVERY while we learn what
        he needs. ACTIVE once he has taken a position (booking, interest, objection, a wish for
        a person) or has had more than two turns with content.
        """
        intents = [name for _, name in self._caller_intents() if name not in EMPTY_TALK]
        if not intents:
            return "CALL_START"
        if len(intents) > DISCOVERY_TURNS or DECIDED.intersection(intents):
            return "ACTIVE"
        return "DISCOVERY"

    @property
    def answered(self) -> tuple[str, ...]:
        """Questions of the caller that the agent has replied to in full, oldest first."""
        pairs = zip(self._history, self._history[1:], strict=False)
        return tuple(
            said.text
            for said, reply in pairs
            if said.role == "caller"
            and reply.role == "agent"
            and not reply.interrupted
            and detect_intent(said.text).name == "QUESTION"
        )

    def recent_slots(self, now: datetime) -> Slots:
        """Return the day, name, e-mail and phone number said lately, the latest of each.

        A full time (`when`) is never remembered: it is acted on in its own turn.
        """
        known = Slots()
        caller = [m.text for m in self._history if m.role == "caller"]
        for text in caller[-RECENT_TURNS:]:
            found = find_slots(text, now)
            known = Slots(
                day=found.day or known.day,
                part_of_day=found.part_of_day if found.day else known.part_of_day,
                email=found.email or known.email,
                phone=found.phone or known.phone,
                name=found.name or known.name,
            )
        return known

    def settle(self, intent: Intent) -> Settled | None:
        """Decide about the waiting tool by what the caller answered, and clear `pending`.

        Yes runs it, no drops it, another topic drops it. Sounds of listening, a request to
        repeat or to wait leave it waiting. None: nothing is decided.
        """
        call = self.pending
        if call is None or intent.name in ("REPEAT", "HOLD", "HELLO"):
            return None
        if intent.name == "CONFIRM" or (self.asked and intent.name == "INTERESTED"):
            outcome = "confirmed"
        elif intent.name in ("ACKNOWLEDGE", "THANKS"):
            if not self.asked:
                return None
            outcome = "confirmed"
        elif intent.name in ("DENY", "NOT_INTERESTED"):
            outcome = "denied"
        else:
            outcome = "changed_topic"
        self.pending = None
        return Settled(ToolCall(call.name, call.arguments), outcome)

    def _caller_intents(self) -> list[tuple[str, str]]:
        asked = False
        found: list[tuple[str, str]] = []
        for message in self._history:
            if message.role == "agent":
                asked = message.text.endswith("?")
            else:
                found.append((message.text, detect_intent(message.text, asked).name))
        return found


def last_sentence(text: str) -> str:
    """Return the last sentence of a text, with its mark."""
    match = _LAST_SENTENCE.search(text.strip())
    return match[0].strip() if match else ""
