"""The floor alone: frames and words in, decisions out. All times can be added up in the head."""

from __future__ import annotations

from typing import Self

from sdr_lab.records import FRAME_MS, EndpointSettings, InterruptSettings, Words
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.energy import EnergyDetector
from sdr_lab.turns.floor import Decision, Floor, Kind, State

SPEECH, SILENCE = 3000, 10
FIXED = EndpointSettings(mode="fixed", silence_ms=500, stopped_ms=160)


class Told:
    """A floor that is told whole stretches of sound, and what it decided."""

    def __init__(
        self, endpoint: EndpointSettings = FIXED, interrupt: InterruptSettings | None = None
    ) -> None:
        interrupt = interrupt or InterruptSettings()
        self.floor = Floor(endpoint, EnergyDetector(interrupt), 10_000, interrupt)
        self.at_ms = 0
        self.decided: list[tuple[int, Decision]] = []

    def hears(self, energy: int, ms: int) -> Self:
        for _ in range(ms // FRAME_MS):
            decisions = self.floor.hear(Listened(self.at_ms, b"", energy, False))
            self.at_ms += FRAME_MS
            self.decided += [(self.at_ms, decision) for decision in decisions]
        return self

    def reads(self, text: str, is_final: bool = True) -> Self:
        words = Words(text, is_final, 0, self.at_ms)
        self.decided += [(self.at_ms, decision) for decision in self.floor.read(words)]
        return self

    def kinds(self) -> list[Kind]:
        return [decision.kind for _, decision in self.decided]

    def first(self, kind: Kind) -> tuple[int, Decision]:
        return next(pair for pair in self.decided if pair[1].kind is kind)

    def turn(self, text: str = "How much is it?") -> Self:
        """One turn of a second, with its transcript: leaves the floor THINKING."""
        return self.hears(SPEECH, 1000).hears(SILENCE, 500).reads(text)

    def speaks(self) -> Self:
        """The agent has begun."""
        self.floor.agent_started()
        return self


def test_a_turn_from_first_sound_to_turn_over():
    told = Told().hears(SILENCE, 1000).turn()
    assert told.kinds() == [
        Kind.CALLER_STARTED, Kind.CALLER_STOPPED, Kind.TURN_ENDING, Kind.TURN_OVER,
    ]  # fmt: skip
    at_ms, started = told.first(Kind.CALLER_STARTED)
    assert started.since_ms == 1000
    assert at_ms == 1060  # three voiced frames
    at_ms, stopped = told.first(Kind.CALLER_STOPPED)
    assert (at_ms, stopped.since_ms) == (2160, 2000)
    at_ms, ending = told.first(Kind.TURN_ENDING)
    assert (at_ms, ending.pause_ms, ending.why) == (2500, 500, "fixed")
    _, over = told.first(Kind.TURN_OVER)
    assert (over.text, over.since_ms) == ("How much is it?", 2000)
    assert told.floor.state is State.THINKING


def test_a_pause_within_a_turn_does_not_end_it():
    told = Told().hears(SPEECH, 600).hears(SILENCE, 480).hears(SPEECH, 600).hears(SILENCE, 300)
    assert Kind.TURN_ENDING not in told.kinds()
    assert told.kinds().count(Kind.CALLER_STARTED) == 2


def test_words_of_both_halves_make_one_turn():
    told = Told().hears(SPEECH, 600).hears(SILENCE, 500).hears(SPEECH, 600)
    told.reads("We are ten people").hears(SILENCE, 500).reads("in the field.")
    assert told.first(Kind.TURN_OVER)[1].text == "We are ten people in the field."


def test_a_slow_transcript_is_waited_for():
    told = Told().hears(SPEECH, 1000).hears(SILENCE, 2500)
    assert told.kinds()[-1] is Kind.TURN_ENDING
    told.reads("Hello there.")
    assert told.first(Kind.TURN_OVER)[0] == 3500


def test_a_transcript_is_not_waited_for_for_ever():
    told = Told().hears(SPEECH, 1000).reads("Hello the", is_final=False).hears(SILENCE, 4000)
    at_ms, over = told.first(Kind.TURN_OVER)
    assert over.text == "Hello the"
    assert at_ms == 1000 + 500 + FIXED.transcript_wait_ms


def test_noise_without_words_is_dropped():
    told = Told().hears(SPEECH, 200).hears(SILENCE, 500).reads("")
    assert told.first(Kind.TURN_DROPPED)[1].why == "no_words"
    assert told.floor.state is State.LISTENING


def test_speech_that_nobody_could_make_out_is_asked_again():
    told = Told().hears(SPEECH, 1500).hears(SILENCE, 500).reads("")
    assert told.kinds()[-1] is Kind.NOT_UNDERSTOOD


def test_going_on_withdraws_the_reply_and_keeps_the_words():
    told = Told().turn("We are ten people")
    told.hears(SPEECH, 800)
    at_ms, _ = told.first(Kind.WITHDRAW)
    assert at_ms == 1500 + 100
    told.hears(SILENCE, 500).reads("in the field.")
    overs = [d.text for _, d in told.decided if d.kind is Kind.TURN_OVER]
    assert overs == ["We are ten people", "We are ten people in the field."]


def test_a_click_does_not_withdraw():
    told = Told().turn().hears(SPEECH, 60).hears(SILENCE, 700).reads("")
    assert Kind.WITHDRAW not in told.kinds()
    assert told.floor.state is State.THINKING


def test_a_withdrawal_by_noise_answers_the_old_words():
    told = Told().turn("How much is it?").hears(SPEECH, 200).hears(SILENCE, 500).reads("")
    overs = [d.text for _, d in told.decided if d.kind is Kind.TURN_OVER]
    assert overs == ["How much is it?", "How much is it?"]


def test_cutting_in():
    told = Told().turn().speaks().hears(SILENCE, 1000).hears(SPEECH, 200)
    at_ms, cut = told.first(Kind.CUT_IN)
    assert cut.since_ms == 2500
    assert at_ms == 2500 + InterruptSettings().min_speech_ms
    assert told.floor.state is State.LISTENING
    told.hears(SPEECH, 600).hears(SILENCE, 500).reads("Wait, stop.")
    assert told.decided[-1][1].text == "Wait, stop."
    assert told.decided[-1][1].kind is Kind.TURN_OVER


def test_an_interruption_without_words_resumes():
    told = Told().turn().speaks().hears(SILENCE, 1000).hears(SPEECH, 300)
    told.hears(SILENCE, 500).reads("")
    assert told.kinds()[-1] is Kind.RESUME


def test_a_quiet_yes_over_the_end_of_a_question_is_an_answer():
    quiet = 850
    slow = InterruptSettings(min_speech_ms=2000)
    told = Told(interrupt=slow).turn().speaks().hears(SILENCE, 1000)
    told.floor.agent_says("Shall I book it?")
    told.hears(quiet, 300).hears(SILENCE, 500).reads("Yes.")
    assert told.kinds().count(Kind.TURN_OVER) == 1
    told.floor.agent_stopped(asked=True)
    told.hears(SILENCE, 20)
    assert told.decided[-1][1].kind is Kind.TURN_OVER
    assert told.decided[-1][1].text == "Yes."


def test_the_same_yes_is_an_acknowledgement_when_nothing_was_asked():
    slow = InterruptSettings(min_speech_ms=2000)
    told = Told(interrupt=slow).turn().speaks().hears(SILENCE, 1000).hears(850, 300)
    told.hears(SILENCE, 500).reads("Yes.")
    told.floor.agent_stopped(asked=False)
    told.hears(SILENCE, 20)
    assert told.decided[-1][1].kind is Kind.TURN_DROPPED
    assert told.decided[-1][1].why == "acknowledgement"


def test_echo_below_the_threshold_is_not_the_caller():
    told = Told().turn().speaks().hears(500, 3000)
    assert told.kinds()[-1] is Kind.TURN_OVER
    told.floor.agent_stopped(asked=False)
    told.hears(500, 200).hears(SILENCE, 1000)
    assert told.kinds()[-1] is Kind.TURN_OVER


def test_silence_is_noticed_every_ten_seconds():
    told = Told().hears(SILENCE, 25_000)
    assert [at_ms for at_ms, d in told.decided if d.kind is Kind.SILENCE] == [10_000, 20_000]


def test_speech_in_noise_is_found():
    told = Told().hears(600, 2000)
    learnt = len(told.decided)
    told.hears(600, 4000)
    assert Kind.CALLER_STARTED not in told.kinds()[learnt:]
    before = len(told.decided)
    told.hears(3000, 1000).hears(600, 500)
    assert told.kinds()[before:][:2] == [Kind.CALLER_STARTED, Kind.CALLER_STOPPED]


def test_equal_inputs_give_equal_decisions():
    def play() -> list[tuple[int, Decision]]:
        return Told().turn().speaks().hears(SPEECH, 400).hears(SILENCE, 600).reads("no").decided

    assert play() == play()
