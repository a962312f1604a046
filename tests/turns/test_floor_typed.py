"""The floor and what is not spoken: keys, typed words, a transcriber's signals, orders."""

from __future__ import annotations

from typing import Self

import pytest

from sdr_lab.records import CallSettings, InterruptSettings, Signal, TurnSignal, Words
from sdr_lab.turns.decision import Kind, State
from sdr_lab.turns.detectors.energy import EnergyDetector
from sdr_lab.turns.floor import Floor
from sdr_lab.turns.open_turn import DIGIT_GAP_MS, MAX_DIGITS
from tests.turns.test_floor import FIXED, SILENCE, SPEECH
from tests.turns.test_floor import Told as Heard


class Told(Heard):
    """Told of keys, typed words and signals as well."""

    def __init__(self, interrupt: InterruptSettings | None = None) -> None:
        super().__init__()
        interrupt = interrupt or InterruptSettings()
        self.floor = Floor(FIXED, EnergyDetector(interrupt), 10_000, interrupt)

    def presses(self, keys: str) -> Self:
        for key in keys:
            self.decided += [(self.at_ms, decision) for decision in self.floor.press(key)]
            self.hears(SILENCE, 200)
        return self

    def types(self, text: str) -> Self:
        self.decided += [(self.at_ms, decision) for decision in self.floor.type(text)]
        return self

    def signalled(self, signal: Signal) -> Self:
        heard = TurnSignal(signal, self.at_ms)
        self.decided += [(self.at_ms, decision) for decision in self.floor.signal(heard)]
        return self


# ---- keys


def test_a_number_is_over_after_the_gap():
    told = Told()
    told.hears(SILENCE, 1000)
    told.presses("42").hears(SILENCE, 3000)
    at_ms, over = told.first(Kind.TURN_OVER)
    assert (over.text, over.digits, over.why) == ("42", "42", "digits")
    assert over.since_ms == 1200
    assert at_ms == 1200 + DIGIT_GAP_MS
    assert over.pause_ms == DIGIT_GAP_MS


def test_the_hash_key_ends_a_number_and_is_one_when_there_is_none():
    told = Told()
    told.presses("42#")
    assert told.first(Kind.TURN_OVER)[1].digits == "42"
    told = Told()
    told.presses("#").hears(SILENCE, 2000)
    assert told.first(Kind.TURN_OVER)[1].digits == "#"


def test_a_number_has_an_end():
    told = Told()
    told.presses("1" * 100).hears(SILENCE, 2000)
    assert told.first(Kind.TURN_OVER)[1].digits == "1" * MAX_DIGITS


def test_keys_behind_speech_wait_for_its_words():
    told = Told()
    told.hears(SPEECH, 1000).hears(SILENCE, 200)
    told.presses("7").hears(SILENCE, 1500)
    assert Kind.TURN_OVER not in told.kinds()
    told.reads("Number")
    over = told.decided[-1][1]
    assert (over.text, over.digits) == ("Number 7", "")


def test_speech_behind_keys_belongs_to_the_turn():
    told = Told()
    told.presses("7").hears(SPEECH, 1000).hears(SILENCE, 1500).reads("is my number.")
    assert told.first(Kind.TURN_OVER)[1].text == "is my number. 7"


def test_the_tone_of_a_key_that_leaks_is_no_speech():
    told = Told()
    told.presses("7").hears(SPEECH, 100).hears(SILENCE, 2000).reads("")
    over = told.first(Kind.TURN_OVER)[1]
    assert (over.text, over.digits) == ("7", "7")


def test_keys_stop_the_agent_and_withdraw_replies():
    told = Told()
    told.turn().speaks().hears(SILENCE, 500)
    told.presses("7")
    assert told.kinds()[-1] is Kind.CUT_IN
    assert not told.floor.is_caller_speaking
    told = Told()
    told.turn().hears(SILENCE, 200)
    told.presses("7").hears(SILENCE, 2000)
    assert Kind.WITHDRAW in told.kinds()
    assert told.decided[-1][1].text == "How much is it? 7"


def test_an_agent_that_may_not_be_stopped_hears_the_keys_afterwards():
    told = Told(InterruptSettings(enabled=False))
    told.turn().speaks()
    told.presses("7").hears(SILENCE, 3000)
    assert Kind.CUT_IN not in told.kinds()
    assert told.kinds().count(Kind.TURN_OVER) == 1
    told.floor.agent_stopped(asked=False)
    told.hears(SILENCE, 20)
    assert told.decided[-1][1].digits == "7"


def test_keys_pressed_right_before_hanging_up_count():
    told = Told()
    told.presses("9")
    last = told.floor.hang_up()
    assert last is not None
    assert (last.digits, last.why) == ("9", "hung_up")


# ---- typed words


def test_typed_words_are_a_turn_at_once():
    told = Told()
    told.hears(SILENCE, 1000)
    told.types(" Hello? ")
    over = told.decided[-1][1]
    assert (over.kind, over.text, over.why, over.pause_ms) == (Kind.TURN_OVER, "Hello?", "typed", 0)
    assert over.since_ms == 1000
    assert told.floor.state is State.THINKING


def test_typed_words_wait_for_the_end_of_spoken_ones():
    told = Told()
    told.hears(SPEECH, 600)
    told.types("Hello?").hears(SILENCE, 700).reads("Well,")
    assert told.first(Kind.TURN_OVER)[1].text == "Hello? Well,"


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_typed_is_nothing(text: str):
    told = Told()
    told.turn().speaks()
    before = list(told.decided)
    told.types(text)
    assert told.decided == before
    assert not told.floor.has_turn


