"""The agent's sound on its way to the line: paced, marked, accounted for."""

from __future__ import annotations

import asyncio

from sdr_lab.call.line import Line
from sdr_lab.call.log import CallLog
from sdr_lab.call.playout import Cleared, Playout, Speech
from sdr_lab.events import AgentStarted, LineCleared, MarkPlayed, SentenceSent
from sdr_lab.turns.floor import Floor

ROOM_MS = 4000
"""Speech made ahead of its playing; more would be thrown away at an interruption."""


class Mouth:
    """Sends a reply and knows what of it was heard. Used by the session's owner alone."""

    def __init__(self, line: Line, floor: Floor, log: CallLog, ahead_ms: int) -> None:
        self.is_speaking = False
        """The first audio of the reply has been handed to the line."""
        self.room = asyncio.Event()
        """Set while more speech may be made."""
        self.room.set()
        self._line = line
        self._floor = floor
        self._log = log
        self._playout = Playout(ahead_ms)
        self.turn = 0
        """The turn of the reply that is being given."""

    @property
    def underruns(self) -> int:
        return self._playout.underruns

    @property
    def is_busy(self) -> bool:
        """A reply is being played, or waits to be."""
        return self.is_speaking or self._playout.pending_ms > 0

    @property
    def is_held(self) -> bool:
        """The line was cleared, and the rest of the reply is kept."""
        return self._playout.is_held

    @property
    def text(self) -> str:
        """Everything of this reply that was given to the voice."""
        return self._playout.text

    def slot(self, at_ms: int) -> bytes:
        """Return what the caller hears in the 20 ms from `at_ms`; empty for silence."""
        return self._playout.slot(at_ms)

    def begin(self, turn: int) -> None:
        """A new reply follows."""
        self.turn = turn
        self.is_speaking = False
        self._playout.begin()

    def end(self) -> None:
        """The reply is over, or was stopped: nothing of it is sent any more."""
        self._playout.drop_unsent()
        self.is_speaking = False
        self.room.set()

    def keep_sentence(self) -> bool:
        """Say no more than the sentence that is going out; tell whether all of it is made."""
        is_made = self._playout.keep_sentence()
        self.room.set()
        return is_made

    async def say(self, speech: Speech, now_ms: int) -> None:
        """Take a piece of speech and send what may be sent."""
        self._playout.add(speech)
        if self._playout.pending_ms > ROOM_MS:
            self.room.clear()
        await self.send(now_ms)

    async def send(self, now_ms: int) -> None:
        """Hand the line what it should have by now."""
        for item in self._playout.take(now_ms):
            if isinstance(item, str):
                await self._line.mark(item)
                continue
            await self._line.play(item)
            if not self.is_speaking:
                self.is_speaking = True
                self._log.add(AgentStarted, turn=self.turn)
                self._floor.agent_started()
        for turn, index, text in self._playout.begun():
            self._log.add(SentenceSent, turn=turn, index=index)
            self._floor.agent_says(text)
        if self._playout.pending_ms < ROOM_MS:
            self.room.set()

    def marked(self, name: str, now_ms: int) -> None:
        """A mark came back."""
        self._log.add(MarkPlayed, name=name, heard=self._playout.marked(name, now_ms))

    def is_done(self, now_ms: int) -> bool:
        """Everything that was taken has been played."""
        return self._playout.is_done(now_ms)

    def is_said(self, now_ms: int) -> bool:
        """Everything that was taken has been played, but for what nobody hears."""
        return self._playout.is_said(now_ms)

    async def hold(self, now_ms: int) -> Cleared:
        """Silence the line, keep the rest, and say what was heard."""
        await self._line.clear()
        self._log.add(LineCleared, turn=self.turn)
        return self._playout.hold(now_ms)

    def resume(self, now_ms: int) -> int:
        """Go on with what was kept (by `send`); return how much is said again, in ms."""
        return self._playout.resume(now_ms)

    async def clear(self, now_ms: int) -> Cleared:
        """Silence the line, if it is not held already, and say what was heard."""
        if not self.is_held:
            await self._line.clear()
            self._log.add(LineCleared, turn=self.turn)
        return self._playout.clear(now_ms)

    def forget(self, now_ms: int) -> Cleared:
        """Drop what was not played, without a word to the line; say what was heard."""
        return self._playout.clear(now_ms)
