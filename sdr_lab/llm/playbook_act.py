"""What `playbook` does: the tools it calls, and what it says when they have run."""

from __future__ import annotations

import re

from sdr_lab.llm.playbook_scene import Parts, Scene
from sdr_lab.llm.playbook_words import stems_of
from sdr_lab.records import ToolCall, ToolResult

_CANCEL = re.compile(r"\b(?:cancel|call off|can't make|cannot make|can not make)\b")
_MOVE = re.compile(r"\b(?:move|reschedul\w*|change|switch|push|instead|another time)\b")
_WHEN_ASKED = re.compile(
    r"\b(?:what|which|any|when|next|soon\w*|earliest|available|free|opening\w*)\b"
)
_WRONG_NUMBER = re.compile(r"\bwrong\b|by that name|private|nobody|no one|never heard of")
_BY_PHONE = re.compile(r"\b(?:call|phone|this number|text|ring)\b")

WORDS_KEPT = 300
"""Characters of the caller's words that are handed to a tool."""


def after_tools(scene: Scene) -> Parts | None:
    """Say what the tools of this reply have done, or call the next one.

    None: the last tool was a search, and its passages are for answering.
    """
    results = scene.prompt.results
    last = results[-1]
    if last.name == "search_knowledge_base":
        return None
    if last.name == "end_call":
        return _farewell(scene, results[-2] if len(results) > 1 else None)
    if last.name == "mark_do_not_call":
        if not last.ok:
            return [last.content]
        return end(scene, "do_not_call") or [last.content, scene.line("DO_NOT_CALL")]
    if last.name == "note_follow_up":
        return _after_note(scene, results)
    if last.name == "transfer_call":
        offer = [scene.line("TRANSFER"), scene.line("related_offer")]
        return [last.content] if last.ok else [*offer]
    if last.name in ("book_appointment", "find_free_times"):
        return _after_calendar(scene, last)
    return [_sentence(last.content) or scene.line("failed"), scene.line("anything_else")]


def end(scene: Scene, reason: str) -> Parts | None:
    """Hang up, if the agent can."""
    return scene.call("end_call", reason=reason)


def end_with(scene: Scene, reason: str, line: str) -> Parts:
    """Hang up, or at least say the line."""
    return end(scene, reason) or [scene.line(line)]


def settle(scene: Scene, pending: ToolCall) -> Parts | None:
    """Run a tool that waited for a yes, or drop it; None when the words are about neither."""
    if scene.intent in ("CONFIRM", "INTERESTED"):
        return [ToolCall(pending.name, pending.arguments)]
    if scene.intent in ("DENY", "NOT_INTERESTED"):
        return [scene.line("not_booked" if pending.name == "book_appointment" else "DENY")]
    return None


def book(scene: Scene) -> Parts:
    """Book the time that was named, offer free times of a day, or ask for a day."""
    slots = scene.slots
    if slots.when is None and _CANCEL.search(scene.low) and not slots.day:
        return note(scene, scene.words) or [scene.line("related_offer")]
    if slots.when is not None:
        start = slots.when.isoformat()
        call = scene.call("book_appointment", start=start, name=slots.name, email=slots.email)
        if call is not None:
            return call
    if slots.day or slots.part_of_day:
        call = scene.call("find_free_times", day=slots.day, part_of_day=slots.part_of_day)
        if call is not None:
            return call
    if _WHEN_ASKED.search(scene.low) and (call := scene.call("find_free_times")) is not None:
        return call
    if "book_appointment" not in scene.tools:
        return [scene.line("related_offer")]
    return [scene.line("ask_day")]


def note(scene: Scene, about: str, email: str = "", when: str = "") -> Parts | None:
    """Leave a note for a colleague, if the agent can."""
    about = about.strip()[:WORDS_KEPT] or "wants to be contacted"
    phone = scene.slots.phone or ""
    return scene.call("note_follow_up", about=about, email=email, when=when, phone=phone)


def note_address(scene: Scene) -> Parts | None:
    """Take the answer to "what's your email address"; None when it is no answer."""
    is_address = "@" in scene.low or re.search(r"\bat\b.*(?:\bdot\b|\.)", scene.low)
    if scene.slots.email and is_address:
        return note(scene, open_question(scene), email=scene.slots.email) or _not_noted(scene)
    if scene.slots.phone or _BY_PHONE.search(scene.low):
        return note(scene, open_question(scene)) or _not_noted(scene)
    if scene.intent in ("OTHER", "CONFIRM") and re.search(r"\bat\b|@|\bdot\b", scene.low):
        return [scene.line("email_again")]
    return None


