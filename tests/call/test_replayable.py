"""Every input of the floor is in the log or in the recording: both together repeat a call.

The caller's recorded channel and the logged inputs are given to a fresh floor. It must decide
the same, at the same times.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.frame import cut_frames
from sdr_lab.audio.wav import read_mulaw
from sdr_lab.call.inbox import EndNow, LeaveMessage, Order, SayGoodbye, UserText
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallerStarted,
    CallerStopped,
    DigitPressed,
    Event,
    FixedLine,
    Interrupted,
    OrderTaken,
    TimedOut,
    TurnEnding,
    TurnOver,
    TurnSignalled,
    Withdrawn,
    WordsHeard,
    read_events,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import FRAME_MS, CallSettings, InterruptSettings, Signal, TurnSignal, Words
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import CONDITIONS
from sdr_lab.simulate.rehearsal import AGENT, Scene, rehearse
from sdr_lab.stt.signalling import SignallingTranscriber
from sdr_lab.tts.tone import Tone
from sdr_lab.turns.decision import Decision, Kind
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.floor import Floor

Row = tuple[int, str, int]
"""Stream time, decision, and the moment that it names."""

LONG = "I would like to tell you about our new plan today and about all that it can do for you."


def logged(events: list[Event]) -> list[Row]:
    """Return the decisions that the log tells of."""
    rows: list[Row] = []
    for event in events:
        match event:
            case CallerStarted():
                rows.append((event.at_ms, Kind.CALLER_STARTED, event.onset_ms))
            case CallerStopped():
                rows.append((event.at_ms, Kind.CALLER_STOPPED, event.last_voiced_ms))
            case TurnEnding():
                rows.append((event.at_ms, Kind.TURN_ENDING, event.pause_ms))
            case TurnOver():
                rows.append((event.at_ms, Kind.TURN_OVER, event.last_voiced_ms))
            case Interrupted():
                rows.append((event.at_ms, Kind.CUT_IN, event.onset_ms))
            case Withdrawn():
                rows.append((event.at_ms, Kind.WITHDRAW, 0))
            case _:
                continue
    return sorted(rows)


class Again:
    """A fresh floor, told what the folder of a call holds."""

    def __init__(self, folder: Path, settings: CallSettings) -> None:
        self.floor = Floor.of(settings)
        self.rows: list[Row] = []
        self.last_heard = ""
        self._caller = cut_frames(b"".join(read_mulaw(folder / "audio.wav", channel=0)))
        self._events = list(read_events(folder / "events.jsonl"))

    def run(self) -> list[Row]:
        self._tell_all(0)
        for index, frame in enumerate(self._caller):
            at_ms = index * FRAME_MS
            listened = Listened(at_ms, frame, calculate_audio_energy(frame), False)
            self._note(at_ms + FRAME_MS, self.floor.hear(listened))
            self._tell_all(at_ms + FRAME_MS)
        return sorted(self.rows)

    def _tell_all(self, now_ms: int) -> None:
        for event in self._events:
            if event.at_ms == now_ms:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case WordsHeard():
                words = Words(event.text, event.is_final, event.start_ms, event.end_ms)
                self._note(event.at_ms, self.floor.read(words))
            case TurnSignalled():
                heard = TurnSignal(Signal(event.signal), event.until_ms, event.confidence)
                self._note(event.at_ms, self.floor.signal(heard))
            case DigitPressed():
                self._note(event.at_ms, self.floor.press(event.digit))
            case OrderTaken(order="text"):
                self._note(event.at_ms, self.floor.type(event.text))
            case OrderTaken(order="message") | OrderTaken(order="end", reason="voicemail"):
                self.floor.hold(from_machine=True)
            case OrderTaken(order="goodbye" | "end") | TimedOut(name="max_length" | "error"):
                self.floor.hold()
            case CallEnded() if (last := self.floor.hang_up()) is not None:
                self._note(event.at_ms, [last])
            case AgentStarted():
                self.floor.agent_started()
            case Interrupted():
                self.last_heard = event.heard or self.last_heard
            case AgentStopped():
                self._forget_cut_in(event.at_ms)
                self.last_heard = event.text or self.last_heard
                self.floor.agent_stopped(self.last_heard.endswith("?"))
            case FixedLine() if event.why != "greeting":
                self.floor.agent_thinking()
            case _:
                return

    def _forget_cut_in(self, at_ms: int) -> None:
        """Whoever speaks when only the marks are outstanding has not interrupted anybody."""
        was_told = any(isinstance(e, Interrupted) and e.at_ms == at_ms for e in self._events)
        self.rows = [r for r in self.rows if was_told or r[:2] != (at_ms, Kind.CUT_IN)]

    def _note(self, at_ms: int, decisions: list[Decision]) -> None:
        named = {Kind.TURN_ENDING: lambda d: d.pause_ms, Kind.WITHDRAW: lambda d: 0}
        for decision in decisions:
            if decision.kind in SHOWN:
                moment = named.get(decision.kind, lambda d: d.since_ms)(decision)
                self.rows.append((at_ms, decision.kind, moment))


SHOWN = {
    Kind.CALLER_STARTED,
    Kind.CALLER_STOPPED,
    Kind.TURN_ENDING,
    Kind.TURN_OVER,
    Kind.CUT_IN,
    Kind.WITHDRAW,
}


@pytest.mark.parametrize("line", CONDITIONS)
def test_recording_and_log_repeat_every_decision(tmp_path: Path, line: str):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0)
    caller.says("We are ten people", after=1.0, lasts=1.0).says("in the field.", at=18.0)
    caller.cuts_in("", into=1.0, lasts=0.3).says("How much is it?").hangs_up(after=25.0)
    model = ScriptedModel(lambda prompt: LONG, first_delay_ms=400)
    done = rehearse(caller, model, tmp_path, Scene(condition=CONDITIONS[line]))

    told = logged(done.events)

    assert {kind for _, kind, _ in told} >= {Kind.CUT_IN, Kind.TURN_OVER}
    assert Again(done.folder, done.session.config.settings).run() == told


@pytest.mark.parametrize("line", CONDITIONS)
def test_keys_orders_and_typed_words_are_repeated_too(tmp_path: Path, line: str):
    caller = Caller().presses("4711", at=3.0).says("Tell me more.", at=12.0, lasts=1.0)
    caller.presses("9#", at=16.0).says("Well,", at=18.0, lasts=0.4).presses("1", at=18.6)
    caller.says("Are you there?", at=30.2, lasts=1.5).hangs_up(at=60)
    orders = ((24.0, UserText("And the price?")), (26.0, UserText("Hm.")), (30.0, SayGoodbye()))
    model = ScriptedModel(lambda prompt: LONG, first_delay_ms=400)
    scene = Scene(condition=CONDITIONS[line], orders=orders)
    done = rehearse(caller, model, tmp_path, scene)

    told = logged(done.events)

    assert {over.why for over in done.all(TurnOver)} >= {"digits", "typed"}
    assert {kind for _, kind, _ in told} >= {Kind.CUT_IN, Kind.TURN_OVER}
    assert done.said[-2:-1] == [("agent", AGENT.goodbye)] or done.said[-1][1] == AGENT.goodbye
    assert Again(done.folder, done.session.config.settings).run() == told


@pytest.mark.parametrize("line", CONDITIONS)
def test_a_message_and_the_longest_call_are_repeated_too(tmp_path: Path, line: str):
    caller = Caller().says("Tell me more.", at=3.0, lasts=1.0).says("Stop.", at=9.0)
    settings = CallSettings(max_call_s=8)
    for name, orders in (("a", ((5.5, LeaveMessage(LONG)),)), ("b", ())):
        scene = Scene(condition=CONDITIONS[line], orders=orders, settings=settings)
        model = ScriptedModel(lambda prompt: LONG * 3)
        done = rehearse(Caller(list(caller.acts)).hangs_up(at=60), model, tmp_path / name, scene)
        assert done.outcome.reason == ("voicemail" if orders else "max_length")
        assert Again(done.folder, settings).run() == logged(done.events)


@pytest.mark.parametrize("by_signal", [False, True])
@pytest.mark.parametrize("line", CONDITIONS)
def test_turn_signals_are_repeated_too(tmp_path: Path, line: str, by_signal: bool):
    caller = Caller().says("Tell me more.", at=3.0).cuts_in("Wait, stop.", into=1.0)
    caller.says("We are ten people", after=1.0, lasts=1.0).says("in the field.", at=18.0)
    settings = CallSettings(interrupt=InterruptSettings(require_text=True, by_signal=by_signal))
    scene = Scene(
        condition=CONDITIONS[line],
        settings=settings,
        transcriber=lambda line: SignallingTranscriber(lambda: line.caller.spoken),
    )
    done = rehearse(caller, ScriptedModel(lambda prompt: LONG), tmp_path, scene)
    assert {over.why for over in done.all(TurnOver)} >= {"signal"}
    assert done.all(Interrupted)
    assert Again(done.folder, settings).run() == logged(done.events)


def disorder(seed: int) -> tuple[Caller, Scene]:
    """A call in which anything happens at any time."""
    chance = random.Random(seed)
    caller, at_s = Caller(), 2.0
    for _ in range(8):
        at_s += chance.uniform(0.2, 4.0)
        match chance.randrange(3):
            case 0:
                caller.presses(
                    "".join(chance.choices("0123456789*#", k=chance.randint(1, 5))), at_s
                )
            case 1:
                caller.says("", at=at_s, lasts=chance.uniform(0.1, 1.0))
            case _:
                words = chance.choice(["Yes.", "And my number is", "No, wait.", "How much is it?"])
                caller.says(words, at=at_s, lasts=chance.uniform(0.3, 1.5))
    orders: list[tuple[float, Order]] = [(chance.uniform(0, 30), UserText("Hm.")) for _ in range(2)]
    last = chance.choice([SayGoodbye("x"), LeaveMessage(LONG), EndNow("x"), EndNow("voicemail")])
    orders.append((chance.uniform(10, 40), last))
    settings = CallSettings(
        interrupt=InterruptSettings(
            enabled=chance.random() < 0.8,
            require_text=chance.random() < 0.3,
            by_signal=chance.random() < 0.5,
        )
    )
    scene = Scene(
        settings=settings,
        condition=chance.choice(list(CONDITIONS.values())),
        orders=tuple(orders),
        voice=Tone(delay_ms=chance.choice([0, 200])),
    )
    if chance.random() < 0.5:
        scene = replace(
            scene, transcriber=lambda line: SignallingTranscriber(lambda: line.caller.spoken)
        )
    return caller.hangs_up(at=60), scene


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens_is_repeated(tmp_path: Path, seed: int):
    caller, scene = disorder(seed)
    model = ScriptedModel(lambda prompt: LONG, first_delay_ms=seed % 4 * 300)
    done = rehearse(caller, model, tmp_path, scene)
    assert isinstance(done.events[-1], CallEnded)
    assert Again(done.folder, scene.settings).run() == logged(done.events)
