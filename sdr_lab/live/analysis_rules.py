"""What can be said of a call without a language model: facts, and `unknown` for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.slots import find_slots
from sdr_lab.records import Slots
from sdr_lab.store.folder import Status

if TYPE_CHECKING:
    from sdr_lab.live.analysis import Finished

NO_RULE = "no rule can judge this; an agent with a language model has it judged by that"
"""Rationale of everything that rules can't tell."""

GOOD = frozenset({"booked", "transferred", "interested"})
BAD = frozenset({"do_not_call", "not_interested", "wrong_person", "voicemail"})
NOT_MET = frozenset({"do_not_call", "not_interested", "wrong_person", "voicemail", "call_back"})
"""Outcomes of calls in which no meeting came about."""

OUTCOME_WORDS = {
    "booked": "An appointment was booked",
    "transferred": "The caller was transferred",
    "do_not_call": "The caller asked not to be called again",
    "voicemail": "A voicemail answered",
    "wrong_person": "The wrong person was reached",
    "not_interested": "The caller is not interested",
    "call_back": "The caller wants to be called back",
    "interested": "The caller is interested",
}

ENDED_WORDS = {
    "agent": "the agent ended the call",
    "caller": "the caller hung up",
    "transfer": "the call was handed on",
    "silence": "the caller fell silent",
    "max_length": "the call reached its longest length",
    "stalled": "the line went dead",
    "error": "the call broke down",
    "cancelled": "the call was cancelled",
    "voicemail": "the agent left it at the voicemail",
    "broken_off": "the call was broken off",
}

QUOTED = 2
"""Questions of the caller that a summary quotes."""

_NOT = re.compile(r"\b(?:not|never|without|no|avoid\w*|didn't|doesn't|don't|wasn't|isn't)\b", re.I)
_TRIED = re.compile(
    r"\b(?:offer\w*|ask\w*|tr(?:y|ied|ies)|propos\w*|suggest\w*|mention\w*)\b", re.I
)
_MEETING = r"(?:appointments?|meetings?|demos?|calls?|consultations?)"
_BOOKED = re.compile(
    rf"\b{_MEETING}\b[^.]{{0,20}}\b(?:booked|scheduled|set up|made)\b"
    rf"|\b(?:book(?:s|ed)?|schedul(?:es?|ed)|sets? up)\b[^.]{{0,20}}\b{_MEETING}\b",
    re.I,
)
_TRANSFERRED = re.compile(r"\b(?:transfer\w*|handed (?:on|over)|connected to)\b", re.I)
_INTERESTED = re.compile(
    r"\b(?:is|was|shows?|showed|expresse[sd])\b[^.]{0,20}\binterest(?:ed)?\b", re.I
)
_EMAIL = re.compile(r"\be-?mail\b", re.I)
_PHONE = re.compile(r"\b(?:phone|telephone|mobile|callback number|call-back number)\b", re.I)
_NAME = re.compile(r"^(?:caller|customer|lead|contact|first|full|user|prospect)?[ _]?name$", re.I)
_GIVES = re.compile(r"\b(?:g(?:ave|ives?)|collect\w*|obtain\w*|provid\w*|captur\w*|left)\b", re.I)
_WHEN = re.compile(r"\b(?:appointment|meeting|demo)[ _]?(?:date|time|start|slot)?\b", re.I)


def by_rules(done: Finished) -> dict[str, Any]:
    """Return the analysis of a call as far as rules go."""
    criteria = {
        key: {"criteria_id": key, **judged(done, text)}
        for key, text in done.agent.evaluation.items()
    }
    data = {
        key: {"data_collection_id": key, "json_schema": dict(spec), **collected(done, key, spec)}
        for key, spec in done.agent.data_collection.items()
    }
    return {
        "call_successful": successful(done, [entry["result"] for entry in criteria.values()]),
        "transcript_summary": summary(done),
        "call_summary_title": title(done),
        "evaluation_criteria_results": criteria,
        "data_collection_results": data,
    }


def successful(done: Finished, results: list[str]) -> str:
    """Return whether the call went well: by its criteria, else by its outcome."""
    if done.call.status not in (Status.COMPLETED, Status.VOICEMAIL):
        return "failure"
    if results:
        return verdict_of(results)
    outcome = done.call.outcome
    return "success" if outcome in GOOD else "failure" if outcome in BAD else "unknown"


def verdict_of(results: Sequence[str]) -> str:
    """Return what the results of criteria come to."""
    if "failure" in results:
        return "failure"
    return "unknown" if "unknown" in results else "success"


def judged(done: Finished, text: str) -> dict[str, str]:
    """Judge one criterion, given in plain words."""
    for pattern, judge in JUDGES:
        if pattern.search(text) and not _NOT.search(text) and not _TRIED.search(text):
            result, rationale = judge(done, text)
            return {"result": result, "rationale": rationale}
    return {"result": "unknown", "rationale": NO_RULE}


def _judge_booked(done: Finished, text: str) -> tuple[str, str]:
    for tool in done.tools:
        if tool.name == "book_appointment" and tool.ok:
            return "success", f"book_appointment ran: {' '.join(tool.content.split())}"
    if done.call.outcome in NOT_MET or done.call.status.is_over:
        return "failure", "book_appointment did not run in this call"
    return "unknown", NO_RULE


