"""What the caller says while the agent speaks, and what it is good for.

Sound decides; words confirm, veto, or stop at once. An echo of the agent's own sentence comes back
as words too: the floor is told the sentences that go out, and those words count for nothing.
"""

from __future__ import annotations

from enum import StrEnum

from sdr_lab.records import InterruptSettings, Words
from sdr_lab.turns.detectors.base import Sign, SignKind
from sdr_lab.turns.wordings import Wordings, is_own

SENTENCES_KEPT = 2
"""The echo of a sentence is transcribed while the next one is played."""
LATE_MS = 1000
"""Words whose sound began so long before the agent's belong to the turn before."""
VETO_MS = 600
"""A veto holds until the caller has been silent for so long: until then it is one utterance…"""
LONGEST_VETO_MS = 1500
"""…but who talks on for so long, and no words have said again that he only listens, means more:
a transcriber that waits for a pause tells nothing until it is too late."""


class Meaning(StrEnum):
    NOTHING = "nothing"
    """A filler, a yes within a question, or what may be an answer in our own words."""
    OURS = "ours"
    """Our echo: not even a stop that waits for words may take them for some."""
    BEFORE = "before"
    """Words from before this speech or, of an acknowledgement, before what he says now."""
    LISTENS = "listens"
    """An acknowledgement, and nothing was asked."""
    STOPS = "stops"
    """A stop word."""
    TALKS = "talks"
    """Other words, or the answer to a question."""


class OverAgent:
    """Follows one speech of the agent. Pure: told the time."""

    def __init__(self, settings: InterruptSettings) -> None:
        self.asked = False
        """A question of this speech has been put whole: what follows may be its answer."""
        self._wordings = Wordings.of(settings)
        self._lists = (settings.acknowledgements, settings.stop_words)
        self._asks = False
        self._said: list[str] = []
        self._since_ms = 0
        self._vetoed_ms = 0
        self._vetoed_until_ms: int | None = None
        self._passed_over: Sign | None = None

    @property
    def may_ask(self) -> bool:
        """A question has been put or is being put."""
        return self.asked or self._asks

    def begin(self, at_ms: int, settings: InterruptSettings) -> None:
        """The agent begins to speak."""
        if self._lists != (settings.acknowledgements, settings.stop_words):
            self._lists = (settings.acknowledgements, settings.stop_words)
            self._wordings = Wordings.of(settings)
        self.asked = self._asks = False
        self._since_ms = at_ms
        self.lift()

    def says(self, sentence: str) -> None:
        """A sentence of the agent begins to go out."""
        self.asked = self.asked or self._asks
        self._asks = sentence.rstrip().endswith("?")
        self._said = [*self._said, sentence][-SENTENCES_KEPT:]

    def meaning(self, words: Words, voice_ms: int = 0) -> Meaning:
        """Judge a transcriber's result. `voice_ms`: when he began, if he is talking now."""
        text, said = words.text, " ".join(self._said)
        if words.end_ms <= self._since_ms or words.start_ms < self._since_ms - LATE_MS:
            return Meaning.BEFORE
        if self._wordings.stop_word(text, said):
            return Meaning.STOPS
        if self.is_acknowledgement(text):
            if words.end_ms < voice_ms:
                return Meaning.BEFORE
            if self.asked:
                return Meaning.TALKS
            return Meaning.NOTHING if self._asks else Meaning.LISTENS
        if self._wordings.is_filler(text):
            return Meaning.NOTHING
        if is_own(text, said):
            return Meaning.NOTHING if self.asked else Meaning.OURS
        return Meaning.TALKS

    def is_acknowledgement(self, text: str) -> bool:
        """Tell whether the words only show that the caller listens."""
        return self._wordings.is_acknowledgement(text)

    # ---- the veto

    def veto(self, at_ms: int) -> None:
        """He only listens: the sound of this utterance decides nothing any more."""
        self._vetoed_ms = at_ms
        self._vetoed_until_ms = at_ms + VETO_MS

    def lift(self) -> Sign | None:
        """He talks after all; return the stop that the veto has passed over, if there was one."""
        sign, self._passed_over = self._passed_over, None
        self._vetoed_until_ms = None
        return sign

    def hear(self, end_ms: int, is_voice: bool, sign: Sign | None) -> Sign | None:
        """Take what the detector says of the frame that ends here; None while there is a veto.

        Args:
            end_ms: Stream time.
            is_voice: The caller's voice is heard.
            sign: The detector's answer.
        """
        until_ms = self._vetoed_until_ms
        if until_ms is None:
            return sign
        if end_ms >= until_ms:
            self.lift()
            return sign
        if is_voice and end_ms - self._vetoed_ms >= LONGEST_VETO_MS:
            return self.lift() or sign
        if is_voice:
            self._vetoed_until_ms = end_ms + VETO_MS
        if sign is not None and sign.kind is SignKind.STOP:
            self._passed_over = sign
        return None
