"""Where to go on with a sentence that was cut off: no word lost, at most two said again.

The words are placed as in heard.py; near the estimated beginning of the word in progress the
quietest moment is taken, so that speech begins in a gap between words and not within one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.energy import frame_energies
from sdr_lab.call.heard import QUIET_SHARE, weights_of
from sdr_lab.records import FRAME_BYTES, FRAME_MS

WORDS_AGAIN = 2
"""So many words are said again at most, the one in progress included."""
EARLIER = 4
"""Frames before the estimated beginning where its gap is looked for first: a word that is said
again harms nobody, one that begins in its middle is lost."""
HALF = FRAME_BYTES // 2
FADE_SAMPLES = 40
"""5 ms: too short to be heard as a fade, long enough not to click."""


def rejoin_frame(
    text: str, mulaw: bytes, heard: int, sent: int | None = None, to_come_ms: float = 0.0
) -> int:
    """Return the frame at which to go on.

    Args:
        text: The sentence as written.
        mulaw: Its sound so far, 8 kHz µ-law.
        heard: Frames that have certainly been heard.
        sent: Frames that may have been heard by now, `heard` or more: what is in between was on
            its way to the caller when the line was cleared.
        to_come_ms: Estimated length of the sound that had not been made yet.

    Returns:
        0 <= frame <= heard, unless more than `WORDS_AGAIN` words were on their way.
    """
    sent = heard if sent is None else max(heard, sent)
    levels = frame_energies(mulaw, HALF)
    if heard <= 0 or not len(levels):
        return 0
    starts = _word_starts(text, levels, to_come_ms)
    word = _word_at(starts, heard)
    first = starts[max(0, _word_at(starts, sent) + 1 - WORDS_AGAIN)]
    if word == 0 and first == 0:
        return 0
    last = max(first, min(heard, starts[word] + 3))
    return _quietest(levels, first, last, starts[word] - EARLIER)


def is_silent(mulaw: bytes, from_frame: int) -> bool:
    """Tell whether nothing is said from a frame of a sentence on."""
    levels = frame_energies(mulaw, HALF)
    rest = levels[2 * from_frame :]
    return not len(rest) or bool(rest.max() <= QUIET_SHARE * np.percentile(levels, 90))


def faded_in(frame: bytes) -> bytes:
    """Let a frame of µ-law begin softly."""
    pcm = mulaw_to_pcm(frame).astype(np.float32)
    length = min(FADE_SAMPLES, len(pcm))
    pcm[:length] *= np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    return pcm_to_mulaw(np.round(pcm).astype(np.int16))


def _word_starts(text: str, levels: NDArray[np.int32], to_come_ms: float) -> list[int]:
    """Return the estimated first frame of each word; rising, the first is 0."""
    weights = np.array(weights_of(text.split()) or [1.0])
    before = np.concatenate(([0.0], np.cumsum(weights)[:-1])) / weights.sum()
    sounding = levels > QUIET_SHARE * np.percentile(levels, 90)
    half_ms = FRAME_MS / 2
    until_ms = np.concatenate(([0.0], np.cumsum(sounding))) * half_ms
    total_ms = until_ms[-1] + to_come_ms
    halves = np.searchsorted(until_ms, before * total_ms, side="right") - 1
    return [0, *(int(half) // 2 for half in halves[1:])]


def _word_at(starts: list[int], frame: int) -> int:
    return max(0, int(np.searchsorted(starts, frame, side="right")) - 1)


def _quietest(levels: NDArray[np.int32], first: int, last: int, near: int) -> int:
    """Return the boundary of frames with a gap around it that lies nearest to `near`; without a
    gap the quietest one."""
    limit = QUIET_SHARE * float(np.percentile(levels, 90))
    boundaries = range(first, last + 1)
    loud = {
        frame: float(levels[max(0, 2 * frame - 1) : 2 * frame + 1].max(initial=0))
        for frame in boundaries
    }
    gaps = [frame for frame in boundaries if loud[frame] <= limit]
    if gaps:
        return min(gaps, key=lambda frame: (abs(frame - near), -frame))
    return min(boundaries, key=lambda frame: (loud[frame], abs(frame - near)))
