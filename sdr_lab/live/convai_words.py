"""What a client of the SDK's protocol is told about what is said."""

from __future__ import annotations

from collections.abc import Callable

from sdr_lab.events import (
    AgentStopped,
    Event,
    FixedLine,
    Interrupted,
    SentenceReady,
    SentenceSent,
    TurnOver,
)
from sdr_lab.live.convai_messages import agent_response, correction, user_transcript


class Words:
    """Turns events of a call into messages.

    The agent's words are told when their sound begins: those of a fixed line at once, those of a
    model as far as it has got, the rest when its sound begins. What was told and then not heard
    is corrected.
    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._turn = -1
        self._is_fixed = False
        self._ready: list[str] = []
        """Sentences that were not told yet."""
        self._begun = 0
        """Sentences of the turn that were told."""
        self._told: list[str] = []

    def take(self, event: Event) -> None:
        """Take an event of the call."""
        match event:
            case TurnOver(text=text) if text:
                self._send(user_transcript(text))
            case FixedLine():
                self._begin(event.turn)
                self._is_fixed = True
                self._ready = [event.text]
            case SentenceReady():
                self._begin(event.turn)
                if not self._is_fixed:
                    self._ready.append(event.text)
            case SentenceSent() if event.turn == self._turn and self._ready:
                self._tell(event.index)
            case Interrupted(turn=turn, heard=heard) | AgentStopped(turn=turn, text=heard):
                self._correct(turn, heard)
            case _:
                return

    def _begin(self, turn: int) -> None:
        if turn != self._turn:
            self._turn, self._is_fixed, self._begun = turn, False, 0
            self._ready, self._told = [], []

    def _tell(self, index: int) -> None:
        if index < self._begun:
            return
        text = " ".join(self._ready)
        self._begun += len(self._ready)
        self._ready = []
        self._told.append(text)
        self._send(agent_response(text))

    def _correct(self, turn: int, heard: str) -> None:
        if turn != self._turn:
            return
        words = heard.split()
        for told in self._told:
            length = len(told.split())
            mine, words = words[:length], words[length:]
            if len(mine) < length:
                self._send(correction(told, " ".join(mine)))
        self._ready, self._told = [], []
