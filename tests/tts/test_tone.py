import asyncio
from itertools import pairwise

import numpy as np
import pytest

from sdr_lab.audio.energy import active_level_dbfs
from sdr_lab.records import Sound
from sdr_lab.tts.tone import Tone


async def spoken(tone: Tone, sentence: str, voice: str = "") -> list[Sound]:
    return [sound async for sound in tone.speak(sentence, voice)]


async def test_one_sound_a_word():
    sounds = await spoken(Tone(), "Hello there, Joe!")

    assert len(sounds) == 3
    assert {sound.rate_hz for sound in sounds} == {8000}


async def test_word_times_are_the_truth():
    tone = Tone()
    sentence = "Our CRM costs $49.99 per month - really."

    times = tone.word_times(sentence)
    sounds = await spoken(tone, sentence)

    assert [word for word, _, _ in times] == sentence.split()
    assert times[0][1] == 0
    assert all(a[2] == b[1] for a, b in pairwise(times))
    assert [sound.duration_ms for sound in sounds] == [
        end - start for _, start, end in times if end > start
    ]
    pcm = np.concatenate([sound.pcm for sound in sounds])
    assert len(pcm) == times[-1][2] * 8
    for _, start, end in times:
        if end > start:  # sounds until the gap, is silent in it
            assert np.abs(pcm[start * 8 + 100 : (end - 40) * 8 - 100]).max() > 4000
            assert not pcm[(end - 40) * 8 : end * 8].any()


def test_longer_words_take_longer():
    times = {word: end - start for word, start, end in Tone().word_times("I configuration - $99")}

    assert times["-"] == 0
    assert 0 < times["I"] < times["$99"]
    assert times["I"] < times["configuration"]


async def test_other_rates_and_lengths():
    short = await spoken(Tone(syllable_ms=100, gap_ms=20, rate_hz=22050), "Hello there")
    long = await spoken(Tone(syllable_ms=200, gap_ms=40, rate_hz=22050), "Hello there")

    assert {sound.rate_hz for sound in short} == {22050}
    total = [sum(sound.duration_ms for sound in sounds) for sounds in (short, long)]
    assert total[1] == pytest.approx(2 * total[0], abs=2)


async def test_the_level_is_that_of_speech():
    pcm = np.concatenate([sound.pcm for sound in await spoken(Tone(), "Hello there, dear Joe.")])

    assert active_level_dbfs(pcm, 8000) == pytest.approx(-20, abs=1.5)


async def test_the_same_every_time_and_another_for_another_voice():
    first, second, other = [
        [sound.pcm.tolist() for sound in await spoken(Tone(), "Hello there", voice)]
        for voice in ("", "", "3")
    ]

    assert first == second
    assert first != other
    assert [len(pcm) for pcm in first] == [len(pcm) for pcm in other]


@pytest.mark.parametrize("sentence", ["", "  ", "...", "!?"])
async def test_nothing_is_said_without_words(sentence: str):
    assert await spoken(Tone(delay_ms=10**9), sentence) == []


async def test_a_delay_comes_before_the_first_sound():
    speaking = asyncio.ensure_future(spoken(Tone(delay_ms=10**7), "Hello"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not speaking.done()
    speaking.cancel()


def test_the_fingerprint_tells_settings_apart():
    assert Tone().fingerprint == Tone().fingerprint
    assert Tone(syllable_ms=100).fingerprint != Tone().fingerprint
