"""The floor between speech and interruption: holds, releases, words that stop or veto."""

from __future__ import annotations

from typing import Any, Self

import pytest

from sdr_lab.records import InterruptSettings, Words
from sdr_lab.turns.decision import Kind, State
from sdr_lab.turns.detectors.scripted import VoicedDetector
from sdr_lab.turns.floor import Floor
from tests.turns.test_floor import FIXED, SILENCE, SPEECH
from tests.turns.test_floor import Told as Heard

COUGH_MS = 200
HOLD_MS, LIMIT_MS, STOP_MS = 120, 800, 300
"""Voice that holds, silence that ends the hold, voice that stops: the defaults."""


class Told(Heard):
    """A floor with a detector that counts voiced frames."""

    def __init__(self, **changes: Any) -> None:
        settings = InterruptSettings(**changes)
        super().__init__(interrupt=settings)
        self.floor = Floor(FIXED, VoicedDetector(settings), 10_000, settings)

    def says(self, *sentences: str) -> Self:
        """The agent speaks, and has begun the last of these sentences."""
        self.floor.agent_started()
        for sentence in sentences:
            self.floor.agent_says(sentence)
        self.hears(SILENCE, 500)
        return self

    def reads_from(self, start_ms: int, text: str, is_final: bool = False) -> Self:
        words = Words(text, is_final, start_ms, self.at_ms)
        self.decided += [(self.at_ms, decision) for decision in self.floor.read(words)]
        return self

    def over_agent(self, text: str, is_final: bool = False) -> Self:
        """Words whose sound has just been heard."""
        return self.reads_from(self.at_ms - 200, text, is_final)

    def count(self, kind: Kind) -> int:
        return self.kinds().count(kind)


def talk(**changes: Any) -> Told:
    """The agent is speaking since 1.5 s, 500 ms ago."""
    told = Told(**changes)
    told.turn()
    told.says("We have three plans.")
    return told


# ---- hold and release


def test_a_cough_holds_and_the_agent_goes_on():
    told = talk()
    told.hears(SPEECH, COUGH_MS).hears(SILENCE, 2000)
    at_ms, hold = told.first(Kind.HOLD)
    assert (at_ms, hold.since_ms, hold.why) == (2000 + HOLD_MS, 2000, "voiced")
    at_ms, release = told.first(Kind.RELEASE)
    assert at_ms == 2000 + HOLD_MS + LIMIT_MS
    assert (release.why, release.since_ms) == ("expired", 2000 + HOLD_MS)
    assert Kind.CUT_IN not in told.kinds()
    assert told.floor.state is State.SPEAKING
    assert not told.floor.is_holding


def test_a_stop_after_a_hold():
    told = talk()
    told.hears(SPEECH, 1000)
    assert told.count(Kind.HOLD) == told.count(Kind.CUT_IN) == 1
    at_ms, cut = told.first(Kind.CUT_IN)
    assert (at_ms, cut.since_ms) == (2000 + STOP_MS, 2000)
    assert Kind.RELEASE not in told.kinds()
    assert told.floor.state is State.LISTENING


def test_without_holds_there_is_only_the_stop():
    told = talk(hold=False)
    told.hears(SPEECH, COUGH_MS).hears(SILENCE, 500).hears(SPEECH, 400)
    assert Kind.HOLD not in told.kinds()
    assert told.count(Kind.CUT_IN) == 1


@pytest.mark.parametrize(
    ("talks_ms", "released_ms", "why"),
    [
        (700, LIMIT_MS, "expired"),  # silent for 220 ms when the limit comes
        (800, 1080 - HOLD_MS - 80, "quiet"),  # silent 200 ms after 800 ms of noise
        (1200, 1200 - HOLD_MS + 200, "quiet"),
        (3000, 2 * LIMIT_MS, "expired"),
    ],
)
def test_who_still_makes_a_noise_is_let_finish_within_limits(
    talks_ms: int, released_ms: int, why: str
):
    told = talk(activity_ms=5000)
    told.hears(SPEECH, talks_ms).hears(SILENCE, 1500)
    at_ms, release = told.first(Kind.RELEASE)
    assert (at_ms - (2000 + HOLD_MS), release.why) == (released_ms, why)


