"""One reply of `playbook`: what the caller's words call for."""

from __future__ import annotations

import re
from collections.abc import Callable

from sdr_lab.llm import playbook_act as act
from sdr_lab.llm import playbook_tell as tell
from sdr_lab.llm.playbook_scene import Parts, Scene
from sdr_lab.records import Prompt

_HOSTILE = re.compile(
    r"\b(?:idiots?|stupid|morons?|shut up|screw you|go to hell|damn|annoying|jerks?|f\*+\w*|"
    r"fuck\w*|bullshit|hell with|ridiculous|pathetic)\b",
    re.IGNORECASE,
)
_VAGUE = ("OTHER", "REPEAT", "HOLD", "ACKNOWLEDGE", "DENY", "OBJECTION", "HELLO")
"""Intents that an insult may be taken for."""

ENDING = ("NOT_INTERESTED", "VOICEMAIL", "GOODBYE")


def compose_reply(prompt: Prompt) -> Parts:
    """Return tool calls to be run, or the sentences of the reply. Never empty."""
    scene = Scene(prompt)
    if prompt.results:
        done = act.after_tools(scene)
        return tell.answers(scene) if done is None else done
    if not scene.words:
        return [scene.line("silence" if scene.last else "HELLO")]
    if prompt.pending is not None and (parts := act.settle(scene, prompt.pending)):
        return parts
    if scene.intent == "DO_NOT_CALL":
        return act.mark_do_not_call(scene)
    if scene.is_forbidden:
        return [scene.line("forbidden")]
    if scene.intent in _VAGUE and _HOSTILE.search(scene.low):
        return [scene.line("hostile")]
    return _in_context(scene) or _by_intent(scene)


def _in_context(scene: Scene) -> Parts | None:
    """Take the words as an answer to the agent's last question; None when they are none."""
    slots, intent = scene.slots, scene.intent
    is_other_topic = intent in ("QUESTION", "BOOK", "OBJECTION")
    if scene.asks("email") and not is_other_topic and (parts := act.note_address(scene)):
        return parts
    if scene.asks("call_back") and (slots.when or slots.day):
        return act.call_back(scene)
    if scene.asks("meeting"):
        if slots.when or (slots.day and intent in ("BOOK", "OTHER", "CONFIRM", "QUESTION")):
            return act.book(scene)
        if intent == "DENY" and scene.asks("which_time"):
            return [scene.line("other_time")]
    if intent in ("CONFIRM", "INTERESTED"):
        return _after_yes(scene)
    return _after_no(scene) if intent == "DENY" else None


def _after_yes(scene: Scene) -> Parts | None:
    if scene.asks("list"):
        return act.mark_do_not_call(scene)
    if scene.asks("let_go"):
        return act.end_with(scene, "caller", "GOODBYE")
    if scene.asks("follow_up"):
        return act.follow_up(scene)
    if scene.asks("meeting"):
        return act.book(scene)
    return [scene.line("CONFIRM")] if scene.asks("else") and scene.intent == "CONFIRM" else None


def _after_no(scene: Scene) -> Parts | None:
    if scene.asks("else"):
        return act.end_with(scene, "caller", "GOODBYE")
    if scene.asks("follow_up") or scene.asks("meeting") or scene.asks("email"):
        return [scene.line("declined")]
    return None


def _by_intent(scene: Scene) -> Parts:
    handlers: dict[str, Callable[[Scene], Parts]] = {
        "QUESTION": tell.reply_to_question,
        "OBJECTION": tell.reply_to_objection,
        "INTERESTED": tell.reply_to_interest,
        "OTHER": tell.reply_to_statement,
        "CONFIRM": tell.go_on,
        "ACKNOWLEDGE": tell.go_on,
        "REPEAT": tell.repeat,
        "BOOK": act.book,
        "TRANSFER": act.transfer,
        "CALL_BACK_LATER": act.call_back,
        "WRONG_PERSON": act.wrong_person,
    }
    if scene.intent in handlers:
        return handlers[scene.intent](scene)
    if scene.intent in ENDING:
        return act.end_with(scene, scene.intent.lower(), scene.intent)
    if scene.intent == "HELLO" and re.search(tell.ABOUT_AGENT["how_are_you"], scene.low):
        return [scene.line("how_are_you")]
    return [scene.line(scene.intent)]
