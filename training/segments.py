"""Features and targets of a corpus: one segment per stretch in which the agent speaks.

The features come from the production class, frame by frame, through the production speech gate;
they are kept in a cache beside the corpus, under the hash of the code that made them.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.turns.detectors import echo, features, spectrum
from sdr_lab.turns.detectors.base import Listened, Reading, Sign
from sdr_lab.turns.detectors.features import FEATURES, Hearing
from sdr_lab.turns.listening import Listening

Frames = NDArray[np.float32]


@dataclass
class Segment:
    """What a detector hears from arming to disarming, and what it should have said."""

    call: int
    """Index of the call in its corpus."""
    start_ms: int
    features: NDArray[np.float16]
    """Shape (frames, FEATURES)."""


class Recorder:
    """A detector that decides nothing and keeps what `hybrid` would have seen."""

    name = "recorder"

    def __init__(self) -> None:
        self.segments: list[tuple[int, list[Frames]]] = []
        self._hearing = Hearing()
        self.threshold = 0.0

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self._hearing.arm()
        self.segments.append((at_ms, []))

    def disarm(self, at_ms: int) -> None:
        self._hearing.disarm()

    def hear(self, frame: Listened) -> Sign | None:
        if self._hearing.is_armed:
            self._hearing.hear(frame)
            self.threshold = self._hearing.expected_rms
            self.segments[-1][1].append(self._hearing.vector())
        else:
            self._hearing.skip(frame)
        return None

    def read(self, text: str) -> Sign | None:
        return None

    def reading(self) -> Reading:
        return Reading()


def hear_call(call: LabelledCall) -> list[tuple[int, NDArray[np.float16]]]:
    """Return start (ms) and features of each segment of a call."""
    recorder = Recorder()
    listening = Listening(recorder)
    settings = InterruptSettings()
    is_armed = False
    for index, (heard, played) in enumerate(call.frames()):
        at_ms = index * FRAME_MS
        is_speaking = any(x.start_ms <= at_ms < x.end_ms for x in call.agent)
        if is_speaking and not is_armed:
            recorder.arm(at_ms, settings)
        elif is_armed and not is_speaking:
            recorder.disarm(at_ms)
        is_armed = is_speaking
        frame = Listened(at_ms, heard, calculate_audio_energy(heard), False, played)
        listening.hear(frame, is_guarded=is_speaking)
    return [
        (start_ms, np.asarray(rows, np.float16)) for start_ms, rows in recorder.segments if rows
    ]


def read_segments(corpus: Path, jobs: int = 2) -> tuple[list[LabelledCall], list[Segment]]:
    """Return the calls of a corpus and their segments, from the cache where there is one."""
    calls = open_corpus(corpus, swap=False)
    cache = corpus / f"features-{_code_hash(corpus)}.npz"
    if not cache.exists():
        with ProcessPoolExecutor(jobs) as pool:
            heard = list(pool.map(hear_call, calls, chunksize=8))
        rows = [(i, start_ms, x) for i, found in enumerate(heard) for start_ms, x in found]
        np.savez(
            cache,
            calls=[i for i, _, _ in rows],
            starts=[start_ms for _, start_ms, _ in rows],
            lengths=[len(x) for _, _, x in rows],
            features=np.concatenate([x for _, _, x in rows]),
        )
    stored = np.load(cache)
    ends = np.cumsum(stored["lengths"])
    frames = stored["features"]
    assert frames.shape[1] == FEATURES
    return calls, [
        Segment(int(call), int(start), frames[end - length : end])
        for call, start, length, end in zip(
            stored["calls"], stored["starts"], stored["lengths"], ends, strict=True
        )
    ]


def _code_hash(corpus: Path) -> str:
    code = b"".join(
        Path(str(module.__file__)).read_bytes() for module in (features, echo, spectrum)
    )
    truth = (corpus / "truth.json").read_bytes() if (corpus / "truth.json").exists() else b""
    return hashlib.sha256(code + truth).hexdigest()[:12]