def _judge_transferred(done: Finished, text: str) -> tuple[str, str]:
    if any(tool.name == "transfer_call" and tool.ok for tool in done.tools):
        return "success", "transfer_call ran"
    return "failure", "transfer_call did not run in this call"


def _judge_interest(done: Finished, text: str) -> tuple[str, str]:
    if done.call.outcome == "booked":
        return "success", "the caller booked an appointment"
    last = [
        name for name in done.intents if name in ("INTERESTED", "NOT_INTERESTED", "DO_NOT_CALL")
    ]
    if not last:
        return "unknown", "the caller said nothing that rules take for interest or refusal"
    if last[-1] == "INTERESTED":
        return "success", "the caller's words were taken for interest"
    return "failure", "the caller's words were taken for a refusal"


def _judge_slot(done: Finished, text: str) -> tuple[str, str]:
    if not _GIVES.search(text):
        return "unknown", NO_RULE
    email = bool(_EMAIL.search(text))
    kind = "e-mail address" if email else "phone number"
    found = said(done, lambda slots: slots.email if email else slots.phone)
    if found is None:
        return "failure", f"no {kind} was found in the caller's words"
    return "success", f"the caller said {found[0]!r} in {found[1]!r}"


JUDGES: tuple[tuple[re.Pattern[str], Callable[[Finished, str], tuple[str, str]]], ...] = (
    (_BOOKED, _judge_booked),
    (_TRANSFERRED, _judge_transferred),
    (_EMAIL, _judge_slot),
    (_PHONE, _judge_slot),
    (_INTERESTED, _judge_interest),
)
"""Wording of a criterion → how it is judged; the first that fits."""


def collected(done: Finished, key: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return one value to be collected; None where rules can't tell."""
    wanted = f"{key.replace('_', ' ')} {spec.get('description', '')}"
    if spec.get("type", "string") == "string":
        if (start := booked_start(done)) and _WHEN.search(wanted):
            return {"value": start, "rationale": "the time of the appointment that was booked"}
        take = slot_of(key, wanted)
        if take is not None:
            found = said(done, take)
            if found is None:
                return {"value": None, "rationale": "not found in the caller's words"}
            return {"value": found[0], "rationale": f"the caller said {found[1]!r}"}
    return {"value": None, "rationale": NO_RULE}


def slot_of(key: str, wanted: str) -> Callable[[Slots], str | None] | None:
    """Return how a value is read from the caller's words; None when no rule reads it."""
    if _EMAIL.search(wanted):
        return lambda slots: slots.email
    if _PHONE.search(wanted):
        return lambda slots: slots.phone
    if _NAME.search(key):
        return lambda slots: slots.name
    return None


def said(done: Finished, take: Callable[[Slots], str | None]) -> tuple[str, str] | None:
    """Return the last such value in the caller's words, and the words."""
    now = done.call.started_at
    for turn in reversed(done.turns):
        if turn.role == "caller" and (value := take(find_slots(turn.text, now))):
            return value, turn.text
    return None


def booked_start(done: Finished) -> str:
    """Return the start of the appointment that was booked, ISO 8601; empty when none was."""
    for tool in reversed(done.tools):
        if tool.name == "book_appointment" and tool.ok:
            start = tool.data.get("start", "")
            return start.isoformat() if isinstance(start, datetime) else str(start)
    return ""


def title(done: Finished) -> str:
    """Return the call in a few words."""
    if done.call.outcome:
        return OUTCOME_WORDS.get(done.call.outcome, done.call.outcome)
    if not any(turn.role == "caller" for turn in done.turns):
        return "Nobody spoke" if done.call.folder else f"Call {done.call.status.words}"
    return "No outcome"


def summary(done: Finished) -> str:
    """Return the facts of the call in sentences. Nothing in it is guessed."""
    call = done.call
    if call.folder is None and not done.turns:
        reason = call.ended_reason if call.ended_reason != call.status else ""
        return f"The call was not answered: {call.status.words}{reason and f' ({reason})'}."
    callers = [turn for turn in done.turns if turn.role == "caller"]
    length = round((call.duration_ms or 0) / 1000)
    times = "once" if len(callers) == 1 else f"{len(callers)} times"
    sentences = [
        f"{call.direction.capitalize()} call of {length} s in which the caller spoke {times}."
        if callers
        else f"{call.direction.capitalize()} call of {length} s in which the caller said nothing."
    ]
    if asked := list(questions(turn.text for turn in callers))[:QUOTED]:
        sentences.append("The caller asked: " + "; ".join(f'"{text}"' for text in asked) + ".")
    sentences += [
        f"{tool.name} ran: {' '.join(tool.content.split()).rstrip('.')}."
        for tool in done.tools
        if tool.ok and tool.name not in ("search_knowledge_base", "find_free_times", "end_call")
    ]
    if words := OUTCOME_WORDS.get(call.outcome):
        sentences.append(f"{words}.")
    if words := ENDED_WORDS.get(call.ended_reason, call.ended_reason):
        sentences.append(f"In the end {words}.")
    return " ".join(sentences)


def questions(texts: Iterable[str]) -> Iterable[str]:
    """Yield those that ask for something."""
    return (text for text in texts if detect_intent(text).name == "QUESTION")
