"""A transcriber that knows the script: the double for tests and for callers made of code."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from sdr_lab.errors import ProviderError
from sdr_lab.records import FRAME_BYTES, FRAME_MS, Words
from sdr_lab.stt.answers import Backlog, answers
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.utterances import Recognised

_FRAMES = {letter: letter.encode() * FRAME_BYTES for letter in string.ascii_lowercase}
_FRAMES[" "] = b"\xff" * FRAME_BYTES
_LETTERS = {frame: letter for letter, frame in _FRAMES.items()}


@dataclass(frozen=True, slots=True)
class Said:
    """What a caller said and when. Its words share the time by their length."""

    text: str
    start_ms: int
    """Stream time of the first sample."""
    end_ms: int
    """Stream time after the last sample."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start_ms: float
    end_ms: float


@dataclass(eq=False, slots=True)
class _Answer:
    """A result that is wanted."""

    words: Words | None
    """None: no longer wanted."""
    due_s: float
    """Loop time at which the pretended service has it."""
    is_final: bool


class ScriptedTranscriber:
    """Understands what the script says, once the audio of it has arrived.

    Only words whose end lies before the audio that was pushed are reported, so a call can't
    know more than it heard. Same script, same delays: same words at the same times.
    """

    name = "scripted"

    def __init__(
        self,
        script: Sequence[Said] | Callable[[], Sequence[Said]],
        *,
        delay_ms: float = 0,
        final_delay_ms: float = 0,
        mishear: Callable[[str], str] | None = None,
        fails_at_ms: int | None = None,
    ) -> None:
        """Take a script.

        Args:
            script: What the caller says in stream time, or a function that tells what he has
                said so far, for callers who wait for the agent before they speak.
            delay_ms: From a pause to its interim result, on the loop's clock.
            final_delay_ms: From `FINISH` to the final result.
            mishear: Applied to every word, see `misheard`; an empty result drops the word.
            fails_at_ms: Stream time at which the service breaks down.
        """
        self._script = script
        self._delay_ms = delay_ms
        self._final_delay_ms = final_delay_ms
        self._mishear = mishear
        self._fails_at_ms = fails_at_ms

    async def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncGenerator[Words, None]:
        """Yield words while audio comes in; see `Transcriber`.

        Raises:
            ProviderError: once, when `fails_at_ms` has come; a new `transcribe` works.
        """
        backlog: Backlog[_Answer] = Backlog()
        now_ms, taken_ms = 0, None

        def take(item: Heard | Cue) -> None:
            nonlocal now_ms, taken_ms
            match item:
                case Heard():
                    now_ms = item.at_ms + FRAME_MS
                    taken_ms = item.at_ms if taken_ms is None else taken_ms
                    self._fail_if_due(now_ms)
                case Cue.PAUSED:
                    backlog.add(self._answer(taken_ms or 0, now_ms, is_final=False))
                case Cue.FINISH:
                    backlog.add(self._answer(taken_ms or 0, now_ms, is_final=True))
                    taken_ms = now_ms
                case Cue.DROP:
                    for answer in backlog.unanswered():
                        empty = Words("", True, now_ms, now_ms)
                        answer.words = empty if answer.is_final else None
                    taken_ms = now_ms

        async with aclosing(answers(audio, take, backlog, _wait_for)) as stream:
            async for words in stream:
                yield words

    def _fail_if_due(self, now_ms: int) -> None:
        if self._fails_at_ms is not None and now_ms >= self._fails_at_ms:
            self._fails_at_ms = None
            raise ProviderError(self.name, f"failed at {now_ms} ms as the script says")

    def _answer(self, taken_ms: int, now_ms: int, *, is_final: bool) -> _Answer:
        script = self._script() if callable(self._script) else self._script
        heard = [
            word for said in script for word in _words(said) if taken_ms < word.end_ms <= now_ms
        ]
        texts = [self._mishear(word.text) if self._mishear else word.text for word in heard]
        words = Words(
            text=" ".join(text for text in texts if text),
            is_final=is_final,
            start_ms=round(heard[0].start_ms) if heard else now_ms,
            end_ms=now_ms,
        )
        delay_ms = self._final_delay_ms if is_final else self._delay_ms
        return _Answer(words, asyncio.get_running_loop().time() + delay_ms / 1000, is_final)


def spelled(text: str) -> bytes:
    """Make sound that `SpelledRecogniser` understands: a frame a letter, silent for a blank."""
    return b"".join(_FRAMES[letter] for letter in text.lower())


class SpelledRecogniser:
    """Reads what `spelled` wrote: a double whose text shows which frames it was given."""

    name = "spelled"

    def __init__(self, *, takes_ms: float = 0) -> None:
        """Take so long for a decode, on the loop's clock."""
        self.decoded: list[str] = []
        """Every text it gave, oldest first."""
        self.is_warm = False
        self._takes_ms = takes_ms

    async def warm_up(self) -> None:
        """Note that it was called."""
        self.is_warm = True

    async def recognise(self, mulaw: bytes) -> Recognised:
        """Turn 8 kHz µ-law into text."""
        frames = (mulaw[at : at + FRAME_BYTES] for at in range(0, len(mulaw), FRAME_BYTES))
        text = " ".join("".join(_LETTERS.get(frame, "?") for frame in frames).split())
        await asyncio.sleep(self._takes_ms / 1000)
        self.decoded.append(text)
        return Recognised(text, 0.9)


def misheard(share: float, seed: int = 0) -> Callable[[str], str]:
    """Make a function that damages a share (0..1) of the words it is given.

    The same word is always heard the same way, so that interim and final results agree.
    """

    def mishear(word: str) -> str:
        chance = random.Random(f"{seed}:{word}")
        if chance.random() >= share:
            return word
        return "" if chance.random() < 0.3 else word[: max(1, len(word) // 2)]

    return mishear


def _words(said: Said) -> list[_Word]:
    """Spread the words over the time by their letters and the gap behind each."""
    texts = said.text.split()
    total = sum(len(text) + 1 for text in texts) - 1
    words, place = [], 0
    for text in texts:
        start, end = place / total, (place + len(text)) / total
        length_ms = said.end_ms - said.start_ms
        words.append(
            _Word(text, said.start_ms + start * length_ms, said.start_ms + end * length_ms)
        )
        place += len(text) + 1
    return words


async def _wait_for(answer: _Answer) -> Words | None:
    wait_s = answer.due_s - asyncio.get_running_loop().time()
    if wait_s > 0:
        await asyncio.sleep(wait_s)
    return answer.words
