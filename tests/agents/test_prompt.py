from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.prompt import SPEECH_RULES, Call, compose, first_message
from sdr_lab.records import Agent, Intent, Passage, Playbook, Prompt, ToolCall, ToolResult

AGENT = Agent(
    id="a",
    name="Joe",
    version=3,
    system_prompt="You are {{agent_name}} of {{company}}. Call {{lead_name|the lead}} politely.",
    first_message="Hi {{lead_name}}, it is {{agent_name}}.",
    time_zone="America/Chicago",
    variables={"company": "Maplewood"},
    playbook=Playbook(lines={"HELLO": ("Hi from {{company}}",), "who": ("{{unknown}}",)}),
)
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
"""Tuesday, 9:30 in Chicago."""


def prompt_for(words: str, conversation: Conversation, call: Call | None = None) -> Prompt:
    intent = detect_intent(words, conversation.asked)
    return compose(AGENT, conversation, words, intent, (), NOW, (), call)


def test_system_prompt_is_filled_and_holds_rules_date_and_phase():
    prompt = prompt_for("Hello.", Conversation())

    assert prompt.system.startswith("You are Joe of Maplewood. Call the lead politely.")
    assert SPEECH_RULES in prompt.system
    assert "It is Tuesday, November twenty-fourth 2026, 9:30 AM (America/Chicago)." in prompt.system
    assert "The caller phoned you. The call has just begun" in prompt.system
    assert prompt.now is not None
    assert prompt.now.hour == 9


def test_values_of_the_call_and_its_direction():
    call = Call(variables={"lead_name": "Sam"}, direction="outbound")

    prompt = prompt_for("Hello.", Conversation(), call)

    assert "Call Sam politely" in prompt.system
    assert "You phoned the person." in prompt.system
    assert prompt.variables == {"agent_name": "Joe", "company": "Maplewood", "lead_name": "Sam"}


def test_the_playbook_is_filled_and_lines_with_holes_are_gone():
    assert prompt_for("Hello.", Conversation()).playbook.lines == {"HELLO": ("Hi from Maplewood",)}


@pytest.mark.parametrize("noted_before", [True, False])
def test_the_turn_itself_is_not_part_of_the_history(noted_before: bool):
    conversation = Conversation()
    conversation.agent_said("Hi!")
    if noted_before:
        conversation.caller_said("How much is it?")

    prompt = prompt_for("How much is it?", conversation)

    assert [m.text for m in prompt.history] == ["Hi!"]
    assert prompt.words == "How much is it?"


def test_a_turn_said_in_two_parts_is_not_repeated_in_the_history():
    conversation = Conversation()
    conversation.agent_said("Hi!")
    conversation.caller_said("So.")
    conversation.caller_said("How much is it?")

    prompt = prompt_for("So. How much is it?", conversation)

    assert [m.text for m in prompt.history] == ["Hi!"]


def test_what_is_handed_through():
    passages = (Passage("1", "text", "a.md", 1.0),)
    result = ToolResult("end_call", True, "bye")
    pending = ToolCall("book_appointment", {})
    conversation = Conversation(pending=pending)
    conversation.agent_said("Shall I book it?")

    prompt = compose(
        AGENT, conversation, "yes", Intent("CONFIRM"), passages, NOW, (), Call(results=(result,))
    )

    assert prompt.passages == passages
    assert prompt.results == (result,)
    assert prompt.pending == pending
    assert prompt.asked


def test_compose_changes_nothing():
    conversation = Conversation()
    conversation.agent_said("Which day suits you?")
    before = conversation.history

    assert prompt_for("Thursday at ten.", conversation) == prompt_for(
        "Thursday at ten.", conversation
    )
    assert conversation.history == before
    assert conversation.pending is None


@pytest.mark.parametrize(
    ("agent_said", "words", "expected"),
    [
        ("Which day and time?", "Tuesday at ten", "2026-12-01T10:00"),
        (
            "I have Thursday, November twenty-sixth at 9 AM and 11 AM. Which?",
            "eleven",
            "11-26T11:00",
        ),
        ("I could do Thursday, November twenty-sixth at 2 PM. OK?", "the first one", "11-26T14:00"),
        ("Would Thursday, November twenty-sixth at 2 PM suit you?", "yes please", "11-26T14:00"),
        ("You're booked for Thursday, November twenty-sixth at 2 PM. Anything else?", "yes", None),
        ("I have Thursday, November twenty-sixth at 9 AM and 11 AM. Which?", "yes", None),
    ],
)
def test_times_are_understood_with_what_the_agent_offered(
    agent_said: str, words: str, expected: str | None
):
    conversation = Conversation()
    conversation.agent_said(agent_said)

    found = prompt_for(words, conversation).slots.when

    assert expected in found.isoformat() if found and expected else found is None


def test_a_day_of_the_turn_before_completes_a_time_and_the_other_way_round():
    day_first, time_first = Conversation(), Conversation()
    for conversation, words in ((day_first, "Thursday"), (time_first, "at ten")):
        conversation.agent_said("When?")
        conversation.caller_said(words)
        conversation.agent_said("Sure, and?")

    for conversation, words in ((day_first, "at ten"), (time_first, "Thursday")):
        found = prompt_for(words, conversation).slots.when
        assert found is not None
        assert found.isoformat() == "2026-11-26T10:00:00-06:00"


def test_name_and_email_are_remembered():
    conversation = Conversation()
    conversation.caller_said("This is Sam, sam at example dot com.")
    conversation.agent_said("Hi Sam. When?")

    slots = prompt_for("Thursday at ten", conversation).slots

    assert (slots.name, slots.email) == ("Sam", "sam@example.com")


def test_first_message_leaves_no_hole():
    assert first_message(AGENT) == "Hi, it is Joe."
    assert first_message(AGENT, {"lead_name": "Sam"}) == "Hi Sam, it is Joe."
    assert first_message(replace(AGENT, first_message="Hello.")) == "Hello."