def test_one_noise_holds_once():
    told = talk(activity_ms=60_000)
    told.hears(SPEECH, 6000)
    assert told.count(Kind.HOLD) == 1
    told.hears(SILENCE, 700).hears(SPEECH, COUGH_MS)
    assert told.count(Kind.HOLD) == 2


def test_the_agents_end_ends_a_hold():
    told = talk()
    told.hears(SPEECH, COUGH_MS)
    told.floor.agent_stopped(asked=False)
    told.hears(SILENCE, 2000)
    assert not told.floor.is_holding
    assert Kind.RELEASE not in told.kinds()


def test_nobody_holds_an_agent_that_keeps_the_floor():
    told = talk()
    told.floor.hold()
    told.hears(SPEECH, 1000)
    assert Kind.HOLD not in told.kinds()
    told = talk()
    told.hears(SPEECH, COUGH_MS)
    told.floor.hold()
    assert not told.floor.is_holding
    told.hears(SILENCE, 2000)
    assert Kind.RELEASE not in told.kinds()


def test_keys_and_typed_words_stop_a_held_agent():
    told = talk()
    told.hears(SPEECH, COUGH_MS)
    told.decided += [(told.at_ms, decision) for decision in told.floor.press("1")]
    assert told.first(Kind.CUT_IN)[1].why == "keys"
    assert not told.floor.is_holding


# ---- words


def test_an_acknowledgement_releases_at_once_and_the_utterance_stops_nobody():
    told = talk()
    told.hears(SPEECH, COUGH_MS).over_agent("Mm-hmm.")
    at_ms, release = told.first(Kind.RELEASE)
    assert (at_ms, release.why) == (2200, "acknowledgement")
    told.hears(SPEECH, 1000)
    assert Kind.CUT_IN not in told.kinds()
    told.hears(SILENCE, 800).hears(SPEECH, 400)
    assert told.count(Kind.CUT_IN) == 1  # the next utterance does


def test_other_words_lift_the_veto_and_a_stop_that_it_passed_over_counts():
    told = talk()
    told.hears(SPEECH, COUGH_MS).over_agent("Okay")
    told.hears(SPEECH, 600)
    assert Kind.CUT_IN not in told.kinds()
    told.reads_from(2000, "Okay but how much")
    at_ms, cut = told.first(Kind.CUT_IN)
    assert (at_ms, cut.why) == (2800, "voiced")


def test_an_acknowledgement_is_an_answer_when_a_question_was_put():
    told = talk()
    told.floor.agent_says("Would you like a demo?")
    told.floor.agent_says("It takes twenty minutes.")
    told.hears(SPEECH, COUGH_MS).over_agent("Yeah.")
    assert told.first(Kind.CUT_IN)[1].why == "words"
    told.hears(SILENCE, 600).reads("Yeah.")
    assert [d.text for _, d in told.decided if d.kind is Kind.TURN_OVER][-1].startswith("Yeah.")


def test_a_yes_within_the_question_neither_stops_nor_releases():
    told = talk()
    told.floor.agent_says("Would you like a demo?")
    told.hears(SPEECH, COUGH_MS).over_agent("Yeah.")
    assert told.kinds()[-1] is Kind.HOLD
    told.hears(SILENCE, 1000)
    assert told.first(Kind.RELEASE)[1].why == "expired"


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("text", ["Wait.", "No, hold on.", "uh stop", "No thanks, really"])
def test_stop_words_stop(text: str, is_held: bool):
    told = talk(hold=is_held)
    told.hears(SPEECH, COUGH_MS).hears(SILENCE, 200).over_agent(text)
    at_ms, cut = told.first(Kind.CUT_IN)
    assert (at_ms, cut.why, cut.since_ms) == (2400, "stop_word", 2000)
    assert told.floor.state is State.LISTENING


def test_the_agents_own_stop_word_is_passed_over():
    told = Told()
    told.turn()
    told.says("Just say stop or wait if I am too fast.")
    told.over_agent("say stop or wait if")
    assert Kind.CUT_IN not in told.kinds()
    told.over_agent("hold on")
    assert told.first(Kind.CUT_IN)[1].why == "stop_word"


