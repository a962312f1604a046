"""Words said over the agent: which only show that somebody listens, which mean "stop"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sdr_lab.records import MOST_CHARS, InterruptSettings

MOST_WORDS = 6
"""Who says more than that does not only show that he listens."""

ACKNOWLEDGEMENTS = (
    "mm, mhm, mm-hmm, mmhm, mmhmm, hm, hmm, uh-huh, uhhuh, aha, ah, ahh, oh, ooh, yeah, yea, "
    "yah, yep, yup, yes, ok, okay, right, all right, alright, sure, of course, i see, "
    "i got it, got it, got you, gotcha, i understand, understood, makes sense, that makes sense, "
    "fair enough, great, good, very good, cool, nice, lovely, perfect, wonderful, excellent, "
    "exactly, absolutely, definitely, true, that's right, that's true, fine, that's fine, wow, "
    "interesting, really, i know, go on, go ahead"
)
"""What a listener says without wanting the floor; over the agent it is no turn."""

STOP_WORDS = (
    "stop, stop it, wait, wait a minute, wait a second, hold on, hold up, hang on, "
    "just a minute, just a second, just a moment, one moment, one minute, one second, "
    "excuse me, pardon me, sorry to interrupt, let me stop you, may i stop you, "
    "can i stop you, can i interrupt, let me interrupt, no thanks, no thank you, "
    "not interested, don't want it, don't call me, never call me, quit calling, shut up, "
    "be quiet, that's enough, please don't, cut it out"
)
"""What stops the agent as soon as it is transcribed."""

FILLERS = frozenset({"um", "umm", "uh", "er", "erm", "huh", "well", "so", "and", "but", "the", "a"})
"""Neither for nor against anything."""

OWN_SHARE = 0.85
"""Share of the heard words that must come from what we said, in the same order, to be our echo."""

_WORD = re.compile(r"[a-z0-9']+")
_LONG = re.compile(r"([a-z])\1{2,}")


def words_of(text: str) -> list[str]:
    """Return the words as they are compared: small, no marks, hyphens are blanks.

    >>> words_of("Mmmm-hmm, THAT’S right!")
    ['mm', 'hmm', "that's", 'right']
    """
    plain = _LONG.sub(r"\1\1", text[:MOST_CHARS].lower().replace("’", "'"))
    return [word for word in (w.strip("'") for w in _WORD.findall(plain)) if word]


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for i, other in enumerate(b, 1):
            before, row[i] = row[i], before + 1 if word == other else max(row[i], row[i - 1])
    return row[-1]


def is_own(heard: str, said: str) -> bool:
    """Tell whether the words are (nearly) a stretch of what the agent said."""
    words = words_of(heard)
    return bool(words) and longest_common(words, words_of(said)) >= OWN_SHARE * len(words)


@dataclass(frozen=True, slots=True)
class Wordings:
    """The lists of one agent, ready to be compared."""

    acknowledgements: frozenset[tuple[str, ...]]
    stop_words: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, settings: InterruptSettings) -> Wordings:
        """Take the lists of the settings, else those of the language."""
        own, stops = settings.acknowledgements, settings.stop_words
        return cls(
            frozenset(_phrases(ACKNOWLEDGEMENTS.split(",") if own is None else own)),
            tuple(_phrases(STOP_WORDS.split(",") if stops is None else stops)),
        )

    def is_acknowledgement(self, text: str) -> bool:
        """Tell whether the words only show that the caller listens ("mm-hmm, I see")."""
        words = words_of(text)
        return len(words) <= MOST_WORDS and self._phrases_in(words) > 0

    def stop_word(self, text: str, said: str = "") -> str:
        """Return the stop word in the text that the agent has not just `said` itself, or ""."""
        heard, ours = words_of(text), words_of(said)
        for phrase in self.stop_words:
            if _holds(heard, phrase) and not _holds(ours, phrase):
                return " ".join(phrase)
        return ""

    def is_filler(self, text: str) -> bool:
        """Tell whether there is no word in it that means anything."""
        return all(word in FILLERS for word in words_of(text))

    def _phrases_in(self, words: list[str]) -> int:
        """Return of how many acknowledgements the words consist, fillers aside; else -1."""
        if not words:
            return 0
        counts = [self._phrases_in(words[1:])] if words[0] in FILLERS else []
        for length in range(len(words), 0, -1):
            if tuple(words[:length]) in self.acknowledgements:
                rest = self._phrases_in(words[length:])
                counts.append(rest + 1 if rest >= 0 else -1)
        return max(counts, default=-1)


def _phrases(texts: Iterable[str]) -> list[tuple[str, ...]]:
    return [phrase for text in texts if (phrase := tuple(words_of(text)))]


def _holds(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    length = len(phrase)
    return any(tuple(words[i : i + length]) == phrase for i in range(len(words) - length + 1))