def follow_up(scene: Scene) -> Parts:
    """The caller wants a follow-up: note it, or ask for the address first."""
    if scene.slots.email:
        return note(scene, open_question(scene), email=scene.slots.email) or _not_noted(scene)
    return [scene.line("ask_email")]


def open_question(scene: Scene) -> str:
    """Return the caller's question that the agent could not answer."""
    history = scene.prompt.history
    for index in range(len(history) - 1, 0, -1):
        reply, before = history[index], history[index - 1]
        offered = re.search(r"\b(?:colleague|follow up)\b", reply.text, re.IGNORECASE)
        if reply.role == "agent" and before.role == "caller" and offered:
            return before.text
    return scene.words


def transfer(scene: Scene) -> Parts:
    """Connect to the department that was named, else to the first one."""
    tool = scene.tools.get("transfer_call")
    if tool is None:
        return [scene.line("TRANSFER"), scene.line("related_offer")]
    departments = tool.parameters.get("properties", {}).get("department", {}).get("enum", [])
    wanted = stems_of(scene.low) - {"the", "team", "desk"}
    named = [name for name in departments if stems_of(name) & wanted]
    chosen = next(iter(named or departments), "")
    return [ToolCall("transfer_call", {"department": chosen} if chosen else {})]


def call_back(scene: Scene) -> Parts:
    """Note when to call, or ask for a better time."""
    slots = scene.slots
    when = slots.when.isoformat() if slots.when else slots.day
    noted = note(scene, "asked to be called back", when=when) if when else None
    return noted or [scene.line("CALL_BACK_LATER")]


def wrong_person(scene: Scene) -> Parts:
    """Leave when the number is wrong, else ask who the right person is."""
    if _WRONG_NUMBER.search(scene.low):
        return end_with(scene, "wrong_number", "wrong_number")
    return [scene.line("WRONG_PERSON")]


def mark_do_not_call(scene: Scene) -> Parts:
    """Put the caller on the list. The session does so before it asks; this is the second net."""
    return [ToolCall("mark_do_not_call", {"reason": scene.words[:WORDS_KEPT] or "asked to"})]


def _after_calendar(scene: Scene, last: ToolResult) -> Parts:
    if last.ok and last.name == "book_appointment":
        had_one = scene.is_booked or re.search(r"\b(?:my|our|the) appointment\b", scene.low)
        if had_one and _MOVE.search(scene.low):
            # No tool cancels the earlier appointment; a colleague has to.
            moved = note(scene, f"cancel the earlier appointment: {scene.words}")
            if moved is not None:
                return moved
        return [last.content, scene.line("booked")]
    if last.ok or last.data.get("free"):
        return [_sentence(last.content), scene.line("ask_time")]
    is_for_model = last.data.get("error") == "arguments"
    content = scene.line("failed") if is_for_model else _sentence(last.content)
    return [content, scene.line("other_time")]


def _after_note(scene: Scene, results: tuple[ToolResult, ...]) -> Parts:
    last = results[-1]
    if not last.ok:
        return _not_noted(scene)
    if last.data.get("when") or scene.intent == "CALL_BACK_LATER":
        return end(scene, "call_back_later") or [last.content, scene.line("callback_noted")]
    booked = [r.content for r in results[:-1] if r.name == "book_appointment" and r.ok]
    return [*booked, last.content, scene.line("follow_up_noted")]


def _not_noted(scene: Scene) -> Parts:
    return [scene.line("failed"), scene.line("anything_else")]


def _farewell(scene: Scene, earlier: ToolResult | None) -> Parts:
    """Return the goodbye, with the outcome of the tool that ran just before it."""
    if earlier is not None and earlier.name == "mark_do_not_call":
        return [earlier.content, scene.line("DO_NOT_CALL")]
    if earlier is not None and earlier.name == "note_follow_up":
        return [earlier.content, scene.line("callback_noted")]
    own = {"VOICEMAIL": "VOICEMAIL", "WRONG_PERSON": "wrong_number"}
    own["NOT_INTERESTED"] = "NOT_INTERESTED"
    usual = "goodbye_booked" if scene.is_booked else "GOODBYE"
    return [scene.line(own.get(scene.intent, usual))]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
