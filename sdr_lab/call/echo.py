"""Was that the caller, or our own voice coming back?

The energy detector can't tell a loud echo from a caller. Words can: an echo repeats what we have
just said. This keeps an agent on a speakerphone from answering itself for ever; what really
helps is a detector that knows what we sent.
"""

from __future__ import annotations

from sdr_lab.turns.wordings import longest_common, words_of

MIN_WORDS = 5
"""Callers do repeat some words of ours ("Tuesday at ten"), and mean it: that is their answer."""
SHARE = 0.85
"""Share of the heard words that must come from what we said, in the same order."""


def is_echo(heard: str, said: str) -> bool:
    """Tell whether the words are (nearly) a stretch of what the agent said.

    >>> is_echo("what would you like to know about maple", "Hi! What would you like to know?")
    True
    >>> is_echo("What would it cost to know more?", "Hi! What would you like to know?")
    False
    """
    words, ours = words_of(heard), words_of(said)
    if len(words) < MIN_WORDS:
        return False
    return longest_common(words, ours) >= SHARE * len(words)
