"""Whole calls on the virtual clock. Times are sums that can be done in the head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.audio.wav import read_info
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    Interrupted,
    LineCleared,
    MarkPlayed,
    ProviderFailed,
    SpeculationEnded,
    SpeculationStarted,
    TimedOut,
    ToolDropped,
    ToolFinished,
    ToolProposed,
    ToolStarted,
    TurnDropped,
    TurnOver,
    Withdrawn,
    read_events,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings, ToolCall
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.stt.utterances import Utterances
from sdr_lab.tts.tone import Tone

FIXED = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)
SCENE = Scene(settings=FIXED)
LONG = "I would like to tell you about our new plan today and about all that it can do for you."


def call(
    tmp_path: Path, caller: Caller, *replies: object, scene: Scene = SCENE, **model: object
) -> Rehearsal:
    return rehearse(caller, ScriptedModel(list(replies), **model), tmp_path, scene)  # pyright: ignore


def test_a_call_of_two_turns(tmp_path: Path):
    caller = Caller().says("How much is it?").says("Thank you, bye.")
    done = call(tmp_path, caller, "It is $49.", "Goodbye.")
    assert done.said == [
        ("agent", "Hello, this is Joe."),
        ("caller", "How much is it?"),
        ("agent", "It is $49."),
        ("caller", "Thank you, bye."),
        ("agent", "Goodbye."),
    ]
    assert done.outcome.reason == "caller"
    assert isinstance(done.events[-1], CallEnded)


def test_the_reply_begins_when_the_pause_is_over(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?", at=3.0, lasts=1.0), "It is $49.")
    over, started = done.first(TurnOver), done.all(AgentStarted)[1]
    assert over.last_voiced_ms == 4000
    assert over.at_ms == 4500
    assert started.at_ms == 4500
    assert started.clock_ms == over.clock_ms  # zero delay in the doubles, none of our own


def test_cutting_in_keeps_only_what_was_heard(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0)
    done = call(tmp_path, caller, LONG, "Yes?")
    cut = done.first(Interrupted)
    assert cut.planned.startswith(cut.heard)
    assert 0 < len(cut.heard.split()) < len(LONG.split())
    history = [message.text for message in done.session.conversation.history]
    assert cut.heard in history
    assert LONG not in history
    assert ("caller", "Wait, stop.") in done.said


def test_cutting_in_clears_the_line_within_the_detectors_time(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0)
    done = call(tmp_path, caller, LONG, "Yes?")
    onset_ms = done.line.caller.spoken[1].start_ms
    cleared = done.first(LineCleared)
    assert cleared.at_ms - onset_ms <= 140
    assert done.line.clears[0].dropped_ms > 0
    after = done.line.played[cleared.at_ms * 8 : cleared.at_ms * 8 + 8000]
    assert set(after) == {0xFF}


def test_marks_returned_by_a_clear_do_not_count_as_heard(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0)
    done = call(tmp_path, caller, "One moment please, sir. And then we go on. " + LONG, "Yes?")
    assert any(not mark.heard for mark in done.all(MarkPlayed)) or done.line.clears
    names = [mark.name for mark in done.all(MarkPlayed)]
    assert len(names) == len(set(names))


def test_the_caller_goes_on_and_the_reply_is_withdrawn(tmp_path: Path):
    caller = Caller().says("We are ten people", at=3.0, lasts=1.0)
    caller.says("in the field.", at=5.0, lasts=1.0)
    done = call(tmp_path, caller, "Never.", "Growth fits.", first_delay_ms=1500)
    assert done.all(Withdrawn)
    assert [turn.text for turn in done.all(TurnOver)] == [
        "We are ten people",
        "We are ten people in the field.",
    ]
    assert ("agent", "Never.") not in done.said
    assert done.said[-1] == ("agent", "Growth fits.")


def test_speculation_prepares_in_the_pause_and_is_used(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?"), "It is $49.", first_delay_ms=200)
    assert [event.used for event in done.all(SpeculationEnded)] == [True]
    over, started = done.first(TurnOver), done.all(AgentStarted)[1]
    assert started.clock_ms == over.clock_ms  # the model's 200 ms lay in the pause
    assert done.first(SpeculationStarted).clock_ms < over.clock_ms


def test_without_speculation_the_models_time_is_heard(tmp_path: Path):
    scene = replace(SCENE, settings=replace(FIXED, speculate=False))
    done = call(
        tmp_path, Caller().says("How much is it?"), "It is $49.", scene=scene, first_delay_ms=200
    )
    over, started = done.first(TurnOver), done.all(AgentStarted)[1]
    assert not done.all(SpeculationStarted)
    assert started.clock_ms - over.clock_ms == pytest.approx(200, abs=1)


def test_a_speculation_that_the_caller_outruns_leaves_no_trace(tmp_path: Path):
    caller = Caller().says("Book it", at=3.0, lasts=0.6).says("no wait", at=3.9, lasts=0.6)
    booked = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"})
    done = call(tmp_path, caller, ["Booked.", booked], "As you like.")
    assert [event.used for event in done.all(SpeculationEnded)] == [False, True]
    assert not done.all(ToolStarted)
    assert ("agent", "As you like.") in done.said


def test_a_tool_runs_and_its_result_is_spoken(tmp_path: Path):
    booking = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"})

    def reply(prompt):
        return [prompt.results[-1].content] if prompt.results else ["Let me see. ", booking]

    done = rehearse(Caller().says("Book Tuesday at ten."), ScriptedModel(reply), tmp_path, SCENE)
    finished = done.first(ToolFinished)
    assert finished.ok
    assert len(done.all(ToolStarted)) == 1
    assert "Let me see." in done.said[-1][1]
    assert "Tuesday" in done.said[-1][1]


def test_a_tool_of_a_withdrawn_reply_never_runs(tmp_path: Path):
    booking = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"})
    caller = Caller().says("Book it then", at=3.0, lasts=1.0)
    caller.says("actually no, do not.", at=4.8, lasts=1.0)
    done = call(tmp_path, caller, [booking], "Fine.", first_delay_ms=800)
    assert done.all(Withdrawn)
    assert not done.all(ToolStarted)


@pytest.mark.parametrize(
    ("answer", "ran", "why"),
    [("Yes, please.", True, ""), ("No.", False, "denied"),
     ("How much is it?", False, "changed_topic")],
)  # fmt: skip
def test_a_tool_that_wants_a_yes(tmp_path: Path, answer: str, ran: bool, why: str):
    booking = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"}, confirm=True)
    caller = Caller().says("Book Tuesday at ten.").says(answer)
    done = call(tmp_path, caller, ["Shall I book Tuesday at ten?", booking], "Well.", "Well.")
    assert done.first(ToolProposed).name == "book_appointment"
    assert bool(done.all(ToolStarted)) is ran
    assert [event.why for event in done.all(ToolDropped)] == ([why] if why else [])


def test_end_call_waits_until_the_goodbye_was_heard(tmp_path: Path):
    done = call(
        tmp_path,
        Caller().says("That is all, bye."),
        ["Goodbye and good luck.", ToolCall("end_call", {"reason": "done"})],
    )
    assert done.outcome.reason == "agent"
    assert done.said[-1] == ("agent", "Goodbye and good luck.")
    assert done.all(MarkPlayed)[-1].heard


def test_take_me_off_your_list_works_whatever_the_model_says(tmp_path: Path):
    scene = replace(SCENE)
    caller = Caller().says("Take me off your list and never call me again.")
    done = call(tmp_path, caller, "But our prices are great!", scene=scene)
    assert done.first(ToolFinished).name == "mark_do_not_call"
    assert done.first(ToolFinished).ok


def test_a_failing_model_is_an_apology(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?"), "x", fail_at=0)
    assert done.first(ProviderFailed).stage == "llm"
    assert done.said[-1] == ("agent", AGENT.apology)


def test_a_model_that_never_answers_is_an_apology(tmp_path: Path):
    scene = replace(SCENE, settings=replace(FIXED, reply_timeout_s=3))
    done = call(tmp_path, Caller().says("How much is it?"), "x", scene=scene, first_delay_ms=60_000)
    assert done.said[-1] == ("agent", AGENT.apology)


def test_an_empty_answer_is_an_apology(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?"), "...")
    assert done.said[-1] == ("agent", AGENT.apology)


def test_a_failing_transcriber_is_an_apology_and_is_tried_again(tmp_path: Path):
    def fails_once(line):
        return ScriptedTranscriber(lambda: line.caller.spoken, fails_at_ms=3000)

    scene = replace(SCENE, transcriber=fails_once)
    done = call(tmp_path, Caller().says("Hello?", at=9.0), "It is $49.", scene=scene)
    assert done.first(ProviderFailed).stage == "stt"
    assert ("agent", AGENT.apology) in done.said


def test_a_silent_caller_is_asked_twice_and_then_let_go(tmp_path: Path):
    done = call(tmp_path, Caller().hangs_up(at=120))
    prompts = [text for who, text in done.said if who == "agent"]
    assert prompts == ["Hello, this is Joe.", AGENT.reprompt, AGENT.reprompt, AGENT.goodbye]
    assert done.outcome.reason == "silence"


def test_the_longest_call(tmp_path: Path):
    scene = replace(SCENE, settings=replace(FIXED, max_call_s=5, silence_prompt_s=60))
    done = call(tmp_path, Caller().hangs_up(at=120), scene=scene)
    assert done.outcome.reason == "max_length"
    assert done.first(TimedOut).name == "max_length"
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.duration_ms <= 5200 + 3000


def test_an_interruption_without_words_resumes_without_losing_a_word(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("", into=1.0, lasts=0.3)
    done = call(tmp_path, caller, LONG)
    assert done.first(TurnDropped).why == "no_words"
    cut = done.first(Interrupted)
    rest = done.said[-1][1]
    assert f"{cut.heard} {rest}".split() == LONG.split()


def test_the_recording_is_what_was_played(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0)
    done = call(tmp_path, caller, LONG, "Yes?")
    info = read_info(done.folder / "audio.wav")
    assert info.channels == 2
    assert info.duration_ms == done.outcome.duration_ms
    raw = (done.folder / "audio.wav").read_bytes()
    right = raw[raw.index(b"data") + 8 :][1::2][: done.outcome.duration_ms * 8]
    assert right == bytes(done.line.played[: len(right)])


def test_two_runs_give_identical_events(tmp_path: Path):
    def once(name: str) -> str:
        caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0).says("Bye.")
        done = call(tmp_path / name, caller, LONG, "Yes?", "Goodbye.")
        return (done.folder / "events.jsonl").read_text()

    assert once("a") == once("b")


def test_the_log_on_disk_is_the_log(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?"), "It is $49.")
    assert list(read_events(done.folder / "events.jsonl")) == done.events
    assert "It is $49." in (done.folder / "transcript.txt").read_text()


def test_a_long_answer_stops_after_ten_sentences(tmp_path: Path):
    done = call(tmp_path, Caller().says("Tell me all."), "This is one. " * 30)
    assert done.all(AgentStopped)[1].text.count("This is one.") == 10


def test_a_slow_voice_does_not_lose_order(tmp_path: Path):
    scene = replace(SCENE, voice=Tone(delay_ms=120))
    done = call(tmp_path, Caller().says("Tell me more."), LONG + " That is it.", scene=scene)
    assert done.said[-1] == ("agent", LONG + " That is it.")


def test_words_of_a_withdrawn_turn_stand_once_in_the_history(tmp_path: Path):
    caller = Caller().says("We are ten people", at=3.0, lasts=1.0)
    caller.says("in the field.", at=5.0, lasts=1.0)
    done = call(tmp_path, caller, "Never.", "Growth fits.", first_delay_ms=1500)
    said = [m.text for m in done.session.conversation.history if m.role == "caller"]
    assert said == ["We are ten people in the field."]


def test_a_goodbye_that_noise_cut_off_still_ends_the_call(tmp_path: Path):
    caller = Caller().says("That is all, bye.").cuts_in("", into=0.8, lasts=0.3).hangs_up(at=60)
    farewell = "Thank you very much for your time and have a wonderful day, goodbye."
    done = call(tmp_path, caller, [farewell, ToolCall("end_call", {"reason": "done"})])
    assert done.all(Interrupted)
    assert done.outcome.reason == "agent"


class Broken:
    """A voice, model and transcriber with a bug in it."""

    name = "broken"

    async def recognise(self, mulaw: bytes):
        raise KeyError("bug")

    async def reply(self, prompt):
        yield "Well, "
        raise KeyError("bug")

    async def warm_up(self, prompt=None):
        raise KeyError("bug")


def test_a_bug_in_a_model_is_an_apology_and_not_the_end(tmp_path: Path):
    caller = Caller().says("How much is it?").says("Hello?")
    done = rehearse(caller, Broken(), tmp_path, SCENE)
    assert done.outcome.reason == "caller"
    assert sum(AGENT.apology in text for _, text in done.said) == 2
    assert "bug" in done.first(ProviderFailed).error


def test_a_bug_in_a_recogniser_is_an_apology_and_then_the_end(tmp_path: Path):
    scene = replace(SCENE, transcriber=lambda line: Utterances(Broken()))
    caller = Caller().says("How much is it?").says("Hello?").says("Hello?").hangs_up(at=60)
    done = rehearse(caller, ScriptedModel([]), tmp_path, scene)
    assert ("agent", AGENT.apology) in done.said
    assert done.outcome.reason == "error"
