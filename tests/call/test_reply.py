"""One reply: what its model, its tools and the clock may do to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.agents.memory import MemoryCalendar
from sdr_lab.call.session import TOOLS_END_S
from sdr_lab.call.tool_run import LIMIT_S
from sdr_lab.events import (
    Interrupted,
    ProviderFailed,
    ToolDropped,
    ToolFinished,
    ToolStarted,
    Withdrawn,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings, Prompt, ToolCall
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import AGENT, Scene, rehearse
from sdr_lab.tts.tone import Tone

FIXED = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)
TRANSFERRING = replace(
    AGENT, tools=(*AGENT.tools, "transfer_call"), departments={"sales": "+14155550100"}
)
SCENE = Scene(settings=FIXED, agent=TRANSFERRING)
END = ToolCall("end_call", {"reason": "done"})
TRANSFER = ToolCall("transfer_call", {"department": "sales"})


def test_a_model_that_stops_in_mid_answer_is_an_apology(tmp_path: Path):
    model = ScriptedModel([["It is four dollars. ", "And "]], piece_delay_ms=1e6)
    caller = Caller().says("How much is it?").hangs_up(at=40)
    done = rehearse(caller, model, tmp_path, SCENE)
    assert "no answer within 15 s" in done.first(ProviderFailed).error
    assert ("agent", f"It is four dollars. {AGENT.apology}") in done.said


def test_a_model_that_only_ends_the_call_says_goodbye_once(tmp_path: Path):
    done = rehearse(Caller().says("Bye then."), ScriptedModel(lambda _: [END]), tmp_path, SCENE)
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.reason == "agent"
    assert len(done.all(ToolStarted)) == 2


def test_a_model_that_only_transfers_says_so(tmp_path: Path):
    caller = Caller().says("Put me through to sales.")
    done = rehearse(caller, ScriptedModel(lambda _: [TRANSFER]), tmp_path, SCENE)
    assert done.said[-1] == ("agent", "I'm connecting you to sales now.")
    assert done.line.transferred_to == "+14155550100"


def test_a_transfer_that_was_announced_is_not_followed_by_an_apology(tmp_path: Path):
    caller = Caller().says("Put me through to sales.")
    model = ScriptedModel([["One moment please.", TRANSFER]])  # asked again it fails
    done = rehearse(caller, model, tmp_path, SCENE)
    assert done.said[-1] == ("agent", "One moment please.")
    assert done.outcome.reason == "transfer"
    assert not done.all(ProviderFailed)


def test_a_model_that_never_stops_calling_tools_is_stopped(tmp_path: Path):
    search = ToolCall("search_knowledge_base", {"query": "price"})
    caller = Caller().says("How much is it?")
    done = rehearse(caller, ScriptedModel(lambda _: [search]), tmp_path, SCENE)
    assert len(done.all(ToolStarted)) == 4
    assert done.said[-1] == ("agent", AGENT.apology)


class SlowCalendar(MemoryCalendar):
    """Takes three seconds to book."""

    async def book(self, *args, **fields):
        await asyncio.sleep(3)
        return await super().book(*args, **fields)


BOOKED = "You're booked for Tuesday, December first at 10 AM."
BOOKING = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"})


def tells(prompt: Prompt) -> list[str | ToolCall]:
    """Tell what was done, or else do it."""
    if prompt.results:
        return ["Well then. ", prompt.results[-1].content]
    return ["Let me see. ", BOOKING] if "Book" in prompt.words else ["Okay."]


def test_what_a_tool_did_is_told_in_the_next_reply_when_the_caller_cut_in(tmp_path: Path):
    scene = replace(SCENE, calendar=SlowCalendar())
    caller = Caller().says("Book Tuesday at ten.", at=3.0).cuts_in("Hm, wait.", into=2.2)
    done = rehearse(caller, ScriptedModel(tells), tmp_path, scene)
    assert done.first(Interrupted).heard == "Let me see."
    assert done.said[-1] == ("agent", f"Well then. {BOOKED}")
    assert len(done.all(ToolStarted)) == 1


def test_what_was_told_is_not_told_again(tmp_path: Path):
    caller = Caller().says("Book Tuesday at ten.", at=3.0).cuts_in("Hm, wait.", into=2.5)
    done = rehearse(caller, ScriptedModel(tells), tmp_path, SCENE)
    assert "booked" in done.first(Interrupted).heard
    assert done.said[-1] == ("agent", "Okay.")


def test_a_tool_of_a_withdrawn_reply_is_told_and_not_run_again(tmp_path: Path):
    def books_first(prompt: Prompt) -> list[str | ToolCall]:
        return [prompt.results[-1].content] if prompt.results else [BOOKING]

    slow = replace(SCENE, calendar=SlowCalendar())
    caller = Caller().says("Book Tuesday at ten", at=3.0, lasts=1.0)
    caller.says("if you can.", at=5.0, lasts=3.0)
    done = rehearse(caller, ScriptedModel(books_first), tmp_path, slow)
    assert done.all(Withdrawn)
    assert len(done.all(ToolStarted)) == 1
    assert done.said[-2:] == [
        ("caller", "Book Tuesday at ten if you can."),
        ("agent", BOOKED),
    ]


def test_a_goodbye_of_a_stopped_reply_is_not_made_up_for(tmp_path: Path):
    caller = Caller().says("Bye then.", at=3.0).cuts_in("How much is it?", into=0.3)
    seen: list[tuple[str, ...]] = []

    def model(prompt: Prompt) -> list[str | ToolCall]:
        seen.append(tuple(result.name for result in prompt.results))
        return ["It is $49."] if "much" in prompt.words else ["Goodbye and good luck.", END]

    done = rehearse(caller, ScriptedModel(model), tmp_path, SCENE)
    assert done.said[-1] == ("agent", "It is $49.")
    assert seen[-1] == ()


def asks(prompt: Prompt) -> list[str | ToolCall]:
    if "Book" not in prompt.words:
        return ["Okay."]
    text = "There are two times that are free on Tuesday in the morning. Shall I book ten?"
    return [text, replace(BOOKING, confirm=True)]


def test_a_yes_to_a_question_that_was_not_heard_runs_nothing(tmp_path: Path):
    caller = Caller().says("Book Tuesday.", at=3.0).cuts_in("Yes, please do.", into=0.8)
    done = rehearse(caller, ScriptedModel(asks), tmp_path, SCENE)
    assert "Shall" not in done.first(Interrupted).heard
    assert done.first(ToolDropped).why == "cancelled"
    assert not done.all(ToolStarted)


def test_a_question_that_noise_interrupted_is_asked_again_and_a_yes_runs_it(tmp_path: Path):
    caller = Caller().says("Book Tuesday.", at=3.0).cuts_in("", into=0.8, lasts=0.3)
    done = rehearse(caller.says("Yes, please."), ScriptedModel(asks), tmp_path, SCENE)
    assert done.first(Interrupted)
    assert [started.name for started in done.all(ToolStarted)] == ["book_appointment"]


# ---- interruptions that are none, with more written than spoken

SLOW_VOICE = replace(SCENE, voice=Tone(delay_ms=300))
TEN = " ".join(f"This is sentence number {number} of them all." for number in range(10))


def test_no_sentence_that_was_written_is_lost(tmp_path: Path):
    caller = Caller().says("Tell me all.", at=3.0).cuts_in("", into=1.0, lasts=0.3)
    done = rehearse(caller, ScriptedModel([TEN]), tmp_path, SLOW_VOICE)
    cut = done.first(Interrupted)
    assert len(cut.planned) < len(TEN)  # the voice had not been given all of it
    assert f"{cut.heard} {done.said[-1][1]}".split() == TEN.split()


def test_a_false_interruption_of_the_rest_loses_nothing_either(tmp_path: Path):
    caller = Caller().says("Tell me all.", at=3.0).cuts_in("", into=1.0, lasts=0.3)
    done = rehearse(
        caller.cuts_in("", into=2.0, lasts=0.3), ScriptedModel([TEN]), tmp_path, SLOW_VOICE
    )
    first, second = done.all(Interrupted)
    assert f"{first.heard} {second.heard} {done.said[-1][1]}".split() == TEN.split()


def test_a_slow_model_that_was_cut_off_has_said_what_it_had_written(tmp_path: Path):
    words = [f"{word} " for word in TEN.split()]
    model = ScriptedModel([words], piece_delay_ms=100)
    caller = Caller().says("Tell me all.", at=3.0).cuts_in("", into=2.0, lasts=0.3)
    done = rehearse(caller, model, tmp_path, SCENE)
    said = " ".join(text for _, text in done.said[2:])
    assert said in TEN
    assert len(said) > len(done.first(Interrupted).heard)


def test_what_comes_before_a_tool_is_written_in_order(tmp_path: Path):
    done = rehearse(Caller().says("Book Tuesday at ten."), ScriptedModel(tells), tmp_path, SCENE)
    assert done.said[-1] == ("agent", f"Let me see. Well then. {BOOKED}")


# ---- tools that hang


class HungCalendar(MemoryCalendar):
    """Never answers."""

    async def book(self, *args, **fields):
        await asyncio.sleep(1e6)
        raise AssertionError


def test_a_tool_that_hangs_does_not_keep_the_call_open(tmp_path: Path):
    scene = replace(SCENE, calendar=HungCalendar())
    caller = Caller().says("Book Tuesday at ten.", at=3.0).hangs_up(at=8.0)
    done = rehearse(caller, ScriptedModel([[BOOKING]]), tmp_path, scene)
    finished = done.first(ToolFinished)
    assert not finished.ok
    assert finished.content == "The call was over before it was done."
    assert done.events[-1].clock_ms == pytest.approx(8000 + 1000 * TOOLS_END_S, abs=50)
    assert done.outcome.duration_ms == pytest.approx(8000, abs=40)


def test_a_tool_that_hangs_is_given_up_and_the_caller_hears_of_it(tmp_path: Path):
    scene = replace(SCENE, calendar=HungCalendar())
    caller = Caller().says("Book Tuesday at ten.", at=3.0).says("Hello?", at=45.0)
    done = rehearse(caller.hangs_up(at=60), ScriptedModel(tells), tmp_path, scene)
    assert ("agent", f"Let me see. {AGENT.apology}") in done.said
    late = done.first(ToolFinished)
    assert late.clock_ms - done.first(ToolStarted).clock_ms == pytest.approx(1000 * LIMIT_S)
    assert ("agent", "Well then. That did not work just now.") in done.said


def test_a_tool_that_takes_longer_than_a_reply_is_told_in_the_next_one(tmp_path: Path):
    scene = replace(SCENE, calendar=SlowCalendar(), settings=replace(FIXED, reply_timeout_s=2))
    caller = Caller().says("Book Tuesday at ten.", at=3.0).says("Hello?", after=4.0)
    done = rehearse(caller, ScriptedModel(tells), tmp_path, scene)
    assert [text for who, text in done.said if who == "agent"][1:] == [
        f"Let me see. {AGENT.apology}",
        f"Well then. {BOOKED}",
    ]
    assert len(done.all(ToolStarted)) == 1
