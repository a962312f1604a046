"""Keys: a lone one that the agent knows does something, all others are the caller's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.agents.memory import MemoryDoNotCall
from sdr_lab.call.keys import key_call
from sdr_lab.events import (
    AgentStopped,
    DigitPressed,
    FixedLine,
    Interrupted,
    ToolDropped,
    ToolFinished,
    ToolStarted,
    TurnOver,
    Withdrawn,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings, ToolCall
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse

FIXED = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)
KEYED = replace(
    AGENT,
    keys={"9": "mark_do_not_call", "0": "end_call", "1": "transfer_call:sales", "#": "end_call"},
    departments={"Sales": "+13125550100"},
)
SCENE = Scene(settings=FIXED, agent=KEYED)
LONG = "I would like to tell you about our new plan today and about all that it can do for you."


def call(
    tmp_path: Path, caller: Caller, *replies: object, scene: Scene = SCENE, **model: object
) -> Rehearsal:
    return rehearse(caller, ScriptedModel(list(replies), **model), tmp_path, scene)  # pyright: ignore


def test_what_a_key_means():
    assert key_call("9", KEYED) == ToolCall("mark_do_not_call", {"reason": "pressed 9"})
    assert key_call("1", KEYED) == ToolCall("transfer_call", {"department": "Sales"})
    assert key_call("0", KEYED) == ToolCall("end_call")
    for words in ("", "2", "99", "90"):
        assert key_call(words, KEYED) is None


def test_a_number_is_over_after_a_gap_and_is_the_callers_turn(tmp_path: Path):
    prompts = []

    def reply(prompt):
        prompts.append(prompt)
        return ["Thank you."]

    caller = Caller().presses("2125550100", at=3.0)  # the last key at 4.8
    done = rehearse(caller, ScriptedModel(reply), tmp_path, SCENE)
    over = done.first(TurnOver)
    assert (over.text, over.why, over.pause_ms) == ("2125550100", "digits", 1500)
    assert over.at_ms - over.last_voiced_ms == 1500
    assert over.at_ms == pytest.approx(6300, abs=40)
    assert prompts[-1].slots.phone == "+12125550100"
    assert done.said[-1] == ("agent", "Thank you.")
    assert len(done.all(DigitPressed)) == 10


def test_the_hash_key_ends_a_number_at_once(tmp_path: Path):
    done = call(tmp_path, Caller().presses("4711#", at=3.0), "Thank you.")
    over = done.first(TurnOver)
    assert over.text == "4711"
    assert over.at_ms == done.all(DigitPressed)[-1].at_ms


def test_keys_behind_words_belong_to_the_turn(tmp_path: Path):
    caller = Caller().says("My number is", at=3.0, lasts=1.0).presses("4711", at=4.2)
    done = call(tmp_path, caller, "Thank you.")
    assert [turn.text for turn in done.all(TurnOver)] == ["My number is 4711"]
    assert done.first(TurnOver).at_ms >= done.all(DigitPressed)[-1].at_ms + 1500


def test_a_key_stops_the_agent(tmp_path: Path):
    caller = Caller().says("Tell me more.", at=3.0, lasts=1.0).presses("5", at=6.0)
    done = call(tmp_path, caller, LONG, "Five?")
    cut = done.first(Interrupted)
    assert cut.at_ms == done.first(DigitPressed).at_ms
    assert cut.at_ms == pytest.approx(6000, abs=40)
    assert LONG.startswith(cut.heard)
    assert ("caller", "5") in done.said
    assert done.said[-1] == ("agent", "Five?")


def test_a_key_does_not_stop_an_agent_that_may_not_be_stopped(tmp_path: Path):
    settings = replace(FIXED, interrupt=InterruptSettings(enabled=False, detector="energy"))
    caller = Caller().says("Tell me more.", at=3.0, lasts=1.0).presses("5", at=6.0)
    done = call(tmp_path, caller, LONG, "Five?", scene=replace(SCENE, settings=settings))
    assert not done.all(Interrupted)
    assert done.said[-3:] == [("agent", LONG), ("caller", "5"), ("agent", "Five?")]


def test_a_key_withdraws_a_reply_in_preparation(tmp_path: Path):
    caller = Caller().says("It is", at=3.0, lasts=1.0).presses("77", at=5.0)
    done = call(tmp_path, caller, "Never.", "Right.", first_delay_ms=1500)
    assert done.all(Withdrawn)
    assert done.all(TurnOver)[-1].text == "It is 77"
    assert done.said[-1] == ("agent", "Right.")


def test_press_9_to_be_removed(tmp_path: Path):
    numbers = MemoryDoNotCall()
    scene = replace(SCENE, do_not_call=numbers)
    caller = Caller().presses("9", at=3.0).hangs_up(at=60)
    done = call(tmp_path, caller, "But our prices!", scene=scene)
    assert numbers.reasons == {SCENE.caller_number: "pressed 9"}
    assert done.said[-1][1].startswith("Your number is on our do-not-call list now.")
    assert done.said[-1][1].endswith(AGENT.goodbye)
    assert done.outcome.reason == "agent"


def test_who_presses_9_and_hangs_up_at_once_is_removed(tmp_path: Path):
    numbers = MemoryDoNotCall()
    scene = replace(SCENE, do_not_call=numbers)
    done = call(tmp_path, Caller().presses("9", at=3.0).hangs_up(at=3.3), scene=scene)
    assert numbers.reasons == {SCENE.caller_number: "pressed 9"}
    assert done.first(TurnOver).why == "hung_up"
    assert done.outcome.reason == "caller"


@pytest.mark.parametrize("hangs_up_s", [4.48, 4.5, 4.52, 4.54])
def test_who_hangs_up_in_the_moment_of_the_decision_is_removed(tmp_path: Path, hangs_up_s: float):
    numbers = MemoryDoNotCall()
    scene = replace(SCENE, do_not_call=numbers)
    done = call(tmp_path, Caller().presses("9", at=3.0).hangs_up(at=hangs_up_s), scene=scene)
    assert numbers.reasons == {SCENE.caller_number: "pressed 9"}
    assert len(done.all(ToolStarted)) == 1


def test_a_key_that_ends_the_call(tmp_path: Path):
    done = call(tmp_path, Caller().presses("0", at=3.0).hangs_up(at=60))
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.reason == "agent"


def test_the_hash_key_may_have_a_meaning_of_its_own(tmp_path: Path):
    done = call(tmp_path, Caller().presses("#", at=3.0).hangs_up(at=60))
    assert done.outcome.reason == "agent"


def test_a_key_that_transfers_needs_no_leave_of_the_model(tmp_path: Path):
    assert "transfer_call" not in KEYED.tools
    done = call(tmp_path, Caller().presses("1", at=3.0).hangs_up(at=60))
    assert done.first(ToolFinished).ok
    assert done.said[-1] == ("agent", "I'm connecting you to Sales now.")
    assert done.outcome.reason == "transfer"
    assert done.line.transferred_to == "+13125550100"


def test_a_tool_that_waits_for_a_yes_gets_none_from_a_key(tmp_path: Path):
    booking = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"}, confirm=True)
    caller = Caller().says("Book Tuesday at ten.", at=3.0).presses("9", after=0.5).hangs_up(at=60)
    done = call(tmp_path, caller, ["Shall I book Tuesday at ten?", booking])
    assert [event.name for event in done.all(ToolStarted)] == ["mark_do_not_call"]
    assert [event.why for event in done.all(ToolDropped)] == ["changed_topic"]


def test_a_silent_caller_who_presses_keys_is_not_asked_whether_he_is_there(tmp_path: Path):
    caller = Caller().presses("1234567890", at=10.5).hangs_up(at=14)
    done = call(tmp_path, caller, LONG)
    assert [line.why for line in done.all(FixedLine)] == ["greeting"]
    assert done.all(AgentStopped)


def test_what_goes_wrong_is_told_in_words_for_the_caller(tmp_path: Path):
    lost = replace(KEYED, keys={"1": "transfer_call:nowhere"})
    caller = Caller().presses("1", at=3.0).hangs_up(at=9)
    done = call(tmp_path / "a", caller, scene=replace(SCENE, agent=lost))
    assert done.said[-1] == ("agent", AGENT.apology)
    caller = Caller().presses("9", at=3.0).hangs_up(at=12)
    done = call(tmp_path / "b", caller, scene=replace(SCENE, caller_number=""))
    assert done.said[-1][1].endswith("Which number should I take off the list?")
    assert done.outcome.reason == "caller"
