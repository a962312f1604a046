"""Cuts a stream of text into sentences as it comes, the first ones as early as possible.

A voice needs about a tenth of a sentence's length to speak it, and nothing can be played
meanwhile. So the first pieces are short: a clause, or in a long sentence without one a breath
group ("It costs $129 per month | for up to 15 technicians").
"""

from __future__ import annotations

import re

from sdr_lab.tts.speakable import clean_markdown_for_tts

FIRST_MIN_CHARS = 14
"""A first clause shorter than this sounds chopped off from what follows."""
FIRST_MIN_WORDS = 3
EARLY_PIECES = 2
"""So many pieces are kept short; by then enough sound is waiting to be played."""
LONG_CHARS = 60
"""A sentence that has no end and no clause within so many characters…"""
BREATH_CHARS = (20, 44)
"""…is cut where one could breathe, between these places."""
MAX_CHARS = 220
"""A sentence without an end is cut at a space here: nobody waits for a model's monologue."""

_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s)|\n+")
_CLAUSE = re.compile(r"[,;:](?=\s)|\s[–—-](?=\s)")
_BREATH = re.compile(
    r"\s(?=(?:and|or|but|so|because|if|that|which|who|with|without|for|from|to|on|in|at|by|before|"
    r"after|when|while|until|unless|between|as)\s)"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|vs|etc|inc|ltd|co|no|approx|e\.g|i\.e|a\.m|p\.m|u\.s)|"
    r"(?:^|\s)[a-z])\.$",
    re.IGNORECASE,
)


class SentenceSplitter:
    """Push pieces of text, get whole sentences.

    >>> splitter = SentenceSplitter()
    >>> splitter.push("Growth is $129 a mo")
    []
    >>> splitter.push("nth, and it has room. Any")
    ['Growth is $129 a month,', 'and it has room.']
    >>> splitter.close()
    ['Any']
    """

    def __init__(self, early: bool = True) -> None:
        self._text = ""
        self._early = EARLY_PIECES if early else 0

    def push(self, piece: str) -> list[str]:
        """Return the sentences that `piece` completes."""
        self._text += piece
        sentences = []
        while (cut := self._cut()) is not None:
            sentence, self._text = self._text[:cut].strip(), self._text[cut:].lstrip()
            if sentence:
                sentences.append(sentence)
                self._early -= 1
        return sentences

    def close(self) -> list[str]:
        """Return what is left, as the last sentence."""
        rest, self._text = self._text.strip(), ""
        return [rest] if rest else []

    def _cut(self) -> int | None:
        end = self._end()
        if self._early > 0:
            return self._early_cut(end)
        if end is None and len(self._text) > MAX_CHARS:
            space = self._text.rfind(" ", 0, MAX_CHARS)
            return space if space > 0 else MAX_CHARS
        return end

    def _end(self) -> int | None:
        for end in _END.finditer(self._text):
            head = self._text[: end.end()]
            if not (end.group() == "." and _ABBREVIATION.search(head)):
                return end.end()
        return None

    def _early_cut(self, end: int | None) -> int | None:
        """Return the first place to cut, looking no further than `LONG_CHARS`."""
        text = self._text
        for clause in _CLAUSE.finditer(text, 0, end or len(text)):
            head = text[: clause.end()]
            if len(head) >= FIRST_MIN_CHARS and len(head.split()) >= FIRST_MIN_WORDS:
                end = clause.end()
                break
        if end is not None and end <= LONG_CHARS:
            return end
        if len(text) <= LONG_CHARS + 1:
            return None  # an end may still come within reach
        breaths = [b.start() for b in _BREATH.finditer(text, *BREATH_CHARS)]
        if breaths:
            return breaths[-1]
        space = text.rfind(" ", 0, LONG_CHARS)
        return end if end is not None and end <= MAX_CHARS else (space if space > 0 else LONG_CHARS)


def spoken_parts(text: str) -> list[str]:
    """Return the pieces in which a whole line is given to the voice."""
    splitter = SentenceSplitter()
    pieces = splitter.push(text) + splitter.close()
    return [clean_markdown_for_tts(piece) for piece in pieces]
