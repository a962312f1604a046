"""Holds in whole calls: the agent falls silent, and goes on without losing a word.

The detector counts voiced frames (120 ms hold, 300 ms stop), the voice is one tone a word: what
was played can be compared with what the voice made, sample by sample.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.wav import read_mulaw
from sdr_lab.call.inbox import EndNow, LeaveMessage, SayGoodbye, UserText
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    Held,
    Interrupted,
    LineCleared,
    MarkPlayed,
    Resumed,
    TurnDropped,
    TurnOver,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, InterruptSettings, ToolCall
from sdr_lab.replay.decisions import replay_decisions
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import CONDITIONS, Condition
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse
from sdr_lab.tts.tone import Tone

VOICED = "sdr_lab.turns.detectors.scripted:VoicedDetector"
LONG = "I would like to tell you about our new plan today and about all that it can do for you."
COUGH_S = 0.2
HOLD_MS = 800
ORDER_S = 5.75
"""In the hold: the reply begins at 4.5 s or so, he coughs a second later."""


def settings(**changes: Any) -> CallSettings:
    return CallSettings(interrupt=InterruptSettings(detector=VOICED, **changes))


def call(
    tmp_path: Path,
    caller: Caller,
    *replies: Any,
    scene: Scene | None = None,
    model: dict[str, Any] | None = None,
    **changes: Any,
) -> Rehearsal:
    made = settings(**changes)
    scene = replace(scene or Scene(), settings=made)
    done = rehearse(caller, ScriptedModel(list(replies), **(model or {})), tmp_path, scene)
    replay = replay_decisions(done.folder)
    assert replay.same_decisions, [difference.text for difference in replay.differences]
    return done


def coughs(into: float = 1.0, lasts: float = COUGH_S, text: str = "") -> Caller:
    """Asks, and makes a noise while he is told."""
    return Caller().says("Tell me more.", at=3.0, lasts=1.0).cuts_in(text, into=into, lasts=lasts)


def played(done: Rehearsal) -> bytes:
    """What the caller heard of us, by the recording."""
    return b"".join(read_mulaw(done.folder / "audio.wav", channel=1))


def made(text: str, voice: Tone | None = None) -> bytes:
    """What the voice makes of one sentence."""

    async def speak() -> bytes:
        return b"".join([pcm_to_mulaw(s.pcm) async for s in (voice or Tone()).speak(text)])

    return asyncio.run(speak())


def again_ms(done: Rehearsal, held: Held, sentence: str, begun_ms: int) -> int:
    """Check that what was played around a hold is the whole sentence; return what came twice."""
    sound, right = mulaw_to_pcm(made(sentence)), mulaw_to_pcm(played(done))
    before = right[begun_ms * 8 : held.at_ms * 8]
    assert np.array_equal(before, sound[: len(before)])
    resumed = next(e for e in done.all(Resumed) if e.at_ms > held.at_ms)
    quiet = right[held.at_ms * 8 : resumed.at_ms * 8]
    assert not quiet.any()
    rest = len(before) - resumed.repeated_ms * 8
    after = right[resumed.at_ms * 8 :][: len(sound) - rest]
    assert np.array_equal(after[40:], sound[rest:][40:])  # but for the fade, nothing is missing
    assert np.all(np.abs(after[:40]) <= np.abs(sound[rest:][:40]) + 8)
    return resumed.repeated_ms


def words_within(sentence: str, start_ms: int, end_ms: int) -> int:
    times = Tone().word_times(sentence)
    return sum(begin < end_ms and end - 40 > start_ms for _, begin, end in times)


@pytest.mark.parametrize("into", [0.2, 0.7, 1.0, 1.33, 2.0, 2.71, 3.5])
def test_a_cough_holds_the_agent_and_no_word_is_lost(tmp_path: Path, into: float):
    sentence = "Plans begin at forty nine dollars a month for every team of technicians you have."
    done = call(tmp_path, coughs(into), "Well. " + sentence)

    held, resumed = done.first(Held), done.first(Resumed)
    assert (resumed.held_ms, resumed.why) == (HOLD_MS, "expired")
    assert not done.all(Interrupted)
    assert done.said[-1] == ("agent", "Well. " + sentence)
    assert resumed.repeated_ms <= 1200
    assert held.turn == resumed.turn == 1
    assert len(done.all(LineCleared)) == 1
    assert done.outcome.underruns == 0
    assert [mark.heard for mark in done.all(MarkPlayed)][-1]


@pytest.mark.parametrize("into", [0.1, 0.3, 0.65, 1.0, 1.2, 1.4, 1.6])
def test_all_words_are_in_the_recording_and_two_at_most_twice(tmp_path: Path, into: float):
    sentence = "Every plan has dispatch and invoices."  # one piece for the voice
    done = call(tmp_path, coughs(into), sentence)

    held = done.first(Held)
    begun_ms = done.all(AgentStarted)[1].at_ms
    repeated_ms = again_ms(done, held, sentence, begun_ms)

    cut_ms = held.at_ms - begun_ms
    assert words_within(sentence, cut_ms - repeated_ms, cut_ms) <= 2
    starts = [begin for _, begin, end in Tone().word_times(sentence) if end - 40 > cut_ms]
    assert cut_ms - repeated_ms <= max(starts[0] + 1, cut_ms)  # the word in progress, whole
    heard = [begin for _, begin, end in Tone().word_times(sentence) if begin < cut_ms < end - 40]
    assert all(cut_ms - repeated_ms <= begin for begin in heard)
    assert sentence.startswith(held.heard)


def test_two_holds_in_a_row(tmp_path: Path):
    caller = coughs(0.8).says("", at=7.2, lasts=COUGH_S)
    done = call(tmp_path, caller, LONG)

    assert len(done.all(Held)) == len(done.all(Resumed)) == 2
    assert done.said[-1] == ("agent", LONG)
    first, second = done.all(Held)
    assert LONG.startswith(first.heard)
    assert second.heard.startswith(first.heard)
    assert [m.heard for m in done.all(MarkPlayed) if m.name.startswith("1:")].count(True) >= 2


def test_an_acknowledgement_is_no_interruption(tmp_path: Path):
    done = call(tmp_path, coughs(text="Mm-hmm.", lasts=0.28), LONG)
    held, resumed = done.first(Held), done.first(Resumed)
    assert resumed.why == "acknowledgement"
    assert resumed.at_ms - held.at_ms < HOLD_MS
    assert done.said[-1] == ("agent", LONG)
    assert done.first(TurnDropped).why == "acknowledgement"
    assert not done.all(Interrupted)


def test_a_stop_word_stops(tmp_path: Path):
    done = call(tmp_path, coughs(text="Stop.", lasts=0.26), LONG, "Sorry. What is it?")
    cut = done.first(Interrupted)
    assert cut.detector == "stop_word"
    assert cut.heard == done.first(Held).heard
    assert len(done.all(LineCleared)) == 1
    assert done.said[-2:] == [("caller", "Stop."), ("agent", "Sorry. What is it?")]


def test_a_real_interruption_after_a_hold(tmp_path: Path):
    done = call(tmp_path, coughs(text="How much is it?", lasts=1.2), LONG, "It is $49.")
    held, cut = done.first(Held), done.first(Interrupted)
    assert 180 <= cut.at_ms - held.at_ms <= 220
    assert (cut.heard, cut.onset_ms) == (held.heard, held.onset_ms)
    assert cut.planned == LONG
    assert [type(e) for e in done.events if isinstance(e, (LineCleared, Held, Interrupted))] == [
        LineCleared, Held, Interrupted,
    ]  # fmt: skip
    assert done.said[-2:] == [("caller", "How much is it?"), ("agent", "It is $49.")]


def test_an_interruption_that_proves_an_acknowledgement_is_resumed(tmp_path: Path):
    done = call(tmp_path, coughs(text="Okay, right.", lasts=0.6), LONG)
    cut = done.first(Interrupted)
    assert done.first(TurnDropped).why == "acknowledgement"
    assert f"{cut.heard} {done.said[-1][1]}" == LONG


@pytest.mark.parametrize("delay_ms", [0, 300, 900])
def test_a_hold_while_the_sound_is_still_being_made(tmp_path: Path, delay_ms: int):
    scene = Scene(voice=Tone(delay_ms=delay_ms))
    done = call(tmp_path, coughs(0.6), LONG + " That is it. Any more?", scene=scene)
    assert done.all(Held)
    assert done.said[-1] == ("agent", LONG + " That is it. Any more?")


def test_what_a_slow_model_had_not_written_is_not_lost(tmp_path: Path):
    model = {"piece_delay_ms": 120}
    done = call(tmp_path, coughs(0.6), LONG + " " + LONG, model=model)
    assert done.all(Held)
    assert done.said[-1] == ("agent", LONG + " " + LONG)


def test_nothing_is_held_when_only_the_mark_is_outstanding(tmp_path: Path):
    late = Condition("late", jitter_ms=60)
    length_s = len(made("Growth is right for you.")) / 8000
    caller = coughs(round(length_s - 0.05, 2), 0.5, "Good.")
    done = call(tmp_path, caller, "Growth is right for you.", "Yes.", scene=Scene(condition=late))
    assert not done.all(Held)
    assert not done.all(Interrupted)
    assert ("agent", "Growth is right for you.") in done.said
    assert ("caller", "Good.") in done.said


def test_a_hold_in_the_silence_behind_the_last_word(tmp_path: Path):
    text = "Growth is right for you."
    voice = Tone(gap_ms=1500)  # of a sentence that ends in a long silence
    scene = Scene(voice=voice)
    into = round(voice.word_times(text)[-1][1] / 1000 + 0.4, 2)
    caller = coughs(into, 0.16).says("And how much is it?", after=4.0, lasts=1.0)
    done = call(tmp_path, caller, text, "It is $49.", scene=scene)
    turns = [started.turn for started in done.all(AgentStarted)]
    assert turns == sorted(set(turns))
    assert (turns[-1], len(done.all(AgentStopped))) == (3, 3)
    assert done.said[-2:] == [("caller", "And how much is it?"), ("agent", "It is $49.")]


def test_a_goodbye_that_is_held_is_said_and_ends_the_call(tmp_path: Path):
    farewell = "Thank you very much for your time and have a wonderful day, goodbye."
    replies = [farewell, ToolCall("end_call", {"reason": "done"})]
    done = call(tmp_path, coughs(0.8).hangs_up(at=60), replies)
    assert done.all(Held)
    assert done.outcome.reason == "agent"
    assert done.said[-1] == ("agent", farewell)


def test_the_caller_hangs_up_during_a_hold(tmp_path: Path):
    done = call(tmp_path, coughs(1.0).hangs_up(at=ORDER_S), LONG)
    held, stopped = done.first(Held), done.all(AgentStopped)[-1]
    assert stopped.text == held.heard
    assert not done.all(Resumed)
    assert isinstance(done.events[-1], CallEnded)


@pytest.mark.parametrize("kind", [SayGoodbye, LeaveMessage, EndNow, UserText, "key"])
def test_orders_texts_and_keys_during_a_hold(tmp_path: Path, kind: Any):
    told = {"text": "And the price?"} if kind is UserText else {}
    told = {"reason": "x"} if kind in (SayGoodbye, EndNow) else told
    told = {"text": "Call us back."} if kind is LeaveMessage else told
    orders = () if kind == "key" else ((ORDER_S, kind(**told)),)
    caller = coughs(1.0)
    caller = caller.presses("1", at=ORDER_S) if kind == "key" else caller.hangs_up(at=30)
    done = call(tmp_path, caller, LONG, "It is $49.", scene=Scene(orders=orders))

    held = done.first(Held)
    assert held.at_ms < ORDER_S * 1000 < held.at_ms + HOLD_MS
    assert not done.all(Resumed)
    assert len([e for e in done.all(LineCleared) if e.turn == 1]) == 1
    heard = [text for who, text in done.said if who == "agent"][1]
    assert heard == held.heard
    if kind is SayGoodbye:
        assert done.said[-1] == ("agent", AGENT.goodbye)
    if kind is LeaveMessage:
        assert done.said[-1] == ("agent", "Call us back.")
    if kind is UserText or kind == "key":
        assert done.first(Interrupted).detector in ("typed", "keys")
        assert ("agent", "It is $49.") in done.said


def test_an_ordered_goodbye_lets_a_goodbye_go_on_that_is_held(tmp_path: Path):
    farewell = "Thank you very much for your time and have a wonderful day, goodbye."
    replies = [farewell, ToolCall("end_call", {"reason": "done"})]
    scene = Scene(orders=((ORDER_S, SayGoodbye("x")),))
    done = call(tmp_path, coughs(1.0).hangs_up(at=60), replies, scene=scene)
    assert done.first(Resumed).why == "order"
    assert done.said[-1] == ("agent", farewell)


def test_the_longest_call_ends_within_a_hold(tmp_path: Path):
    scene = Scene(settings=settings())
    made_ = replace(settings(), max_call_s=ORDER_S)
    done = rehearse(
        coughs(1.0).hangs_up(at=60), ScriptedModel([LONG]), tmp_path, replace(scene, settings=made_)
    )
    assert done.outcome.reason == "max_length"
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert replay_decisions(done.folder).same_decisions


def test_a_greeting_is_held_and_goes_on(tmp_path: Path):
    scene = Scene(agent=replace(AGENT, first_message=LONG))
    done = call(tmp_path, Caller().cuts_in("", into=1.0, lasts=COUGH_S), scene=scene)
    assert done.first(Held).turn == 0
    assert done.said == [("agent", LONG)]


def test_a_greeting_that_nobody_stops_is_answered_afterwards(tmp_path: Path):
    scene = Scene(agent=replace(AGENT, first_message=LONG))
    caller = Caller().cuts_in("Who is this please?", into=1.0, lasts=1.5)
    done = call(tmp_path, caller, "It is Joe.", scene=scene, greeting={"enabled": False})
    assert not done.all(Held)
    assert [who for who, _ in done.said] == ["agent", "caller", "agent"]
    assert done.said[0] == ("agent", LONG)


def test_thought_that_nobody_disturbs(tmp_path: Path):
    caller = Caller().says("How much is it?", at=3.0, lasts=1.0).says("For ten.", at=4.9, lasts=0.5)
    done = call(
        tmp_path, caller, "It is $49.", "Then $99.", model={"first_delay_ms": 2500},
        thinking={"enabled": False},
    )  # fmt: skip
    overs = [over.text for over in done.all(TurnOver)]
    assert overs == ["How much is it?", "For ten."]
    assert ("agent", "It is $49.") in done.said


@pytest.mark.parametrize("line", CONDITIONS)
@pytest.mark.parametrize("text", ["", "Mm-hmm.", "Stop.", "And how much is it?"])
def test_holds_on_every_line(tmp_path: Path, line: str, text: str):
    lasts = 1.2 if text.startswith("And") else COUGH_S
    caller = coughs(1.0, lasts, text).says("Bye.", after=2.0)
    done = call(tmp_path, caller, LONG, "Yes?", scene=Scene(condition=CONDITIONS[line]))
    assert done.all(Held)
    whole = ("agent", LONG) in done.said
    assert whole is (text in ("", "Mm-hmm.")) or line == "echo"
