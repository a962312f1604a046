"""Where speech goes on after a cut, measured against words at known places."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.energy import frame_energies
from sdr_lab.call.rejoin import faded_in, is_silent, rejoin_frame
from sdr_lab.tts.base import Voice
from sdr_lab.tts.tone import Tone
from tests.call.test_heard import CUTS, SENTENCES, spoken_words


def sounding(mulaw: bytes, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take the silence around each word off (ms)."""
    limit = 0.06 * np.percentile(frame_energies(mulaw, 80), 90)
    trimmed = []
    for start, end in places:
        loud = np.flatnonzero(frame_energies(mulaw[start * 8 : end * 8], 80) > limit)
        trimmed.append((start + int(loud[0]) * 10, start + int(loud[-1] + 1) * 10))
    return trimmed


def cuts(voice: Voice, lag_ms: int) -> list[tuple[bool, int]]:
    """Return for cuts at random moments whether a word was lost, and how many came twice."""
    chance = random.Random(3)
    found = []
    for sentence in SENTENCES:
        mulaw, places = spoken_words(voice, sentence, 0)
        words = sounding(mulaw, places)
        for _ in range(CUTS):
            cut = int(chance.uniform(1, len(mulaw) / 160))
            frame = rejoin_frame(sentence, mulaw, max(0, cut - lag_ms // 20), cut)
            cut_ms, start_ms = cut * 20, frame * 20
            broken = [begin for begin, end in words if begin < cut_ms < end]
            lost = any(start_ms > begin + 25 for begin in broken)
            found.append((lost, sum(e - 30 > start_ms and b < cut_ms for b, e in words)))
    return found


@pytest.mark.parametrize("lag_ms", [0, 100, 200])
def test_no_word_is_lost_and_two_at_most_come_twice(lag_ms: int):
    found = cuts(Tone(), lag_ms)
    assert not any(lost for lost, _ in found)
    assert np.percentile([again for _, again in found], 98) <= 2


@pytest.mark.models
@pytest.mark.parametrize("lag_ms", [0, 200])
def test_with_a_real_voice(lag_ms: int):
    from sdr_lab.tts.piper import Piper

    found = cuts(Piper(deterministic=True), lag_ms)
    assert np.mean([lost for lost, _ in found]) <= 0.03
    assert np.mean([again <= 2 for _, again in found]) >= 0.95


def test_the_ends():
    mulaw, _ = spoken_words(Tone(), SENTENCES[0], 20)
    assert rejoin_frame(SENTENCES[0], mulaw, 0) == 0
    assert rejoin_frame(SENTENCES[0], mulaw, 3) == 0
    assert rejoin_frame(SENTENCES[0], b"", 3) == 0
    assert is_silent(mulaw, len(mulaw) // 160 + 1)
    assert not is_silent(mulaw, 0)


def test_a_fade_begins_at_nothing_and_is_short():
    loud = bytes([0x80]) * 160
    pcm, before = mulaw_to_pcm(faded_in(loud)), mulaw_to_pcm(loud)
    assert pcm[0] == 0
    assert np.all(np.diff(pcm[:40].astype(int)) >= 0)
    assert np.array_equal(pcm[40:], before[40:])
