"""A caller made of code: what he says, and when, judged by what he hears.

Caller().says("Hello?", at=0.5).says("How much is it?").cuts_in("Wait.", into=1.5).hangs_up()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.frame import cut_frames
from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.simulate.condition import SPEECH_RMS
from sdr_lab.stt.scripted import Said

SILENCE = b"\xff" * FRAME_BYTES
GAP_S = 1.0
"""A person answers so long after the other seems to have finished. People are often quicker, but
they hear that a sentence is not over; this caller hears only that it is silent."""
PATIENCE_S = 12.0
"""An agent that says nothing for so long is spoken to anyway."""
LINGER_S = 2.0
"""At the end the caller listens for so long after the agent's last word."""
WORD_S = 0.32
"""Length of a spoken word when an utterance has no recording and no length of its own."""
KEY_FRAMES = 10
"""A key is pressed for 100 ms and let go for 100 ms."""
KEYS = "0123456789*#"

Frames = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing the caller does."""

    text: str
    frames: Frames
    when: Literal["at", "after", "into"]
    seconds: float
    """`at`: of the stream; `after` the agent has finished; `into` the agent's reply."""
    is_hang_up: bool = False
    length_ms: int = 0
    """0 when it is not known beforehand (a long file that is streamed)."""
    keys: str = ""
    """Keys that are pressed instead of speaking."""


@dataclass
class Caller:
    """A script, built call by call; each step begins when the one before is over."""

    acts: list[Act] = field(default_factory=list)
    number: str = ""
    """The telephone number he calls from, E.164; empty: withheld."""

    def says(
        self,
        text: str,
        at: float | None = None,
        after: float = GAP_S,
        lasts: float | None = None,
        sound: bytes | Frames | None = None,
    ) -> Caller:
        """Speak at a time of the stream, or (default) `after` seconds of the agent's silence.

        Args:
            text: The words, for the scripted transcriber and the report.
            at: Stream time in seconds.
            after: Seconds after the agent has finished.
            lasts: Length in seconds of the stand-in for speech; default by the words.
            sound: 8 kHz µ-law to play instead of the stand-in.
        """
        when, seconds = ("after", after) if at is None else ("at", at)
        self.acts.append(_act(text, when, seconds, lasts, sound))
        return self

    def cuts_in(
        self,
        text: str,
        into: float,
        lasts: float | None = None,
        sound: bytes | Frames | None = None,
    ) -> Caller:
        """Speak `into` seconds after the agent's next reply has become audible."""
        self.acts.append(_act(text, "into", into, lasts, sound))
        return self

    def presses(self, keys: str, at: float | None = None, after: float = GAP_S) -> Caller:
        """Press keys (0-9, * and #), five a second. The phone network takes out their tones.

        Raises:
            ValueError: a telephone has no such key.
        """
        if not keys or set(keys) - set(KEYS):
            raise ValueError(f"keys must be some of {KEYS}, not {keys!r}")
        when, seconds = ("after", after) if at is None else ("at", at)
        frames = [SILENCE] * (KEY_FRAMES * len(keys))
        length_ms = len(frames) * FRAME_MS
        act = Act("", lambda: iter(frames), when, seconds, False, length_ms, keys)
        self.acts.append(act)
        return self

    def hangs_up(self, at: float | None = None, after: float = LINGER_S) -> Caller:
        """Put the phone down. A script without it ends `LINGER_S` after the agent's last word."""
        when, seconds = ("after", after) if at is None else ("at", at)
        self.acts.append(Act("", lambda: iter(()), when, seconds, True))
        return self