def test_stop_words_need_an_agent_that_may_be_stopped():
    told = talk(enabled=False)
    told.hears(SPEECH, COUGH_MS).over_agent("Wait.")
    assert Kind.CUT_IN not in told.kinds()


def test_other_words_confirm_a_hold():
    told = talk()
    told.hears(SPEECH, COUGH_MS).hears(SILENCE, 200).over_agent("How much is it?")
    at_ms, cut = told.first(Kind.CUT_IN)
    assert (at_ms, cut.why) == (2400, "words")


@pytest.mark.parametrize("text", ["have three plans", "um", "uh, so"])
def test_echo_and_fillers_say_nothing(text: str):
    told = talk()
    told.hears(SPEECH, COUGH_MS).over_agent(text)
    assert told.kinds()[-1] is Kind.HOLD


def test_late_words_of_the_turn_before_say_nothing():
    told = talk()
    told.hears(SPEECH, COUGH_MS).reads_from(300, "Stop asking me", is_final=True)
    assert told.kinds()[-1] is Kind.HOLD


def test_lists_of_ones_own():
    told = talk(stop_words=("basta",), acknowledgements=("jawohl",))
    told.hears(SPEECH, COUGH_MS).over_agent("Jawohl!")
    assert told.first(Kind.RELEASE)[1].why == "acknowledgement"
    told.hears(SILENCE, 700).over_agent("Basta")
    assert told.first(Kind.CUT_IN)[1].why == "stop_word"


def test_a_stop_that_waits_for_words_still_holds_by_sound():
    told = talk(require_text=True)
    told.hears(SPEECH, 600)
    assert told.kinds()[-1] is Kind.HOLD
    told.over_agent("Mm-hmm")
    assert told.first(Kind.RELEASE)[1].why == "acknowledgement"
    told.hears(SILENCE, 700).hears(SPEECH, 600).over_agent("How much")
    assert told.count(Kind.CUT_IN) == 1


# ---- what follows a stop


@pytest.mark.parametrize(
    ("sentence", "text", "kind"),
    [
        ("We have three plans.", "Okay.", Kind.RESUME),
        ("We have three plans.", "Okay, and the price?", Kind.TURN_OVER),
        ("Is it three?", "Okay.", Kind.TURN_OVER),
    ],
)
def test_a_stop_that_proves_an_acknowledgement_is_none(sentence: str, text: str, kind: Kind):
    told = Told()
    told.turn()
    told.says(sentence).hears(SPEECH, 500).hears(SILENCE, 500).reads(text)
    assert told.count(Kind.CUT_IN) == 1
    assert told.kinds()[-1] is kind


def test_an_answer_under_an_outstanding_mark_is_a_turn():
    told = talk()
    told.hears(SPEECH, 500)
    told.floor.agent_stopped(asked=False)  # all had been heard
    told.hears(SILENCE, 500).reads("Okay.")
    assert told.kinds()[-1] is Kind.TURN_OVER


# ---- greeting and thought


def greeting(**changes: Any) -> Told:
    told = Told(**changes)
    told.hears(SILENCE, 1000)
    told.floor.agent_greets()
    return told.says("Hello, this is Joe.")


def test_a_greeting_that_nobody_stops():
    told = greeting(greeting={"enabled": False})
    told.hears(SPEECH, 1000).hears(SILENCE, 600).reads("Who is this?", is_final=True)
    assert not {Kind.HOLD, Kind.CUT_IN} & set(told.kinds())
    told.floor.agent_stopped(asked=False)
    told.hears(SILENCE, 20)
    assert told.first(Kind.TURN_OVER)[1].text == "Who is this?"
    told.says("I am Joe.").hears(SPEECH, 400)
    assert told.count(Kind.CUT_IN) == 1


def test_a_greeting_with_settings_of_its_own():
    told = greeting(greeting={"activity_ms": 600, "hold": False})
    told.hears(SPEECH, 800)
    assert Kind.HOLD not in told.kinds()
    assert told.first(Kind.CUT_IN)[0] == 1500 + 600


