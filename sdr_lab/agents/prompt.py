"""Everything a language model is told for one reply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sdr_lab.agents.conversation import Conversation, last_sentence
from sdr_lab.agents.slots import Offer, clock_in, find_slots, times_in
from sdr_lab.agents.spoken import spoken_day, spoken_time
from sdr_lab.agents.variables import fill, fill_playbook, values_for
from sdr_lab.records import (
    Agent,
    Intent,
    Message,
    Passage,
    Prompt,
    Slots,
    ToolCall,
    ToolResult,
    ToolSpec,
)

SPEECH_RULES = (
    "You are on a phone call, and every word you write is spoken aloud. "
    "Write plain sentences: no markdown, no lists, no emoji, no stage directions. "
    "Keep to one to three short sentences, and begin with a short one. "
    "Ask one question at a time. "
    "State only what these instructions, the lead information or the passages say; "
    "when they do not hold the answer, say that you do not know and offer a follow-up. "
    "Never claim to have done something that no tool has confirmed."
)

PHASES = {
    "CALL_START": "The call has just begun: greet, say who you are, and listen.",
    "DISCOVERY": "Find out what the caller needs while you answer.",
    "ACTIVE": "The caller's wishes are known: answer, and lead towards the next step.",
}

HISTORY_MESSAGES = 40
"""Messages handed on; each model keeps as many of the last ones as its context holds."""

_BOOKED = re.compile(r"\b(booked|moved|cancelled)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """What of a call a prompt depends on besides the words."""

    variables: Mapping[str, str] | None = None
    """Values for this call; they win over the agent's defaults."""
    direction: str = "inbound"
    results: tuple[ToolResult, ...] = ()
    """Results of tools already run for this reply."""
    pending: ToolCall | None = None
    """The tool that waits for a yes, if not the conversation's."""
    notes: tuple[str, ...] = ()
    """What the agent was told while the call went on, oldest first."""


def compose(
    agent: Agent,
    conversation: Conversation,
    words: str,
    intent: Intent,
    passages: Sequence[Passage],
    now: datetime,
    tools: Sequence[ToolSpec] = (),
    call: Call | None = None,
) -> Prompt:
    """Build the prompt of one reply. Changes nothing.

    Args:
        agent: Who speaks.
        conversation: What was said; whether it already holds `words` makes no difference.
        words: What the caller said in this turn, empty when the agent speaks unprompted.
        intent: What `detect_intent` made of the words.
        passages: What was found for them, best first.
        now: The time, with a zone; shown in the agent's time zone.
        tools: What may be called.
        call: Values of this call.
    """
    call = call or Call()
    local = now.astimezone(ZoneInfo(agent.time_zone))
    variables = values_for(agent, call.variables)
    history = _without(conversation.history, words)
    return Prompt(
        system=_system(agent, variables, conversation.phase, local, call),
        words=words,
        history=history[-HISTORY_MESSAGES:],
        passages=tuple(passages),
        intent=intent,
        phase=conversation.phase,
        variables=variables,
        slots=slots_of(words, intent, history, conversation, local),
        tools=tuple(tools),
        results=call.results,
        pending=call.pending or conversation.pending,
        playbook=fill_playbook(agent.playbook, variables),
        asked=conversation.asked,
        now=local,
    )


def first_message(agent: Agent, variables: Mapping[str, str] | None = None) -> str:
    """Return the agent's greeting, filled. A missing variable leaves no double blank."""
    text, _ = fill(agent.first_message, values_for(agent, variables))
    return re.sub(r"\s+([,.!?])", r"\1", re.sub(r"\s{2,}", " ", text)).strip()


def with_lines_filled(agent: Agent, variables: Mapping[str, str] | None = None) -> Agent:
    """Return the agent with the variables in its fixed lines filled (not in its prompt)."""
    values = values_for(agent, variables)
    names = ("apology", "reprompt", "goodbye", "not_heard", "voicemail_message")
    lines = {name: fill(getattr(agent, name), values)[0] for name in names}
    return replace(agent, first_message=first_message(agent, variables), **lines)


def slots_of(
    words: str,
    intent: Intent,
    history: Sequence[Message],
    conversation: Conversation,
    now: datetime,
) -> Slots:
    """Return the values in the caller's words, completed by what was said before.

    "Eleven works" after "I have 10 or 11 AM on Tuesday" means Tuesday at 11; a plain yes to a
    single offered time means that time.
    """
    known = conversation.recent_slots(now)
    said = next((m.text for m in reversed(history) if m.role == "agent"), "")
    offered = () if _BOOKED.search(said) else times_in(said, now)
    before = next((m.text for m in reversed(history) if m.role == "caller"), "")
    loose = clock_in(before) if find_slots(before, now).when is None else None
    found = find_slots(words, now, Offer(known.day, offered, loose))
    if found.when is None and intent.name == "CONFIRM" and found.day is None:
        asked_for = times_in(last_sentence(said), now) if said.endswith("?") else ()
        if len(asked_for) == 1 and offered:
            found = replace(found, when=asked_for[0], day=asked_for[0].date().isoformat())
    return replace(
        found,
        email=found.email or known.email,
        phone=found.phone or known.phone,
        name=found.name or known.name,
    )


def _system(
    agent: Agent, variables: Mapping[str, str], phase: str, now: datetime, call: Call
) -> str:
    filled, _ = fill(agent.system_prompt, variables)
    today = f"It is {spoken_day(now)} {now.year}, {spoken_time(now)} ({agent.time_zone})."
    who = "The caller phoned you." if call.direction == "inbound" else "You phoned the person."
    parts = [filled.strip(), SPEECH_RULES, f"{today} {who} {PHASES[phase]}"]
    if call.notes:
        parts.append("\n".join(["You have been told meanwhile:", *call.notes]))
    return "\n\n".join(parts)


def _without(history: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """Drop the turn that is being answered, which the session may have noted already."""
    said = words.strip()
    while said and history and history[-1].role == "caller" and said.endswith(history[-1].text):
        said = said[: -len(history[-1].text)].strip()
        history = history[:-1]
    return history
