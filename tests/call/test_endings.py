"""How calls end: what was said and heard until then counts, and nothing is left open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.call.safe_line import SafeLine
from sdr_lab.errors import ProviderError
from sdr_lab.events import (
    AgentStopped,
    CallEnded,
    FixedLine,
    Interrupted,
    MarkPlayed,
    ProviderFailed,
    ToolFinished,
    ToolStarted,
    TurnOver,
    Withdrawn,
    read_events,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings, ToolCall, Words
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse, run_scene
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.tts.tone import Tone

FIXED = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)
SCENE = Scene(settings=FIXED)
LONG = "I would like to tell you about our new plan today and about all that it can do for you."
BOOKING = ToolCall("book_appointment", {"start": "2026-12-01T10:00:00-05:00"})


def call(tmp_path: Path, caller: Caller, *replies: object, scene: Scene = SCENE) -> Rehearsal:
    return rehearse(caller, ScriptedModel(list(replies)), tmp_path, scene)  # pyright: ignore


def test_words_before_hanging_up_in_mid_pause_count(tmp_path: Path):
    numbers = MemoryDoNotCall()
    caller = Caller().says("Take me off your list.", at=3.0, lasts=1.2).hangs_up(at=4.3)
    done = call(tmp_path, caller, "Fine.", scene=replace(SCENE, do_not_call=numbers))
    assert done.said[-1] == ("caller", "Take me off your list.")
    assert done.all(TurnOver)[-1].why == "hung_up"
    assert list(numbers.reasons) == [SCENE.caller_number]


def test_a_slow_transcript_of_the_last_words_is_waited_for(tmp_path: Path):
    numbers = MemoryDoNotCall()
    scene = replace(
        SCENE,
        do_not_call=numbers,
        transcriber=lambda line: ScriptedTranscriber(
            lambda: line.caller.spoken, delay_ms=900, final_delay_ms=900
        ),
    )
    caller = Caller().says("Take me off your list.", at=3.0, lasts=1.2).hangs_up(at=4.3)
    done = call(tmp_path, caller, "Fine.", scene=scene)
    assert list(numbers.reasons) == [SCENE.caller_number]
    assert done.outcome.reason == "caller"


def test_the_last_words_run_no_tool_of_the_model(tmp_path: Path):
    caller = Caller().says("Book Tuesday at ten.", at=3.0, lasts=1.2).hangs_up(at=4.3)
    done = call(tmp_path, caller, [BOOKING])
    assert done.said[-1] == ("caller", "Book Tuesday at ten.")
    assert not done.all(ToolStarted)


def test_hanging_up_in_mid_reply_keeps_what_was_heard(tmp_path: Path):
    done = call(tmp_path, Caller().says("Tell me more.").hangs_up(at=6), LONG)
    heard = done.all(AgentStopped)[-1].text
    assert LONG.startswith(heard)
    assert 0 < len(heard.split()) < len(LONG.split())
    assert heard in (done.folder / "transcript.txt").read_text()


def test_a_tool_that_has_begun_is_finished_after_hanging_up(tmp_path: Path):
    calendar = SlowCalendar()
    caller = Caller().says("Book Tuesday at ten.", at=3.0).hangs_up(at=6)
    done = call(tmp_path, caller, [BOOKING], scene=replace(SCENE, calendar=calendar))
    assert done.first(ToolFinished).ok
    assert len(calendar.bookings) == 1
    assert isinstance(done.events[-1], CallEnded)


def test_bye_over_our_goodbye_ends_the_call(tmp_path: Path):
    caller = Caller().says("That is all, bye.").cuts_in("Bye bye.", into=0.9).hangs_up(at=60)
    end = ToolCall("end_call", {"reason": "done"})
    done = call(tmp_path, caller, ["Goodbye and good luck.", end])
    assert done.first(Interrupted).heard == "Goodbye and good"
    assert done.said[-1] == ("caller", "Bye bye.")
    assert done.outcome.reason == "agent"


def test_a_question_over_our_goodbye_is_answered(tmp_path: Path):
    caller = Caller().says("That is all, bye.").cuts_in("How much is it again?", into=0.9)
    end = ToolCall("end_call", {"reason": "done"})
    done = call(tmp_path, caller, ["Goodbye and good luck.", end], "It is $49.")
    assert done.said[-1] == ("agent", "It is $49.")


def test_noise_that_is_never_understood_is_let_go(tmp_path: Path):
    caller = Caller()
    for number in range(8):
        caller.says("", at=3 + 5 * number, lasts=1.5)
    done = call(tmp_path, caller)
    asked = [line.why for line in done.all(FixedLine) if line.why != "rest"]
    assert asked == ["greeting", "not_heard", "not_heard", "goodbye"]
    assert done.outcome.reason == "silence"


def test_a_goodbye_that_noise_withdrew_is_said_all_the_same(tmp_path: Path):
    slow = replace(SCENE, settings=replace(FIXED, silence_prompts=0), voice=Tone(delay_ms=500))
    caller = Caller().says("", at=11.8, lasts=0.3).hangs_up(at=60)
    done = call(tmp_path, caller, scene=slow)
    assert done.all(Withdrawn)
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.reason == "silence"
    assert done.outcome.duration_ms < 16_000


class SlowCalendar(MemoryCalendar):
    """Takes three seconds to book."""

    async def book(self, *args, **fields):
        await asyncio.sleep(3)
        return await super().book(*args, **fields)


class Torn:
    """A line that breaks: while it is read, or when it is played on."""

    kind = "torn"

    def __init__(self, where: str) -> None:
        self.where = where

    async def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        yield Frame(0, b"\xff" * 160)
        if self.where == "frames":
            raise ConnectionError("torn")

    async def play(self, mulaw: bytes) -> None:
        raise ConnectionError("torn")

    async def mark(self, name: str) -> None:
        raise ConnectionError("torn")


@pytest.mark.parametrize("where", ["frames", "play"])
def test_a_line_that_breaks_is_closed_once(where: str):
    posted = []

    async def use() -> None:
        line = SafeLine(Torn(where), posted.append)  # pyright: ignore[reportArgumentType]
        if where == "play":
            await line.play(b"")
            await line.mark("1:0")
        else:
            await line.read()

    asyncio.run(use())
    assert [item.fault for item in posted if not isinstance(item, Frame)] == [
        "ConnectionError('torn')"
    ]


@pytest.mark.parametrize("after_s", [0.5, 2.5, 4.2, 5.0])
def test_cancelling_a_call_closes_everything(tmp_path: Path, after_s: float):
    """In the greeting, while listening, in the pause, in the reply."""

    async def cancel() -> set[asyncio.Task]:
        caller = Caller().says("Tell me more.", at=3.0, lasts=1.0)
        model = ScriptedModel([LONG], first_delay_ms=300)
        running = asyncio.ensure_future(run_scene("conv_1", caller, model, tmp_path, SCENE))
        await asyncio.sleep(after_s)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return asyncio.all_tasks() - {asyncio.current_task()}  # pyright: ignore

    assert run_virtually(cancel()) == set()
    folder = tmp_path / "conv_1"
    assert json.loads((folder / "call.json").read_text())["outcome"]["reason"] == "cancelled"
    ended = list(read_events(folder / "events.jsonl"))[-1]
    assert isinstance(ended, CallEnded)
    assert (folder / "transcript.txt").is_file()


def test_an_answer_while_the_last_mark_is_outstanding_is_no_interruption(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("Yes, sure.", into=0.83)
    done = call(tmp_path, caller, "Is it for you?", "Great.")
    assert not done.all(Interrupted)
    assert done.all(AgentStopped)[1].text == "Is it for you?"
    assert done.said[-1] == ("agent", "Great.")


def test_a_failing_transcriber_does_not_cost_the_answer_under_way(tmp_path: Path):
    scene = replace(
        SCENE,
        transcriber=lambda line: ScriptedTranscriber(lambda: line.caller.spoken, fails_at_ms=5000),
    )
    model = ScriptedModel(["It is $49."], first_delay_ms=2000)
    caller = Caller().says("How much is it?", at=3.0, lasts=1.0)
    done = rehearse(caller, model, tmp_path, scene)
    assert done.first(ProviderFailed).stage == "stt"
    assert done.said[-1] == ("agent", "It is $49.")


class Deaf:
    """A service that can't be reached."""

    name = "deaf"

    async def transcribe(self, audio: object) -> AsyncIterator[Words]:
        raise ProviderError("deaf", "can't be reached")
        yield


def test_when_nobody_listens_the_caller_is_told_before_the_line_is_closed(tmp_path: Path):
    scene = replace(SCENE, transcriber=lambda line: Deaf())
    caller = Caller().says("Hello?", at=1.2).hangs_up(at=60)
    done = call(tmp_path, caller, scene=scene)
    assert done.outcome.reason == "error"
    assert [text for _, text in done.said if text] == [
        AGENT.first_message,
        f"I'm sorry, I'm having trouble right now. {AGENT.goodbye}",
    ]
    assert done.outcome.duration_ms < 12_000
    assert done.all(MarkPlayed)[-1].heard


def test_a_call_in_loud_noise_is_not_one_long_interruption(tmp_path: Path):
    scene = replace(SCENE, condition=Condition(snr_db=3))
    done = call(tmp_path, Caller().hangs_up(at=20), scene=scene)
    assert len(done.all(Interrupted)) <= 1
    assert done.said[-1] == ("agent", AGENT.reprompt)