class CallerRun:
    """A caller in a call. Asked every 20 ms what he says, told what he hears."""

    def __init__(self, caller: Caller) -> None:
        self.spoken: list[Said] = []
        """What he has said so far; the last one's end grows while he speaks."""
        self.has_hung_up = False
        self.pressed: list[str] = []
        """Keys pressed since somebody emptied the list."""
        self._is_pressing = False
        self._keys: list[str] = []
        self._key_frames = 0
        self._acts = list(caller.acts)
        if not any(act.is_hang_up for act in self._acts):
            self._acts = Caller(self._acts).hangs_up().acts
        self._speaking: Iterator[bytes] | None = None
        self._free_since_ms = 0
        self._reply_since_ms: int | None = None
        self._quiet_since_ms: int | None = None

    def say(self, at_ms: int, hears_agent: bool) -> bytes:
        """Return the 20 ms from `at_ms` on.

        Args:
            at_ms: Stream time.
            hears_agent: The agent is audible in this frame.
        """
        self._listen(at_ms, hears_agent)
        if self._speaking is None and self._acts and self._is_time(at_ms):
            self._begin(self._acts.pop(0), at_ms)
        if self._speaking is None:
            return SILENCE
        frame = next(self._speaking, None)
        if frame is None:
            self._speaking = None
            self._is_pressing = False
            self._free_since_ms = at_ms
            self._reply_since_ms = None  # what was said over him was no answer
            return SILENCE
        if self._is_pressing:
            self._press()
            return frame
        said = self.spoken[-1]
        self.spoken[-1] = Said(said.text, said.start_ms, max(said.end_ms, at_ms + FRAME_MS))
        return frame

    def _listen(self, at_ms: int, hears_agent: bool) -> None:
        if hears_agent:
            if self._reply_since_ms is None:
                self._reply_since_ms = at_ms
            self._quiet_since_ms = None
        elif self._quiet_since_ms is None:
            self._quiet_since_ms = at_ms

    def _is_time(self, at_ms: int) -> bool:
        act = self._acts[0]
        wait_ms = act.seconds * 1000
        if act.when == "at":
            return at_ms >= wait_ms
        if act.when == "into":
            since_ms = self._reply_since_ms
            return since_ms is not None and at_ms >= since_ms + wait_ms
        if self._quiet_since_ms is None:
            return False
        if self._reply_since_ms is None:
            return at_ms >= self._free_since_ms + PATIENCE_S * 1000
        return at_ms >= self._quiet_since_ms + wait_ms

    def _begin(self, act: Act, at_ms: int) -> None:
        if act.is_hang_up:
            self.has_hung_up = True
            return
        self._speaking = act.frames()
        self._reply_since_ms = None
        if act.keys:
            self._is_pressing = True
            self._keys, self._key_frames = list(act.keys), 0
            return
        self.spoken.append(Said(act.text, at_ms, at_ms + act.length_ms))

    def _press(self) -> None:
        if self._key_frames % KEY_FRAMES == 0:
            self.pressed.append(self._keys.pop(0))
        self._key_frames += 1


def speech_like(seconds: float, seed: int = 0, rms: float = SPEECH_RMS) -> bytes:
    """Return µ-law that has the level and rhythm of speech but no words.

    Band-limited noise, four syllables a second, never silent for longer than 80 ms.
    """
    random = np.random.default_rng(seed)
    n = round(seconds * 8000) // FRAME_BYTES * FRAME_BYTES
    noise = np.convolve(random.normal(0, 1, n + 8), np.ones(6) / 6, mode="same")[:n]
    syllables = 0.55 + 0.45 * np.cos(2 * np.pi * 4 * np.arange(n) / 8000)
    shaped = noise * syllables
    return pcm_to_mulaw((shaped * rms / np.sqrt(np.mean(shaped**2) + 1e-9)).astype(np.int16))


def _act(
    text: str,
    when: Literal["at", "after", "into"],
    seconds: float,
    lasts: float | None,
    sound: bytes | Frames | None,
) -> Act:
    if callable(sound):
        return Act(text, sound, when, seconds)
    if sound is None:
        sound = speech_like(lasts or max(0.4, WORD_S * len(text.split())), len(text))
    frames = cut_frames(sound)
    return Act(text, lambda: iter(frames), when, seconds, False, len(frames) * FRAME_MS)
