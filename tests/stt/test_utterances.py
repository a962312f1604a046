"""The batch→stream adapter, on frames that spell words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from sdr_lab.errors import ProviderError
from sdr_lab.records import FRAME_BYTES, FRAME_MS, Words
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.scripted import SpelledRecogniser, spelled
from sdr_lab.stt.utterances import Recognised, Utterances


@dataclass(frozen=True)
class Answer:
    """A result and the time on the clock at which it came."""

    words: Words
    clock_ms: int


def hear(
    recogniser: SpelledRecogniser, *steps: str | Cue, interim_ms: int | None = None
) -> list[Answer]:
    """Play letters (20 ms each) and cues to the adapter in real time on a virtual clock."""

    async def audio() -> AsyncIterator[Heard | Cue]:
        at_ms = 0
        for step in steps:
            if isinstance(step, Cue):
                yield step
                continue
            for letter in step:
                await asyncio.sleep(FRAME_MS / 1000)
                yield Heard(at_ms, spelled(letter))
                at_ms += FRAME_MS

    async def run() -> list[Answer]:
        loop, stt = asyncio.get_running_loop(), Utterances(recogniser, interim_ms=interim_ms)
        return [Answer(words, round(1000 * loop.time())) async for words in stt.transcribe(audio())]

    return run_virtually(run())


def texts(answers: Sequence[Answer]) -> list[tuple[str, bool]]:
    return [(answer.words.text, answer.words.is_final) for answer in answers]


PAUSE = " " * 8
LEAD = " " * 25


def test_nothing_is_decoded_before_the_caller_starts():
    recogniser = SpelledRecogniser()

    assert hear(recogniser, "abc" * 100) == []
    assert recogniser.decoded == []


def test_the_utterance_begins_400_ms_before_the_cue():
    answers = hear(SpelledRecogniser(), "x" * 5 + "y" * 20, Cue.STARTED, "z", Cue.FINISH)

    assert texts(answers) == [("y" * 20 + "z", True)]
    assert answers[0].words.start_ms == 100
    assert answers[0].words.end_ms == 520


def test_a_decode_made_in_the_pause_becomes_the_final_at_once():
    recogniser = SpelledRecogniser(takes_ms=70)

    answers = hear(
        recogniser, LEAD, Cue.STARTED, "hi", PAUSE, Cue.PAUSED, " " * 17, Cue.FINISH, " "
    )

    paused_ms, finish_ms = (25 + 2 + 8) * 20, (25 + 2 + 8 + 17) * 20
    assert texts(answers) == [("hi", False), ("hi", True)]
    assert [answer.clock_ms for answer in answers] == [paused_ms + 70, finish_ms]
    assert [answer.words.end_ms for answer in answers] == [paused_ms, paused_ms]
    assert recogniser.decoded == ["hi"]


def test_a_decode_under_way_becomes_the_final():
    recogniser = SpelledRecogniser(takes_ms=300)

    answers = hear(recogniser, LEAD, Cue.STARTED, "hi", PAUSE, Cue.PAUSED, " " * 5, Cue.FINISH)

    assert texts(answers) == [("hi", True)]
    assert answers[0].clock_ms == (25 + 2 + 8) * 20 + 300
    assert recogniser.decoded == ["hi"]


def test_a_decode_made_before_the_caller_went_on_is_not_final():
    recogniser = SpelledRecogniser(takes_ms=50)

    answers = hear(
        recogniser,
        *(LEAD, Cue.STARTED, "hi", PAUSE, Cue.PAUSED, " " * 5),
        *("mo", Cue.STARTED, "re", Cue.FINISH),
    )

    assert texts(answers) == [("hi", False), ("hi more", True)]


def test_obsolete_decodes_do_not_queue_up():
    recogniser = SpelledRecogniser(takes_ms=1000)

    answers = hear(
        recogniser,
        *(LEAD, Cue.STARTED, "a", Cue.PAUSED, Cue.STARTED, "b", Cue.PAUSED, Cue.STARTED),
        *("c", Cue.PAUSED, Cue.STARTED, "d", Cue.FINISH),
    )

    assert recogniser.decoded == ["a", "abcd"]
    assert texts(answers) == [("a", False), ("abcd", True)]
    assert answers[-1].clock_ms == 26 * 20 + 2000


def test_the_second_turn_waits_for_the_first_and_does_not_repeat_its_words():
    recogniser = SpelledRecogniser(takes_ms=500)

    answers = hear(
        recogniser,
        *(LEAD, Cue.STARTED, "one", Cue.FINISH, " two", Cue.STARTED, "x", Cue.FINISH),
    )

    assert texts(answers) == [("one", True), ("twox", True)]


def test_an_onset_just_before_the_finish_belongs_to_the_next_turn():
    answers = hear(
        SpelledRecogniser(),
        *(LEAD, Cue.STARTED, "one", PAUSE, Cue.PAUSED, "  tw", Cue.FINISH),
        *("o", Cue.STARTED, Cue.FINISH),
    )

    assert texts(answers)[-2:] == [("one", True), ("two", True)]


def test_a_second_pause_without_new_speech_costs_nothing():
    recogniser = SpelledRecogniser()

    hear(recogniser, LEAD, Cue.STARTED, "hi", Cue.PAUSED, PAUSE, Cue.PAUSED, PAUSE, Cue.FINISH)

    assert recogniser.decoded == ["hi"]


def test_a_drop_while_decoding_answers_nothing_and_the_next_turn_is_clean():
    recogniser = SpelledRecogniser(takes_ms=200)

    answers = hear(
        recogniser,
        *(LEAD, Cue.STARTED, "echo", Cue.PAUSED, " ", Cue.DROP, " "),
        *("yes", Cue.STARTED, Cue.PAUSED, PAUSE * 3, Cue.FINISH),
    )

    assert texts(answers) == [("yes", False), ("yes", True)]


def test_interim_results_while_the_caller_speaks_when_asked_for():
    answers = hear(
        SpelledRecogniser(takes_ms=10), Cue.STARTED, "abcdefgh", Cue.FINISH, interim_ms=60
    )

    assert texts(answers) == [("abc", False), ("abcdef", False), ("abcdefgh", True)]


def test_a_long_utterance_is_cut_at_its_latest_pause_and_keeps_its_text():
    recogniser = SpelledRecogniser()
    first, second = "a" * 900, "b" * 900

    answers = hear(
        recogniser,
        *(Cue.STARTED, first, PAUSE, Cue.PAUSED, Cue.STARTED, second, PAUSE, Cue.PAUSED),
        Cue.FINISH,
    )

    assert texts(answers) == [(first, False), (f"{first} {second}", True)]
    assert recogniser.decoded == [first, second]


def test_a_long_utterance_without_a_pause_is_cut_where_it_is_quietest():
    recogniser = SpelledRecogniser()

    answers = hear(recogniser, Cue.STARTED, "a" * 1300, " ", "b" * 1300, Cue.FINISH)

    assert texts(answers) == [("a" * 1300 + " " + "b" * 1300, True)]
    assert recogniser.decoded == ["a" * 1300, "b" * 1300]


def test_a_failing_recogniser_ends_the_stream_with_its_error():
    class Broken(SpelledRecogniser):
        async def recognise(self, mulaw: bytes) -> Recognised:
            raise ProviderError("broken", "no memory")

    with pytest.raises(ProviderError, match="broken: no memory"):
        hear(Broken(), Cue.STARTED, "hello", Cue.PAUSED, PAUSE)


def test_a_frame_is_160_bytes_of_the_letter():
    assert spelled("a ") == b"a" * FRAME_BYTES + b"\xff" * FRAME_BYTES
