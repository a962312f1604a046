from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sdr_lab.agents.conversation import Conversation, last_sentence
from sdr_lab.records import Intent, Message, ToolCall

BOOKING = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00"}, confirm=True)
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def talk(*turns: str) -> Conversation:
    """Turns from the agent's greeting on, agent and caller alternating."""
    conversation = Conversation()
    for index, text in enumerate(turns):
        if index % 2:
            conversation.caller_said(text, index * 1000)
        else:
            conversation.agent_said(text, False, index * 1000)
    return conversation


def test_history_holds_what_was_heard():
    conversation = talk("Hi, this is Joe.", "Hello.")
    conversation.agent_said("We have", interrupted=True, at_ms=3000)
    conversation.agent_said("  ")
    conversation.caller_said("")

    assert conversation.history == (
        Message("agent", "Hi, this is Joe."),
        Message("caller", "Hello.", at_ms=1000),
        Message("agent", "We have", True, 3000),
    )


@pytest.mark.parametrize(
    ("heard", "asked"),
    [("How can I help?", True), ("Sure. Which day?", True), ("Which day", False), ("Sure.", False)],
)
def test_asked(heard: str, asked: bool):
    assert talk(heard).asked is asked


@pytest.mark.parametrize(
    ("turns", "phase"),
    [
        (("Hi!",), "CALL_START"),
        (("Hi!", "Hello there."), "CALL_START"),
        (("Hi!", "Hello there.", "How can I help?", "mm-hmm"), "DISCOVERY"),
        (("Hi!", "How much is it?"), "DISCOVERY"),
        (("Hi!", "We are plumbers.", "Nice.", "How much is it?"), "DISCOVERY"),
        (("Hi!", "A?", "B.", "How much is it?", "C.", "Is there a trial?"), "ACTIVE"),
        (("Hi!", "That's too expensive."), "ACTIVE"),
        (("Hi!", "Can you book me a demo for Tuesday?"), "ACTIVE"),
    ],
)
def test_phase(turns: tuple[str, ...], phase: str):
    assert talk(*turns).phase == phase


def test_answered_questions_are_those_with_a_full_reply():
    conversation = talk("Hi!", "How much is it?", "It is $49.", "Is there a trial?")
    conversation.agent_said("Every plan", interrupted=True)

    assert conversation.answered == ("How much is it?",)


@pytest.mark.parametrize(
    ("intent", "outcome"),
    [
        ("CONFIRM", "confirmed"),
        ("INTERESTED", "confirmed"),
        ("ACKNOWLEDGE", "confirmed"),
        ("DENY", "denied"),
        ("NOT_INTERESTED", "denied"),
        ("QUESTION", "changed_topic"),
        ("GOODBYE", "changed_topic"),
        ("BOOK", "changed_topic"),
        ("OTHER", "changed_topic"),
    ],
)
def test_a_waiting_tool_is_run_or_dropped(intent: str, outcome: str):
    conversation = talk("Shall I book that?")
    conversation.pending = BOOKING

    settled = conversation.settle(Intent(intent))

    assert settled is not None
    assert settled.outcome == outcome
    assert settled.call == ToolCall("book_appointment", BOOKING.arguments)
    assert conversation.pending is None


@pytest.mark.parametrize("intent", ["REPEAT", "HOLD", "HELLO"])
def test_a_waiting_tool_goes_on_waiting(intent: str):
    conversation = talk("Shall I book that?")
    conversation.pending = BOOKING

    assert conversation.settle(Intent(intent)) is None
    assert conversation.pending == BOOKING


def test_mm_hmm_runs_nothing_when_the_question_was_not_heard():
    conversation = Conversation(pending=BOOKING)
    conversation.agent_said("Shall I", interrupted=True)

    assert conversation.settle(Intent("ACKNOWLEDGE")) is None


def test_nothing_waits():
    assert Conversation().settle(Intent("CONFIRM")) is None


def test_recent_slots_keep_the_latest_of_each_but_no_full_time():
    conversation = talk(
        "Hi!",
        "I'm Sam, sam at example dot com.",
        "Hi Sam.",
        "What about Monday morning?",
        "Sure.",
        "Or Thursday at ten.",
    )

    slots = conversation.recent_slots(NOW)

    assert slots.when is None
    assert slots.day == "2026-11-26"
    assert slots.part_of_day is None
    assert (slots.name, slots.email) == ("Sam", "sam@example.com")


def test_last_sentence():
    assert last_sentence("Sure. Which day suits you?") == "Which day suits you?"
    assert last_sentence("One") == "One"
    assert last_sentence("") == ""
