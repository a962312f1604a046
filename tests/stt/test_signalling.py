"""The scripted transcriber that judges turns, and calls with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from sdr_lab.events import SpeculationEnded, SpeculationStarted, TurnOver, TurnSignalled
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import FRAME_MS, CallSettings, EndpointSettings, TurnSignal
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import Rehearsal, Scene, rehearse
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.scripted import Said
from sdr_lab.stt.signalling import SignallingTranscriber


async def results(*script: Said, until_ms: int, finish_ms: int = -1) -> list[tuple[int, str]]:
    async def audio() -> AsyncIterator[Heard | Cue]:
        for at_ms in range(0, until_ms, FRAME_MS):
            if at_ms == finish_ms:
                yield Cue.FINISH
            yield Heard(at_ms, b"\xff" * 160)

    told: list[tuple[int, str]] = []
    async for result in SignallingTranscriber(lambda: script).transcribe(audio()):
        if isinstance(result, TurnSignal):
            told.append((result.at_ms, result.signal.value))
        else:
            told.append((result.end_ms, ("=" if result.is_final else "~") + result.text))
    return told


async def test_a_turn_begins_may_be_over_and_is_over():
    assert await results(Said("Hello.", 1000, 1500), until_ms=3000) == [
        (1120, "turn_started"),
        (1660, "~Hello."),
        (1660, "turn_ending"),
        (1820, "=Hello."),
        (1820, "turn_ended"),
    ]


async def test_a_turn_that_goes_on_is_taken_back():
    script = Said("We are", 1000, 1500), Said("ten.", 1700, 2000)
    told = [text for _, text in await results(*script, until_ms=3000)]
    assert told == ["turn_started", "~We are", "turn_ending", "turn_resumed",
                    "~We are ten.", "turn_ending", "=We are ten.", "turn_ended"]  # fmt: skip


async def test_finish_is_answered_with_what_there_is():
    told = await results(Said("Hello.", 1000, 1500), until_ms=3000, finish_ms=1560)
    assert told == [(1120, "turn_started"), (1560, "=Hello.")]
    assert await results(until_ms=100, finish_ms=60) == [(60, "=")]


# ---- calls with it

SCENE = Scene(
    settings=replace(CallSettings(), endpoint=EndpointSettings(mode="fixed", silence_ms=900)),
    transcriber=lambda line: SignallingTranscriber(lambda: line.caller.spoken),
)


def call(tmp_path: Path, caller: Caller, **model: object) -> Rehearsal:
    return rehearse(caller, ScriptedModel(["It is $49.", "Right."], **model), tmp_path, SCENE)  # pyright: ignore


def test_a_turn_is_over_when_the_transcriber_says_so(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?", at=3.0, lasts=1.0))
    over = done.first(TurnOver)
    assert (over.why, over.at_ms - over.last_voiced_ms) == ("signal", 320)
    assert [event.signal for event in done.all(TurnSignalled)] == [
        "turn_started", "turn_ending", "turn_ended",
    ]  # fmt: skip
    assert done.said[-1] == ("agent", "It is $49.")


def test_the_reply_is_prepared_when_the_turn_may_be_over(tmp_path: Path):
    done = call(tmp_path, Caller().says("How much is it?", at=3.0, lasts=1.0), first_delay_ms=100)
    assert done.first(SpeculationStarted).at_ms == 4160
    assert [event.used for event in done.all(SpeculationEnded)] == [True]


def test_a_prepared_reply_is_dropped_when_he_goes_on(tmp_path: Path):
    caller = Caller().says("We are ten", at=3.0, lasts=1.0).says("people.", at=4.24, lasts=0.6)
    done = call(tmp_path, caller)
    assert [event.used for event in done.all(SpeculationEnded)] == [False, True]
    assert [turn.text for turn in done.all(TurnOver)] == ["We are ten people."]
