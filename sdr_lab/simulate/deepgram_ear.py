"""What the pretended Deepgram hears: ears that make words of the audio they are given.

Except for `ScriptEar` they listen to the bytes, so audio that got lost, doubled or shuffled on the
way shows in the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.frame import cut_frames
from sdr_lab.records import FRAME_MS
from sdr_lab.stt.scripted import Said, spelled
from sdr_lab.stt.utterances import Recogniser

LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOICED_ENERGY = 300
"""RMS of a frame that the ear around a recogniser takes for speech."""
PAUSE_MS = 240
"""Silence after which it decodes."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word and its time since the connection began."""

    text: str
    start_ms: int
    end_ms: int


class Ear(Protocol):
    """Listens to one connection."""

    words: list[HeardWord]
    """All words that are over, in order."""

    async def hear(self, frame: bytes, at_ms: int) -> bool:
        """Take 20 ms of µ-law; return whether it is speech."""
        ...

    async def finish(self) -> None:
        """Make words of everything there is, now."""
        ...


class SpelledEar:
    """Reads what `sdr_lab.stt.scripted.spelled` wrote."""

    def __init__(self) -> None:
        self.words: list[HeardWord] = []
        self._letters = {spelled(letter): letter for letter in LETTERS}
        self._word = ""
        self._since_ms = 0

    async def hear(self, frame: bytes, at_ms: int) -> bool:
        letter = self._letters.get(frame, "")
        if letter and not self._word:
            self._since_ms = at_ms
        if not letter:
            await self.finish()
        self._word += letter
        return bool(letter)

    async def finish(self) -> None:
        if self._word:
            end_ms = self._since_ms + len(self._word) * FRAME_MS
            self.words.append(HeardWord(self._word, self._since_ms, end_ms))
            self._word = ""


class BankEar:
    """Knows some recordings by heart and recognises them frame by frame, on a clean line."""

    def __init__(self, sounds: Mapping[str, bytes]) -> None:
        """Learn recordings: text → 8 kHz µ-law."""
        self.words: list[HeardWord] = []
        self._known: dict[bytes, tuple[str, int]] = {}
        self._lengths: dict[str, int] = {}
        self._at: tuple[str, int] | None = None
        for text, sound in sounds.items():
            frames = cut_frames(sound)
            self._lengths[text] = len(frames) * FRAME_MS
            for place, frame in enumerate(frames):
                self._known.setdefault(frame, (text, place))

    async def hear(self, frame: bytes, at_ms: int) -> bool:
        found = self._known.get(frame) if frame.strip(b"\xff\x7f") else None
        if found is None:
            return False
        text, place = found
        start_ms = at_ms - place * FRAME_MS
        for word in spread(Said(text, start_ms, start_ms + self._lengths[text])):
            if at_ms < word.end_ms <= at_ms + FRAME_MS:
                self.words.append(word)
        return True

    async def finish(self) -> None:
        """Its words come when they are over."""


class ScriptEar:
    """Believes a script: for a simulated caller on any line, over one connection per call."""

    def __init__(self, spoken: Callable[[], Sequence[Said]]) -> None:
        """Take a function that tells what the caller has said so far, in stream time."""
        self.words: list[HeardWord] = []
        self._spoken = spoken

    async def hear(self, frame: bytes, at_ms: int) -> bool:
        now_ms = at_ms + FRAME_MS
        script = self._spoken()
        words = [word for said in script for word in spread(said) if word.end_ms <= now_ms]
        self.words += words[len(self.words) :]
        return any(said.start_ms <= at_ms < said.end_ms for said in script)

    async def finish(self) -> None:
        """Its words come when they are over."""


class RecogniserEar:
    """Hears with a recogniser of this machine, an utterance at a time."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.words: list[HeardWord] = []
        self._recogniser = recogniser
        self._audio = bytearray()
        self._since_ms = 0
        self._quiet_ms = 0

    async def hear(self, frame: bytes, at_ms: int) -> bool:
        is_speech = calculate_audio_energy(frame) >= VOICED_ENERGY
        if is_speech and not self._audio:
            self._since_ms = at_ms
        if is_speech or self._audio:
            self._audio += frame
        self._quiet_ms = 0 if is_speech else self._quiet_ms + FRAME_MS
        if self._audio and self._quiet_ms >= PAUSE_MS:
            await self.finish()
        return is_speech

    async def finish(self) -> None:
        audio, self._audio = bytes(self._audio), bytearray()
        if not audio:
            return
        recognised = await self._recogniser.recognise(audio)
        end_ms = self._since_ms + len(audio) // 8 - self._quiet_ms
        self.words += spread(Said(recognised.text, self._since_ms, end_ms))


def spread(said: Said) -> list[HeardWord]:
    """Spread the words of an utterance over its time, by their letters."""
    texts = said.text.split()
    total = sum(len(text) + 1 for text in texts) - 1
    length_ms, place, words = said.end_ms - said.start_ms, 0, []
    for text in texts:
        start_ms = said.start_ms + length_ms * place // total
        place += len(text)
        words.append(HeardWord(text, start_ms, said.start_ms + length_ms * place // total))
        place += 1
    return words
