"""Answering proposals one after the other, by single keys. Knows nothing of a terminal."""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from sdr_lab.audio.codec import MULAW_TO_PCM
from sdr_lab.audio.mulaw_wav import RATE_HZ
from sdr_lab.call.transcript import transcript
from sdr_lab.events import WordsHeard, read_events
from sdr_lab.records import FRAME_MS
from sdr_lab.tune.corpus import AUDIO, EVENTS
from sdr_lab.tune.proposals import Proposal
from sdr_lab.tune.review import accept, reject, undo
from sdr_lab.tune.two_channels import read_frames, read_length

KEYS = {
    "i": "interruption",
    "b": "backchannel",
    "n": "noise",
    "v": "nonverbal",
    "s": "side_speech",
    "e": "echo",
}
"""Key → the kind of label that it confirms."""
MOVES = {"left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}
"""Arrow → which way it moves the onset and the offset."""
STEP_MS = 50
SHORTEST_MS = 50
PAD_MS = 2000
"""A snippet begins and ends so much outside the proposal."""
LINES_BEFORE, LINES_AFTER = 3, 2


@dataclass(frozen=True, slots=True)
class ContextLine:
    """Something that was said near a proposal."""

    at_ms: int
    who: str
    """`caller` or `agent`."""
    text: str
    is_here: bool = False
    """It was heard within the proposal."""


class Desk:
    """A stack of proposals and the hand that answers them."""

    def __init__(
        self, stack: Sequence[Proposal], folder_of: Callable[[str], Path], by: str
    ) -> None:
        """Take proposals in the order in which they are to be answered.

        Args:
            folder_of: Call → its folder.
            by: Who answers.
        """
        self._stack = list(stack)
        self._folder_of = folder_of
        self._by = by
        self._at = 0
        self._done: list[tuple[int, str]] = []
        """Places that were answered and the ids, for `undo`."""
        self.is_over = not self._stack
        self.span = (0, 0)
        self._show()

    @property
    def current(self) -> Proposal | None:
        """The proposal that waits for an answer."""
        return None if self.is_over else self._stack[self._at]

    @property
    def folder(self) -> Path | None:
        """The folder of its call."""
        return None if self.current is None else self._folder_of(self.current.call)

    @property
    def place(self) -> str:
        """Which of how many: `2 of 7`."""
        return f"{min(self._at + 1, len(self._stack))} of {len(self._stack)}"

    @property
    def answered(self) -> int:
        """How many were answered."""
        return len(self._done)

    def press(self, key: str) -> str:
        """Take a key and return what it did, in words.

        Keys: those of `KEYS`, `x` not an event, arrows (`left`, `right`, `up`, `down`), `k`
        skip, `u` undo, `q` quit. Others do nothing.

        Raises:
            SdrLabError: the answer can't be kept; the proposal stays where it is.
        """
        if key == "u":
            return self._undo()
        if key == "q":
            self.is_over = True
            return "the rest is kept for the next time"
        now = self.current
        if now is None:
            return ""
        folder = self._folder_of(now.call)
        if key in MOVES:
            return self._move(*MOVES[key])
        if key == "k":
            self._next()
            return f"{now.id} skipped"
        if key in KEYS:
            accept(folder, now, self._by, KEYS[key], self.span)
            told = f"{now.id} is labelled {KEYS[key]}"
        elif key == "x":
            reject(folder, now, self._by)
            told = f"{now.id} is no event"
        else:
            return ""
        self._done.append((self._at, now.id))
        self._next()
        return told

    def _move(self, onset: int, offset: int) -> str:
        now = self.current
        if now is None:
            return ""
        length_ms = read_length(self._folder_of(now.call) / AUDIO)
        onset_ms = max(0, self.span[0] + onset * STEP_MS)
        offset_ms = min(length_ms, self.span[1] + offset * STEP_MS)
        if offset_ms - onset_ms >= SHORTEST_MS:
            self.span = (onset_ms, offset_ms)
        return f"{self.span[0] / 1000:.2f} to {self.span[1] / 1000:.2f} s"

    def _undo(self) -> str:
        if not self._done:
            return "nothing to take back"
        at, key = self._done[-1]
        undo(self._folder_of(self._stack[at].call), key)
        self._done.pop()
        self._at = at
        self.is_over = False
        self._show()
        return f"{key} is open again"

    def _next(self) -> None:
        self._at += 1
        self.is_over = self._at >= len(self._stack)
        self._show()

    def _show(self) -> None:
        now = self.current
        if now is not None:
            self.span = (now.onset_ms, now.offset_ms)


def context(folder: Path, start_ms: int, end_ms: int) -> list[ContextLine]:
    """Return what was said before, during and after a stretch of a recorded call."""
    events = list(read_events(folder / EVENTS))
    lines = [
        ContextLine(x.at_ms, x.role, f"{x.text}{f' [cut off: {x.cut_off}]' if x.cut_off else ''}")
        for x in transcript(events)
    ]
    here = [
        ContextLine(e.start_ms, "caller", e.text, True)
        for e in events
        if isinstance(e, WordsHeard)
        and e.is_final
        and e.text
        and e.start_ms < end_ms
        and e.end_ms > start_ms
    ]
    before = [x for x in lines if x.at_ms <= start_ms][-LINES_BEFORE:]
    after = [x for x in lines if x.at_ms > start_ms][:LINES_AFTER]
    return [*before, *here, *after]


def write_snippet(folder: Path, start_ms: int, end_ms: int, path: Path) -> Path:
    """Write a stretch of a call with two seconds around it as 16-bit stereo WAV, caller left.

    Plain PCM, since some players know no µ-law.

    Raises:
        AudioError: the recording can't be read.
    """
    first = max(0, start_ms - PAD_MS) // FRAME_MS
    last = -(-(end_ms + PAD_MS) // FRAME_MS)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
        for caller, agent in islice(read_frames(folder / AUDIO), first, last):
            codes = np.frombuffer(caller + agent, np.uint8).reshape(2, -1)
            file.writeframes(MULAW_TO_PCM[codes].T.astype("<i2").tobytes())
    return path
