"""Every input of the floor is in the log or in the recording: both together repeat a call.

The caller's recorded channel and the logged inputs are given to a fresh floor. It must decide
the same, at the same times.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.call.inbox import EndNow, LeaveMessage, Order, SayGoodbye, UserText
from sdr_lab.events import (
    CallEnded,
    Interrupted,
    TurnDropped,
    TurnOver,
)
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import FRAME_MS, CallSettings, InterruptSettings
from sdr_lab.replay.decisions import replay_decisions
from sdr_lab.replay.rows import Decided
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import CONDITIONS
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.stt.signalling import SignallingTranscriber
from sdr_lab.tts.tone import Tone
from sdr_lab.turns.decision import Kind
from tests.replay.keeper import NAME as KEEPER
from tests.replay.keeper import kept
from tests.replay.unruly import offered, unruly

ENERGY = CallSettings(interrupt=InterruptSettings(detector="energy"))
LONG = "I would like to tell you about our new plan today and about all that it can do for you."

OWN = {"energy", "echo_gate", "hybrid"}
"""These are always there; the others are libraries of other people."""
DETECTORS = [
    pytest.param(name, marks=() if name in OWN else pytest.mark.models) for name in offered()
]


def test_our_own_detectors_are_offered():
    assert set(offered()) >= OWN


def repeated(done: Rehearsal) -> list[Decided]:
    """Replay a call with the settings in its folder; check that all decisions are the same."""
    replay = replay_decisions(done.folder)
    assert replay.settings == done.session.config.settings
    assert [difference.text for difference in replay.differences] == []
    assert replay.same_decisions
    return list(replay.decisions)


def kinds(rows: list[Decided]) -> set[str]:
    return {row.kind for row in rows}


@pytest.mark.parametrize("line", CONDITIONS)
def test_recording_and_log_repeat_every_decision(tmp_path: Path, line: str):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0)
    caller.says("We are ten people", after=1.0, lasts=1.0).says("in the field.", at=18.0)
    caller.cuts_in("", into=1.0, lasts=0.3).says("How much is it?").hangs_up(after=25.0)
    model = ScriptedModel(lambda prompt: LONG, first_delay_ms=400)
    done = rehearse(caller, model, tmp_path, Scene(settings=ENERGY, condition=CONDITIONS[line]))

    assert kinds(repeated(done)) >= {Kind.CUT_IN, Kind.TURN_OVER}


@pytest.mark.parametrize("line", CONDITIONS)
def test_keys_orders_and_typed_words_are_repeated_too(tmp_path: Path, line: str):
    caller = Caller().presses("4711", at=3.0).says("Tell me more.", at=12.0, lasts=1.0)
    caller.presses("9#", at=16.0).says("Well,", at=18.0, lasts=0.4).presses("1", at=18.6)
    caller.says("Are you there?", at=30.2, lasts=1.5).hangs_up(at=60)
    orders = ((24.0, UserText("And the price?")), (26.0, UserText("Hm.")), (30.0, SayGoodbye()))
    model = ScriptedModel(lambda prompt: LONG, first_delay_ms=400)
    scene = Scene(settings=ENERGY, condition=CONDITIONS[line], orders=orders)
    done = rehearse(caller, model, tmp_path, scene)

    assert {over.why for over in done.all(TurnOver)} >= {"digits", "typed"}
    assert kinds(repeated(done)) >= {Kind.CUT_IN, Kind.TURN_OVER}
    assert done.said[-2:-1] == [("agent", AGENT.goodbye)] or done.said[-1][1] == AGENT.goodbye


@pytest.mark.parametrize("line", CONDITIONS)
def test_a_message_and_the_longest_call_are_repeated_too(tmp_path: Path, line: str):
    caller = Caller().says("Tell me more.", at=3.0, lasts=1.0).says("Stop.", at=9.0)
    settings = CallSettings(max_call_s=8)
    for name, orders in (("a", ((5.5, LeaveMessage(LONG)),)), ("b", ())):
        scene = Scene(condition=CONDITIONS[line], orders=orders, settings=settings)
        model = ScriptedModel(lambda prompt: LONG * 3)
        done = rehearse(Caller(list(caller.acts)).hangs_up(at=60), model, tmp_path / name, scene)
        assert done.outcome.reason == ("voicemail" if orders else "max_length")
        repeated(done)


@pytest.mark.parametrize("by_signal", [False, True])
@pytest.mark.parametrize("line", CONDITIONS)
def test_turn_signals_are_repeated_too(tmp_path: Path, line: str, by_signal: bool):
    caller = Caller().says("Tell me more.", at=3.0).cuts_in("Wait, stop.", into=1.0)
    caller.says("We are ten people", after=1.0, lasts=1.0).says("in the field.", at=18.0)
    settings = CallSettings(
        interrupt=InterruptSettings(detector="energy", require_text=True, by_signal=by_signal)
    )
    scene = Scene(
        condition=CONDITIONS[line],
        settings=settings,
        transcriber=lambda line: SignallingTranscriber(lambda: line.caller.spoken),
    )
    done = rehearse(caller, ScriptedModel(lambda prompt: LONG), tmp_path, scene)
    assert {over.why for over in done.all(TurnOver)} >= {"signal"}
    assert done.all(Interrupted)
    repeated(done)


def test_an_acknowledgement_right_before_he_hangs_up_is_repeated(tmp_path: Path):
    caller = Caller().cuts_in("Mm-hmm.", into=1.0, lasts=0.4).hangs_up(at=3.0)
    settings = CallSettings(interrupt=InterruptSettings(enabled=False))
    scene = Scene(
        agent=replace(AGENT, first_message=LONG),
        settings=settings,
        transcriber=lambda line: ScriptedTranscriber(
            lambda: line.caller.spoken, final_delay_ms=2500
        ),
    )
    done = rehearse(caller, ScriptedModel(lambda prompt: LONG), tmp_path, scene)

    assert [drop.why for drop in done.all(TurnDropped)] == ["acknowledgement"]
    repeated(done)


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
            detector=chance.choice(sorted(OWN)),
            hold=chance.random() < 0.8,
            hold_ms=chance.choice([300, 800]),
            greeting=chance.choice([{}, {"enabled": False}]),
            thinking=chance.choice([{}, {"min_speech_ms": 300}]),
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
    repeated(done)


@pytest.mark.parametrize("line", CONDITIONS)
def test_the_folder_holds_all_that_a_detector_was_told(tmp_path: Path, line: str):
    min_energy = 700 + list(CONDITIONS).index(line)
    settings = CallSettings(interrupt=InterruptSettings(detector=KEEPER, min_energy=min_energy))
    model = ScriptedModel(lambda prompt: LONG)
    done = rehearse(unruly(), model, tmp_path, Scene(settings=settings, condition=CONDITIONS[line]))
    repeated(done)

    live, again = kept(min_energy)
    assert len(live) > done.outcome.duration_ms / FRAME_MS
    assert again == live


@pytest.mark.parametrize("line", CONDITIONS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_is_repeated(tmp_path: Path, detector: str, line: str):
    settings = CallSettings(interrupt=InterruptSettings(detector=detector))
    model = ScriptedModel(lambda prompt: f"{LONG} Shall I go on?", first_delay_ms=200)
    agent = replace(AGENT, first_message=LONG)
    scene = Scene(agent=agent, settings=settings, condition=CONDITIONS[line])
    done = rehearse(unruly(), model, tmp_path, scene)

    told = kinds(repeated(done))
    assert told >= {Kind.CUT_IN, Kind.TURN_OVER}
    if detector != "energy":  # which knows no holds
        assert Kind.HOLD in told
