"""Which words of a sentence had been heard when its sound was cut off.

No voice here reports word times, so they are estimated: pauses in the sound are found by level,
and the sounding time is shared out to the words by how long each takes to say. A word counts as
heard when more than half of it was. tests/call/test_heard.py measures the error against words
synthesised one by one at known offsets.
"""

from __future__ import annotations

import numpy as np

from sdr_lab.audio.energy import frame_energies
from sdr_lab.records import FRAME_MS
from sdr_lab.tts.speakable import spoken_weight

QUIET_SHARE = 0.06
"""A frame below this share of the sentence's loud frames is a pause."""


FIRST_MS_PER_WEIGHT = 200.0
"""How long a word of weight 1 takes to say, until the voice has shown how fast it speaks."""


def weight_of(text: str) -> float:
    """Return how much there is to say in a text; a short word weighs about 1."""
    return float(sum(weights_of(text.split())))


def words_heard(text: str, mulaw: bytes, heard_ms: float, to_come_ms: float = 0.0) -> str:
    """Return the leading words of `text` that were heard in `heard_ms` of its sound.

    Args:
        text: The sentence as written.
        mulaw: Its sound so far, 8 kHz µ-law.
        heard_ms: Playing time before the cut, from the first sample.
        to_come_ms: Estimated length of the sound that had not been made yet.
    """
    words = text.split()
    if not words or heard_ms <= 0:
        return ""
    sounding_ms, total_ms = _sounding(mulaw, heard_ms)
    if total_ms <= 0:
        return ""
    total_ms += to_come_ms
    if sounding_ms >= total_ms:
        return text
    weights = np.array(weights_of(words))
    ends = np.cumsum(weights)
    middles = (ends - weights / 2) / ends[-1]
    return " ".join(words[: int(np.searchsorted(middles, sounding_ms / total_ms))])


def weights_of(words: list[str]) -> list[float]:
    """Return how long each word takes to say, in short words."""
    return [max(spoken_weight(word), 0.1) for word in words]


def unheard(planned: str, heard: str) -> str:
    """Return the words of `planned` that follow its leading words `heard`."""
    return " ".join(planned.split()[len(heard.split()) :])


def _sounding(mulaw: bytes, heard_ms: float) -> tuple[float, float]:
    """Return the sounding time within `heard_ms` and in all, in ms."""
    energies = frame_energies(mulaw)
    if not len(energies):
        return 0.0, 0.0
    loud = float(np.percentile(energies, 90))
    sounding = energies > QUIET_SHARE * loud
    frames = heard_ms / FRAME_MS
    whole = int(frames)
    until = float(sounding[:whole].sum())
    if whole < len(sounding) and sounding[whole]:
        until += frames - whole
    return until * FRAME_MS, float(sounding.sum()) * FRAME_MS
