"""Whole calls on the virtual clock: cheap, repeatable, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdr_lab.audio.wav import read_info
from sdr_lab.events import CallEnded, CallStarted, Interrupted, MarkPlayed, TurnOver
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.clock import VirtualLoop
from sdr_lab.simulate.condition import CONDITIONS, Condition
from sdr_lab.simulate.rehearsal import Rehearsal, Scene, rehearse, rehearse_all, run_scene

FIXED = replace(CallSettings(), endpoint=EndpointSettings(mode="fixed", silence_ms=500))
SCENE = Scene(settings=FIXED)
LONG = "I would like to tell you about our new plan today and about all that it can do for you."


class CountingLoop(VirtualLoop):
    """Counts how often time was moved, and jobs given to threads."""

    def __init__(self) -> None:
        super().__init__()
        self.jumps = 0
        self.jobs = 0

    def jump(self, seconds: float) -> None:
        self.jumps += 1
        super().jump(seconds)

    def run_in_executor(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self.jobs += 1
        return super().run_in_executor(executor, func, *args)


def talk() -> tuple[Caller, ScriptedModel]:
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0).says("Bye.")
    return caller, ScriptedModel([LONG, "Yes?", "Goodbye."])


def log_of(done: Rehearsal) -> str:
    return (done.folder / "events.jsonl").read_text()


def test_a_minute_costs_no_more_than_its_frames(tmp_path: Path):
    caller = Caller()
    for _ in range(6):
        caller.says("Tell me more about it.")
    caller.hangs_up(at=60)
    model = ScriptedModel(lambda prompt: LONG)
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CountingLoop)
        done = runner.run(run_scene("conv_1", caller, model, tmp_path, SCENE))
        waited = loop.time()
    assert done.outcome.duration_ms == pytest.approx(60_000, abs=20)
    assert waited == pytest.approx(60, abs=0.1)
    # a frame every 20 ms and a look of the guards every 100 ms: 60 moments a second at most
    assert loop.jumps <= 60 * 60 + 100
    assert loop.jobs == 0


@pytest.mark.parametrize("name", list(CONDITIONS))
def test_two_runs_give_identical_events_and_sound(tmp_path: Path, name: str):
    scene = replace(SCENE, condition=CONDITIONS[name])
    one = rehearse(*talk(), tmp_path / "one", scene)
    two = rehearse(*talk(), tmp_path / "two", scene)
    assert one.events == two.events
    assert log_of(one) == log_of(two)
    assert (one.folder / "audio.wav").read_bytes() == (two.folder / "audio.wav").read_bytes()


def test_events_differ_when_the_caller_does(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.02).says("Bye.")
    one = rehearse(*talk(), tmp_path / "one", SCENE)
    two = rehearse(caller, talk()[1], tmp_path / "two", SCENE)
    assert two.first(Interrupted).at_ms - one.first(Interrupted).at_ms == 20


def test_twenty_calls_at_once_do_not_touch_each_other(tmp_path: Path):
    """Each of them is the call that it would have been alone."""
    alone = rehearse(*talk(), tmp_path / "alone", SCENE)
    calls = rehearse_all([talk() for _ in range(20)], tmp_path / "all", SCENE)
    ids = [call.first(CallStarted).conversation_id for call in calls]
    assert len(set(ids)) == 20
    expected = [replace(alone.events[0], conversation_id="x"), *alone.events[1:]]  # pyright: ignore
    for call in calls:
        first = replace(call.events[0], conversation_id="x")  # pyright: ignore
        assert [first, *call.events[1:]] == expected
        assert call.said == alone.said
        assert call.line.played == alone.line.played


def test_different_calls_at_once_keep_their_own_words(tmp_path: Path):
    calls = [
        (Caller().says(f"I am caller {n}", after=0.5 + n / 10), ScriptedModel([f"Hello {n}."]))
        for n in range(8)
    ]
    for n, call in enumerate(rehearse_all(calls, tmp_path, SCENE)):
        assert call.said[1:] == [("caller", f"I am caller {n}"), ("agent", f"Hello {n}.")]
        assert call.folder.name == f"conv_{n + 1:04d}"


def test_both_clocks_agree_on_a_clean_line(tmp_path: Path):
    done = rehearse(*talk(), tmp_path, SCENE)
    assert all(event.at_ms <= event.clock_ms + 0.01 for event in done.events)
    assert all(event.clock_ms - event.at_ms <= 20.01 for event in done.events)


def test_stream_time_never_steps_back(tmp_path: Path):
    """Without speculation: what it held back enters the log with the time when it happened."""
    settings = replace(FIXED, speculate=False)
    scene = replace(SCENE, settings=settings, condition=Condition(loss=0.1, jitter_ms=60))
    done = rehearse(*talk(), tmp_path, scene)
    times = [event.at_ms for event in done.events]
    assert times == sorted(times)


def test_on_a_lossy_line_both_channels_stay_aligned(tmp_path: Path):
    scene = replace(SCENE, condition=Condition(loss=0.1))
    done = rehearse(*talk(), tmp_path, scene)
    info = read_info(done.folder / "audio.wav")
    assert info.duration_ms == done.outcome.duration_ms
    assert done.outcome.duration_ms == pytest.approx(len(done.line.played) / 8, abs=80)


def test_every_sentence_has_one_mark(tmp_path: Path):
    done = rehearse(*talk(), tmp_path, SCENE)
    names = [event.name for event in done.all(MarkPlayed)]
    assert len(names) == len(set(names)) > 0


def test_the_order_of_what_was_said(tmp_path: Path):
    done = rehearse(*talk(), tmp_path, SCENE)
    who = [who for who, _ in done.said]
    assert who == ["agent", "caller", "agent", "caller", "agent", "caller", "agent"]
    assert done.said[2] == ("agent", done.first(Interrupted).heard)
    assert isinstance(done.events[0], CallStarted)
    assert isinstance(done.events[-1], CallEnded)


def test_first_and_all(tmp_path: Path):
    done = rehearse(*talk(), tmp_path, SCENE)
    assert [event.turn for event in done.all(TurnOver)] == [1, 2, 3]
    assert done.first(TurnOver).text == "Tell me more."