def test_thought_that_nobody_disturbs():
    told = Told(thinking={"enabled": False})
    told.turn("How much is it?").hears(SPEECH, 800).hears(SILENCE, 600).reads("And for ten?")
    assert Kind.WITHDRAW not in told.kinds()
    told.says("It is $49.")
    told.floor.agent_stopped(asked=False)
    told.hears(SILENCE, 20)
    overs = [d.text for _, d in told.decided if d.kind is Kind.TURN_OVER]
    assert overs == ["How much is it?", "And for ten?"]


def test_thought_that_takes_more_to_be_disturbed():
    told = Told(thinking={"min_speech_ms": 400}, min_speech_ms=100)
    told.turn().hears(SPEECH, 800)
    assert told.first(Kind.WITHDRAW)[0] == 1500 + 400


def test_equal_inputs_give_equal_decisions():
    def play() -> list[Any]:
        told = talk()
        told.hears(SPEECH, COUGH_MS).over_agent("okay").hears(SILENCE, 900)
        return told.hears(SPEECH, 400).hears(SILENCE, 600).reads("Well, no.").decided

    assert play() == play()


# ---- what was said over the agent, afterwards


def test_an_acknowledgement_is_no_answer_to_a_question_put_later():
    told = talk()
    told.hears(SPEECH, COUGH_MS).hears(SILENCE, 600).over_agent("Okay.", is_final=True)
    told.hears(SILENCE, 900)
    told.floor.agent_says("Shall I book it?")
    told.hears(SILENCE, 1000)
    told.floor.agent_stopped(asked=True)
    told.hears(SILENCE, 1000)
    assert told.first(Kind.TURN_DROPPED)[1].why == "acknowledgement"
    assert told.count(Kind.TURN_OVER) == 1  # that of before
    told.hears(SPEECH, 400).hears(SILENCE, 500).reads("No.")
    assert [d.text for _, d in told.decided if d.kind is Kind.TURN_OVER][-1] == "No."


def test_words_of_our_own_echo_do_not_confirm_a_stop_that_waits_for_words():
    told = talk(require_text=True, hold=False)
    told.hears(SPEECH, 600).over_agent("we have three plans")
    assert Kind.CUT_IN not in told.kinds()
    told.over_agent("how much")
    assert told.count(Kind.CUT_IN) == 1


def test_late_words_of_the_turn_before_do_not_confirm_a_stop_either():
    told = talk(require_text=True, hold=False)
    told.hears(SPEECH, 600).reads_from(300, "How much is it?", is_final=True)
    assert Kind.CUT_IN not in told.kinds()


def test_an_acknowledgement_that_is_told_late_does_not_veto_the_next_utterance():
    told = talk()
    told.hears(SPEECH, 100).hears(SILENCE, 600)
    told.hears(SPEECH, COUGH_MS)
    assert told.count(Kind.HOLD) == 1
    words = Words("Mm-hmm.", True, 2000, 2100)
    told.decided += [(told.at_ms, decision) for decision in told.floor.read(words)]
    told.hears(SPEECH, 300)
    assert told.count(Kind.CUT_IN) == 1


def test_an_echo_too_quiet_to_be_a_voice_is_no_part_of_the_next_turn():
    told = talk()
    told.over_agent("We have three plans.", is_final=True)
    told.floor.agent_stopped(asked=False)
    told.hears(SILENCE, 600).hears(SPEECH, 400).hears(SILENCE, 500).reads("Tell me more.")
    assert [d.text for _, d in told.decided if d.kind is Kind.TURN_OVER][-1] == "Tell me more."


def test_who_talks_on_behind_an_acknowledgement_stops_the_agent_without_words_too():
    told = talk()
    told.hears(SPEECH, COUGH_MS).hears(SILENCE, 200).over_agent("Yeah.")
    told.hears(SPEECH, 3000)
    at_ms, cut = told.first(Kind.CUT_IN)
    assert at_ms == 2400 + 1500
    assert cut.why == "voiced"


def test_words_that_are_still_an_acknowledgement_renew_the_veto():
    told = talk()
    told.hears(SPEECH, COUGH_MS).over_agent("Yeah.")
    told.hears(SPEECH, 1000).over_agent("Yeah, okay.").hears(SPEECH, 1000)
    assert Kind.CUT_IN not in told.kinds()
