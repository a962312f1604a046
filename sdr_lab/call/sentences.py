"""Cuts a stream of text into sentences as it comes, the first clause as early as possible."""

from __future__ import annotations

import re

FIRST_MIN_CHARS = 14
"""A first clause shorter than this sounds chopped off from what follows."""
FIRST_MIN_WORDS = 3
MAX_CHARS = 220
"""A sentence without an end is cut at a space here: nobody waits for a model's monologue."""

_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s)|\n+")
_CLAUSE = re.compile(r"[,;:](?=\s)|\s[–—-](?=\s)")
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
        self._is_first = early

    def push(self, piece: str) -> list[str]:
        """Return the sentences that `piece` completes."""
        self._text += piece
        sentences = []
        while (cut := self._cut()) is not None:
            sentence, self._text = self._text[:cut].strip(), self._text[cut:].lstrip()
            if sentence:
                sentences.append(sentence)
                self._is_first = False
        return sentences

    def close(self) -> list[str]:
        """Return what is left, as the last sentence."""
        rest, self._text = self._text.strip(), ""
        return [rest] if rest else []

    def _cut(self) -> int | None:
        if self._is_first and (clause := self._first_clause()) is not None:
            return clause
        for end in _END.finditer(self._text):
            head = self._text[: end.end()]
            if not (end.group() == "." and _ABBREVIATION.search(head)):
                return end.end()
        if len(self._text) > MAX_CHARS:
            space = self._text.rfind(" ", 0, MAX_CHARS)
            return space if space > 0 else MAX_CHARS
        return None

    def _first_clause(self) -> int | None:
        for clause in _CLAUSE.finditer(self._text):
            head = self._text[: clause.end()]
            if len(head) >= FIRST_MIN_CHARS and len(head.split()) >= FIRST_MIN_WORDS:
                return clause.end()
        return None
