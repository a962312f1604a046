"""What a call is told from outside, at every moment of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.call.inbox import Context, EndNow, LeaveMessage, Order, SayGoodbye, UserText
from sdr_lab.events import (
    AgentStopped,
    FixedLine,
    Interrupted,
    MarkPlayed,
    OrderTaken,
    SpeculationEnded,
    TimedOut,
    ToolFinished,
    ToolStarted,
    TurnOver,
    Withdrawn,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings, ToolCall
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import CONDITIONS
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse
from sdr_lab.tts.tone import Tone

FIXED = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)
FIRST = "I would like to tell you about our new plan today."
MORE = " It has all that you need." * 6
MESSAGE = "This is Joe of Maplewood. Please call us back."
ASKS = Caller().says("Tell me more.", at=3.0, lasts=1.0)
"""The pause ends at 4.5 s, the answer begins there."""


class SlowCalendar(MemoryCalendar):
    """Takes 2 s."""

    async def book(self, *args, **fields):
        await asyncio.sleep(2)
        return await super().book(*args, **fields)


def told(
    tmp_path: Path, caller: Caller, *orders: tuple[float, Order], scene: Scene | None = None,
    **model: object,
) -> Rehearsal:  # fmt: skip
    scene = replace(scene or Scene(settings=FIXED), orders=orders)
    replies = [FIRST + MORE, "Right."]
    return rehearse(caller, ScriptedModel(replies, **model), tmp_path, scene)  # pyright: ignore


def patient(caller: Caller | None = None) -> Caller:
    """A caller who does not hang up by himself."""
    return Caller(list(caller.acts) if caller else []).hangs_up(at=120)


# ---- goodbye


@pytest.mark.parametrize("at_s", [0.01, 1.0, 2.5, 3.5, 4.3, 4.6, 7.0, 9.0])
def test_goodbye_is_said_and_heard_whenever_it_is_wanted(tmp_path: Path, at_s: float):
    """In the greeting, while nobody speaks, in his turn, in the pause, in the reply."""
    done = told(tmp_path, patient(ASKS), (at_s, SayGoodbye("shutdown")))
    assert done.outcome.reason == "shutdown"
    assert [text for who, text in done.said if who == "agent"][-1] == AGENT.goodbye
    assert [line.why for line in done.all(FixedLine)][-1] == "goodbye"
    assert done.all(MarkPlayed)[-1].heard
    assert done.outcome.duration_ms <= at_s * 1000 + 3000 + 3000
    assert not done.all(Interrupted)
    assert not done.all(Withdrawn)


def test_the_sentence_that_is_being_spoken_may_end(tmp_path: Path):
    done = told(tmp_path, patient(ASKS), (5.0, SayGoodbye()))
    heard = [text for who, text in done.said if who == "agent"]
    assert heard[1] == "I would like to tell you about our new plan today."
    assert heard[2] == AGENT.goodbye


def test_a_sentence_that_does_not_end_is_cut(tmp_path: Path):
    scene = Scene(settings=FIXED, voice=Tone(syllable_ms=450))
    done = told(tmp_path, patient(ASKS), (5.0, SayGoodbye()), scene=scene)
    stopped = done.all(AgentStopped)[-2]
    assert FIRST.startswith(stopped.text)
    assert stopped.at_ms == pytest.approx(8000, abs=40)
    assert done.said[-1] == ("agent", AGENT.goodbye)


def test_a_goodbye_is_not_stopped_by_talk(tmp_path: Path):
    caller = patient(Caller().cuts_in("Wait, one more question!", into=0.2).says("Hello?", at=3.5))
    done = told(tmp_path, caller, (3.0, SayGoodbye("shutdown")))
    assert done.outcome.reason == "shutdown"
    assert done.said[-2] == ("agent", AGENT.goodbye)
    assert done.said[-1] == ("caller", "Hello?")  # what he said last counts, but gets no answer


def test_take_me_off_your_list_counts_while_goodbye_is_said(tmp_path: Path):
    numbers = MemoryDoNotCall()
    scene = Scene(settings=FIXED, do_not_call=numbers)
    caller = patient(Caller().says("Take me off your list.", at=3.4, lasts=1.0))
    done = told(tmp_path, caller, (3.0, SayGoodbye("shutdown")), scene=scene)
    assert list(numbers.reasons) == [scene.caller_number]
    assert done.outcome.reason == "shutdown"


def test_goodbye_twice_is_said_once(tmp_path: Path):
    done = told(tmp_path, patient(), (3.0, SayGoodbye("a")), (3.5, SayGoodbye("b")))
    assert [line.why for line in done.all(FixedLine)] == ["greeting", "goodbye"]
    assert done.outcome.reason == "a"


def test_a_caller_who_hangs_up_in_the_goodbye_has_ended_the_call(tmp_path: Path):
    done = told(tmp_path, Caller().hangs_up(at=3.5), (3.0, SayGoodbye("shutdown")))
    assert done.outcome.reason == "caller"


def test_a_voice_that_says_nothing_does_not_keep_the_call_open(tmp_path: Path):
    scene = Scene(settings=FIXED, voice=Tone(delay_ms=14_000))
    done = told(tmp_path, patient(), (20.0, SayGoodbye("shutdown")), scene=scene)
    assert done.outcome.reason == "shutdown"
    assert done.all(TimedOut)[-1].name == "overdue"
    assert done.outcome.duration_ms <= 32_500


def test_the_longest_call_ends_with_a_goodbye(tmp_path: Path):
    scene = Scene(settings=replace(FIXED, max_call_s=6))
    done = told(tmp_path, patient(ASKS), scene=scene)
    assert done.first(TimedOut).name == "max_length"
    assert done.outcome.reason == "max_length"
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.duration_ms < 6000 + 100 + 6000


# ---- a message


@pytest.mark.parametrize("at_s", [0.01, 1.0, 2.5, 3.5, 4.3, 4.6, 7.0])
def test_a_message_is_left_whenever_a_machine_is_noticed(tmp_path: Path, at_s: float):
    done = told(tmp_path, patient(ASKS), (at_s, LeaveMessage(MESSAGE)))
    assert done.outcome.reason == "voicemail"
    assert done.said[-1] == ("agent", MESSAGE)
    assert done.all(MarkPlayed)[-1].heard
    assert [line.why for line in done.all(FixedLine)][-1] == "voicemail"
    assert not done.all(Interrupted)


def test_a_message_clears_the_line_at_once(tmp_path: Path):
    done = told(tmp_path, patient(ASKS), (6.0, LeaveMessage(MESSAGE)))
    assert done.line.clears[-1].at_ms == pytest.approx(6000, abs=40)
    assert done.line.clears[-1].dropped_ms > 0
    heard = done.all(AgentStopped)[1].text
    assert heard
    assert (FIRST + MORE).startswith(heard)


def test_a_message_waits_for_the_machine_to_be_silent(tmp_path: Path):
    machine = patient(Caller().says("You have reached Ann. Leave a message.", at=2.0, lasts=4.0))
    done = told(tmp_path, machine, (3.0, LeaveMessage(MESSAGE)))
    line = done.all(FixedLine)[-1]
    assert line.why == "voicemail"
    assert line.at_ms == pytest.approx(6000 + 800, abs=100)
    assert done.said[-1] == ("agent", MESSAGE)
    assert not done.all(TurnOver)


def test_a_machine_that_never_stops_gets_the_message_all_the_same(tmp_path: Path):
    machine = patient(Caller().says("bla " * 50, at=2.0, lasts=60.0))
    done = told(tmp_path, machine, (3.0, LeaveMessage(MESSAGE)))
    assert done.outcome.reason == "voicemail"
    assert done.said[-1] == ("agent", MESSAGE)
    assert done.outcome.duration_ms < 30_000


def test_nothing_of_a_machines_talk_is_answered_or_obeyed(tmp_path: Path):
    numbers = MemoryDoNotCall()
    scene = Scene(settings=FIXED, do_not_call=numbers)
    machine = patient(Caller().says("Do not call me again.", at=5.5, lasts=2.0))
    done = told(tmp_path, machine, (3.0, LeaveMessage(MESSAGE + MORE)), scene=scene)
    assert done.said[-1] == ("agent", MESSAGE + MORE)
    assert not done.all(TurnOver)
    assert not done.all(ToolStarted)
    assert not numbers.reasons


def test_a_message_follows_a_goodbye_that_had_begun(tmp_path: Path):
    done = told(tmp_path, patient(), (3.0, SayGoodbye()), (3.5, LeaveMessage(MESSAGE)))
    assert done.said[-1] == ("agent", MESSAGE)
    assert done.outcome.reason == "voicemail"


def test_without_a_message_the_line_is_hung_up(tmp_path: Path):
    done = told(tmp_path, patient(), (3.0, LeaveMessage()))
    assert done.outcome.reason == "voicemail"
    assert done.outcome.duration_ms == pytest.approx(3000, abs=40)


def test_the_agents_own_message_is_filled(tmp_path: Path):
    agent = replace(AGENT, voicemail_message="This is {{agent_name}}.", name="Joe")
    done = told(tmp_path, patient(), (3.0, LeaveMessage()), scene=Scene(agent=agent))
    assert done.said[-1] == ("agent", "This is Joe.")


def test_a_machine_that_hangs_up_is_a_machine(tmp_path: Path):
    done = told(tmp_path, Caller().hangs_up(at=4.5), (3.0, LeaveMessage(MESSAGE)))
    assert done.outcome.reason == "voicemail"


def test_a_machine_that_is_noticed_while_a_tool_runs_hears_the_message(tmp_path: Path):
    """What has begun is finished, but nobody is told of it."""
    scene = Scene(settings=FIXED, calendar=SlowCalendar())
    caller = patient(Caller().says("Book Tuesday at ten.", at=3.0, lasts=1.0))
    booking = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"})
    scene = replace(scene, orders=((5.0, LeaveMessage(MESSAGE)),))
    done = rehearse(caller, ScriptedModel([[booking]]), tmp_path, scene)
    assert done.first(ToolStarted).at_ms < 5000
    assert done.first(ToolFinished).ok
    assert [text for _, text in done.said if text][1:] == ["Book Tuesday at ten.", MESSAGE]
    assert done.outcome.reason == "voicemail"


def test_a_message_that_the_network_ended_was_left_to_a_machine(tmp_path: Path):
    """The status callback came before the end of the stream."""
    orders = [(3.0, LeaveMessage(MESSAGE)), (4.5, EndNow("caller"))]
    assert told(tmp_path, patient(), *orders).outcome.reason == "voicemail"


# ---- the end, typed words, context


@pytest.mark.parametrize("at_s", [0.01, 2.5, 3.5, 4.3, 6.0])
def test_end_now_is_now(tmp_path: Path, at_s: float):
    done = told(tmp_path, patient(ASKS), (at_s, EndNow("api")))
    assert done.outcome.reason == "api"
    assert done.outcome.duration_ms == pytest.approx(at_s * 1000, abs=40)
    assert done.first(OrderTaken).order == "end"


def test_words_right_before_the_end_count(tmp_path: Path):
    numbers = MemoryDoNotCall()
    caller = patient(Caller().says("Take me off your list.", at=3.0, lasts=1.0))
    scene = Scene(settings=FIXED, do_not_call=numbers)
    told(tmp_path, caller, (4.5, EndNow("api")), scene=scene)
    assert list(numbers.reasons) == [scene.caller_number]


def test_typed_words_are_a_turn(tmp_path: Path):
    done = told(tmp_path, Caller().hangs_up(at=20), (3.0, UserText("How much is it?")))
    over = done.first(TurnOver)
    assert (over.text, over.why, over.pause_ms) == ("How much is it?", "typed", 0)
    assert over.at_ms == pytest.approx(3000, abs=40)
    assert done.said[1:] == [("caller", "How much is it?"), ("agent", FIRST + MORE)]


def test_typed_words_cut_in(tmp_path: Path):
    done = told(tmp_path, Caller(list(ASKS.acts)).hangs_up(at=12), (6.0, UserText("Stop.")))
    assert done.first(Interrupted).at_ms == pytest.approx(6000, abs=40)
    assert done.said[-2:] == [("caller", "Stop."), ("agent", "Right.")]


def test_typed_words_join_a_turn_that_is_being_answered(tmp_path: Path):
    caller = Caller(list(ASKS.acts)).hangs_up(at=20)
    done = told(tmp_path, caller, (4.7, UserText("About prices.")), first_delay_ms=1500)
    assert done.all(Withdrawn)
    assert done.all(TurnOver)[-1].text == "Tell me more. About prices."


def test_blank_words_are_nothing(tmp_path: Path):
    done = told(tmp_path, Caller().hangs_up(at=5), (3.0, UserText("  ")))
    assert not done.all(TurnOver)


def test_context_is_in_the_next_prompt_and_wants_no_answer(tmp_path: Path):
    prompts = []

    def reply(prompt):
        prompts.append(prompt.system)
        return ["Right."]

    scene = Scene(settings=FIXED, orders=((4.3, Context("He has opened\nthe page on prices.")),))
    done = rehearse(Caller(list(ASKS.acts)).hangs_up(at=9), ScriptedModel(reply), tmp_path, scene)
    assert [text for who, text in done.said if who == "agent"] == [AGENT.first_message, "Right."]
    assert "He has opened the page on prices." not in prompts[0]  # prepared before, thrown away
    assert "He has opened the page on prices." in prompts[-1]
    assert not done.first(SpeculationEnded).used


@pytest.mark.parametrize("line", CONDITIONS)
def test_orders_work_on_every_line(tmp_path: Path, line: str):
    scene = Scene(settings=FIXED, condition=CONDITIONS[line])
    done = told(tmp_path, patient(ASKS), (6.0, LeaveMessage(MESSAGE)), scene=scene)
    assert done.outcome.reason == "voicemail"
    assert done.said[-1] == ("agent", MESSAGE)
