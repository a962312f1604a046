"""Turns made of nothing but courtesies: "no, no thanks, not really".

One regular expression for that, `(?:(?:tail) )*(?:head)(?: (?:head|tail))*`, takes a time that
doubles with every "no", since "no" is both: twenty of them stopped the process for seconds. Here
each stretch of words is looked at once.
"""

from __future__ import annotations

import re

MOST_WORDS = 40
"""Longer turns are no courtesies."""

LONGEST_PHRASE = 10
"""Words of the longest single wording."""


class MadeOf:
    """Tells whether a text consists of heads and tails, with one head at least.

    Args:
        heads: Regular expressions of whole words, each of at most `LONGEST_PHRASE` words.
        tails: The same.
    """

    def __init__(self, heads: tuple[str, ...], tails: tuple[str, ...]) -> None:
        self._head = re.compile("|".join(heads))
        self._tail = re.compile("|".join(tails))

    def fullmatch(self, text: str) -> bool:
        """Return whether all of a normalised text is so made."""
        words = text.split(" ")
        count = len(words)
        if count > MOST_WORDS:
            return False
        by_tails = [True] + [False] * count
        """Whether the first words, by number, are tails only."""
        with_head = [False] * (count + 1)
        for begin in range(count):
            if not (by_tails[begin] or with_head[begin]):
                continue
            for end in range(begin + 1, min(count, begin + LONGEST_PHRASE) + 1):
                phrase = " ".join(words[begin:end])
                if self._head.fullmatch(phrase):
                    with_head[end] = True
                elif self._tail.fullmatch(phrase):
                    by_tails[end] = by_tails[end] or by_tails[begin]
                    with_head[end] = with_head[end] or with_head[begin]
        return with_head[count]
