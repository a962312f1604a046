"""The providers of load tests: they answer at once, and keep to the protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sdr_lab.config import Settings
from sdr_lab.providers import LLM, STT, TTS, make
from sdr_lab.records import Prompt, Words
from sdr_lab.simulate.instant import (
    ANSWERS,
    QUESTIONS,
    SYLLABLE_MS,
    InstantModel,
    InstantTranscriber,
    InstantVoice,
)
from sdr_lab.simulate.rehearsal import AGENT
from sdr_lab.stt.base import Cue, Heard

SETTINGS = Settings.load(None, {}, environ={})
QUIET = b"\xff" * 160


async def words_of(*items: int | Cue) -> list[Words]:
    """Return what is understood of frames (numbers: so many) and cues."""

    async def audio() -> AsyncIterator[Heard | Cue]:
        at_ms = 0
        for item in items:
            if isinstance(item, Cue):
                yield item
                continue
            for _ in range(item):
                yield Heard(at_ms, QUIET)
                at_ms += 20

    return [words async for words in InstantTranscriber(SETTINGS, AGENT).transcribe(audio())]


async def test_a_question_is_understood_when_a_result_is_wanted():
    heard = await words_of(5, Cue.STARTED, 50, Cue.PAUSED, 10, Cue.FINISH)

    assert heard == [
        Words(QUESTIONS[0], False, 100, 1100),
        Words(QUESTIONS[0], True, 100, 1300),
    ]


async def test_every_finish_is_answered_even_when_nothing_was_said():
    heard = await words_of(
        Cue.FINISH, 5, Cue.STARTED, Cue.DROP, Cue.FINISH, Cue.STARTED, Cue.FINISH
    )

    assert [words.text for words in heard] == ["", "", QUESTIONS[1]]
    assert all(words.is_final for words in heard)


async def test_answers_come_word_by_word_and_sentences_last_as_long_as_speech():
    replies = InstantModel(SETTINGS, AGENT).reply(Prompt(system="", words="?"))
    pieces = [piece async for piece in replies]
    assert "".join(pieces) == ANSWERS[0]

    voice = InstantVoice(SETTINGS, AGENT)
    (sound,) = [sound async for sound in voice.speak("one two")]
    assert sound.duration_ms == pytest.approx(2 * SYLLABLE_MS, rel=0.5)
    assert [sound async for sound in voice.speak("")] == []


def test_settings_can_name_them():
    module = "sdr_lab.simulate.instant"

    assert make(STT, f"{module}:InstantTranscriber", SETTINGS, AGENT).name == "instant"
    assert make(LLM, f"{module}:InstantModel", SETTINGS, AGENT).name == "instant"
    assert make(TTS, f"{module}:InstantVoice", SETTINGS, AGENT).name == "instant"