# ---- signals


def test_a_signal_ends_a_turn_before_its_pause_is_over():
    told = Told()
    told.hears(SPEECH, 1000).hears(SILENCE, 200).reads("How much?")
    told.signalled(Signal.TURN_ENDED)
    at_ms, over = told.first(Kind.TURN_OVER)
    assert (over.text, over.why, over.pause_ms) == ("How much?", "signal", 200)
    assert at_ms == 1200
    assert Kind.TURN_ENDING not in told.kinds()


def test_a_signal_while_he_still_sounds_waits_until_he_does_not():
    told = Told()
    told.hears(SPEECH, 1000).reads("How much?")
    told.signalled(Signal.TURN_ENDED)
    assert Kind.TURN_OVER not in told.kinds()
    told.hears(SILENCE, 200)
    assert told.decided[-1][1].why == "signal"
    assert told.decided[-1][0] == 1000 + FIXED.stopped_ms + 20


@pytest.mark.parametrize("signal", [Signal.TURN_STARTED, Signal.TURN_RESUMED])
def test_a_signal_that_is_taken_back_ends_nothing(signal: Signal):
    told = Told()
    told.hears(SPEECH, 1000).reads("We are ten")
    told.signalled(Signal.TURN_ENDED).signalled(signal).hears(SILENCE, 400)
    assert Kind.TURN_OVER not in told.kinds()


def test_a_signal_that_comes_when_he_has_gone_on_ends_nothing():
    told = Told()
    told.hears(SPEECH, 1000).hears(SILENCE, 300).reads("We are ten").hears(SPEECH, 100)
    late = TurnSignal(Signal.TURN_ENDED, 1300)
    told.decided += [(told.at_ms, decision) for decision in told.floor.signal(late)]
    told.hears(SPEECH, 500).hears(SILENCE, 300)
    assert Kind.TURN_OVER not in told.kinds()
    told.reads("people.").hears(SILENCE, 220)
    assert told.kinds()[-1] is Kind.TURN_ENDING


def test_a_signal_without_words_leaves_it_to_the_pause():
    told = Told()
    told.hears(SPEECH, 1000).hears(SILENCE, 200)
    told.signalled(Signal.TURN_ENDED).hears(SILENCE, 300)
    assert told.kinds()[-1] is Kind.TURN_ENDING


def test_a_signal_without_a_turn_is_nothing():
    told = Told()
    told.hears(SILENCE, 1000)
    for signal in Signal:
        told.signalled(signal)
    assert told.decided == []


def test_a_beginning_is_evidence_for_a_detector_that_wants_words():
    told = Told(InterruptSettings(require_text=True))
    told.turn().speaks().hears(SILENCE, 1000).hears(SPEECH, 300)
    assert Kind.CUT_IN not in told.kinds()
    told.signalled(Signal.TURN_STARTED)
    assert told.first(Kind.CUT_IN)[1].since_ms == 2500


@pytest.mark.parametrize(
    ("settings", "stops"),
    [
        (InterruptSettings(), False),
        (InterruptSettings(by_signal=True), True),
        (InterruptSettings(by_signal=True, enabled=False), False),
    ],
)
def test_a_beginning_alone_stops_the_agent_only_if_that_is_wanted(
    settings: InterruptSettings, stops: bool
):
    told = Told(settings)
    told.turn().speaks().hears(SILENCE, 1000)
    told.signalled(Signal.TURN_STARTED)
    assert (Kind.CUT_IN in told.kinds()) is stops
    assert told.floor.state is (State.LISTENING if stops else State.SPEAKING)


# ---- held


def test_a_floor_that_is_held_takes_no_turn_and_is_not_taken():
    told = Told()
    told.turn().speaks().hears(SILENCE, 200)
    told.floor.hold()
    before = len(told.decided)
    told.hears(SPEECH, 1000).hears(SILENCE, 1000).reads("Stop it.")
    told.presses("7")
    told.types("Stop").hears(SILENCE, 20_000)
    told.floor.agent_stopped(asked=True)
    told.hears(SPEECH, 1000).hears(SILENCE, 20_000)
    told.floor.agent_thinking()
    told.hears(SPEECH, 1000).hears(SILENCE, 1000)
    kinds = set(told.kinds()[before:])
    assert kinds == {Kind.CALLER_STARTED, Kind.CALLER_STOPPED}


def test_what_is_said_to_a_floor_that_is_held_is_known_at_the_end():
    told = Told()
    told.floor.hold()
    told.hears(SPEECH, 1000).hears(SILENCE, 1000).reads("Never call again.")
    last = told.floor.hang_up()
    assert last is not None
    assert last.text == "Never call again."


def test_what_a_machine_says_is_not():
    told = Told()
    told.hears(SPEECH, 1000).hears(SILENCE, 200)
    told.floor.hold(from_machine=True)
    told.floor.read(Words("Never call again.", True, 0, 0))
    assert not told.floor.has_turn
    assert told.floor.hang_up() is None


def test_how_long_he_has_been_silent():
    told = Told()
    told.hears(SILENCE, 500)
    assert told.floor.silent_ms == 500
    told.hears(SPEECH, 500)
    assert told.floor.silent_ms == 0
    told.hears(SILENCE, 400)
    assert told.floor.silent_ms == 400


def test_the_floor_of_a_call_has_its_settings():
    floor = Floor.of(CallSettings(interrupt=InterruptSettings(detector="energy", min_energy=1234)))
    assert floor.detector.name == "energy"
    assert floor.detector.threshold == 1234
