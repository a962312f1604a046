"""The double that knows the script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sdr_lab.errors import ProviderError
from sdr_lab.records import FRAME_MS, Words
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.scripted import Said, ScriptedTranscriber, misheard, spelled

TEN = "aaaa bbbb cccc dddd"
"""Four words of four letters: 19 places, so a word ends at 4/19, 9/19, 14/19 and 19/19."""


async def frames(first_ms: int, *steps: int | Cue) -> AsyncIterator[Heard | Cue]:
    """A number is so many ms of audio."""
    at_ms = first_ms
    for step in steps:
        if isinstance(step, Cue):
            yield step
            continue
        for _ in range(step // FRAME_MS):
            await asyncio.sleep(FRAME_MS / 1000)
            yield Heard(at_ms, spelled(" "))
            at_ms += FRAME_MS


def hear(
    stt: ScriptedTranscriber, *steps: int | Cue, first_ms: int = 0
) -> list[tuple[Words, float]]:
    async def run() -> list[tuple[Words, float]]:
        loop = asyncio.get_running_loop()
        stream = stt.transcribe(frames(first_ms, *steps))
        return [(words, round(1000 * loop.time(), 3)) async for words in stream]

    return run_virtually(run())


def texts(heard: list[tuple[Words, float]]) -> list[str]:
    return [words.text for words, _ in heard]


def test_only_words_whose_audio_has_come_are_reported():
    stt = ScriptedTranscriber([Said(TEN, 1000, 2900)])

    pauses = [step for ms in (1380, 20, 500, 980, 20) for step in (ms, Cue.PAUSED)]
    heard = hear(stt, *pauses, 20)

    assert texts(heard) == ["", "aaaa", "aaaa bbbb", "aaaa bbbb cccc", TEN]


def test_delays_run_on_the_loops_clock():
    stt = ScriptedTranscriber([Said("yes", 0, 200)], delay_ms=150, final_delay_ms=40)

    heard = hear(stt, 360, Cue.PAUSED, 340, Cue.FINISH, 400)

    assert [(words.is_final, clock_ms) for words, clock_ms in heard] == [(False, 510), (True, 740)]


def test_a_final_overtakes_an_interim_result_that_has_not_begun():
    stt = ScriptedTranscriber([Said("a b", 0, 300)], delay_ms=1000, final_delay_ms=0)

    heard = hear(stt, 100, Cue.PAUSED, 20, Cue.PAUSED, 180, Cue.FINISH)

    assert [(words.text, words.is_final) for words, _ in heard] == [("a", False), ("a b", True)]


def test_each_final_takes_its_words_once():
    stt = ScriptedTranscriber([Said(TEN, 0, 1900)])

    heard = hear(stt, 1000, Cue.FINISH, 1000, Cue.FINISH, 100, Cue.FINISH)

    assert texts(heard) == ["aaaa bbbb", "cccc dddd", ""]


def test_the_script_may_grow_while_the_call_runs():
    said: list[Said] = []
    stt = ScriptedTranscriber(lambda: said)

    async def caller() -> AsyncIterator[Heard | Cue]:
        async for item in frames(0, 500, Cue.FINISH):
            yield item
        said.append(Said("later", 600, 900))
        async for item in frames(500, 500, Cue.FINISH):
            yield item

    async def run() -> list[str]:
        return [words.text async for words in stt.transcribe(caller())]

    assert run_virtually(run()) == ["", "later"]


def test_it_fails_when_told_and_a_new_stream_hears_only_its_own_audio():
    stt = ScriptedTranscriber([Said(TEN, 0, 1900)], fails_at_ms=1000)

    with pytest.raises(ProviderError, match="scripted: failed at 1000 ms"):
        hear(stt, 1900, Cue.FINISH)

    assert texts(hear(stt, 900, Cue.FINISH, first_ms=1000)) == ["cccc dddd"]


def test_the_same_share_of_words_is_misheard_every_time():
    words = " ".join(f"word{number}" for number in range(200))

    def run() -> str:
        stt = ScriptedTranscriber([Said(words, 0, 4000)], mishear=misheard(0.2, seed=7))
        return texts(hear(stt, 4000, Cue.FINISH))[0]

    damaged = run()

    assert damaged == run()
    kept = set(damaged.split()) & set(words.split())
    assert 140 <= len(kept) <= 180


def test_no_word_is_misheard_at_share_zero():
    assert [misheard(0)(word) for word in TEN.split()] == TEN.split()
