"""The reply that is being given, and the one that is being prepared in the caller's pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sdr_lab.call.heard import unheard
from sdr_lab.call.inbox import Item, ReplyDone
from sdr_lab.call.log import CallLog, HeldLog
from sdr_lab.call.mouth import Mouth
from sdr_lab.call.parts import Rest
from sdr_lab.call.playout import Cleared
from sdr_lab.call.reply import Mind, Reply
from sdr_lab.events import SpeculationEnded, SpeculationStarted
from sdr_lab.records import ToolCall


class Replies:
    """Starts and stops the tasks of replies. Used by the session's owner alone."""

    def __init__(
        self, mind: Mind, mouth: Mouth, log: CallLog, post: Callable[[Item], None]
    ) -> None:
        self.current: Reply | None = None
        self.is_made = False
        """The current reply's task has handed over all its audio."""
        self._mind = mind
        self._mouth = mouth
        self._log = log
        self._post = post
        self._task: asyncio.Task[None] | None = None
        self._prepared: Reply | None = None
        self._prepared_task: asyncio.Task[None] | None = None

    @property
    def is_answer(self) -> bool:
        """The current reply answers the caller; it is no fixed line."""
        return self.current is not None and not self.current.line

    def begin(self, turn: int, words: str, line: str = "", key: ToolCall | None = None) -> None:
        """Give a reply: what was prepared for these words, else a new one, or a fixed line, or
        what a key does."""
        reply, task = self._take_prepared(turn, words)
        reply = reply or self._make(turn, words, line, key)
        if self._task is not None:
            self._task.cancel()
        self.current, self.is_made = reply, False
        self._mouth.begin(turn)
        self._task = task or self._mind.tasks.create_task(reply.run())
        self._task.add_done_callback(
            lambda done: None if done.cancelled() else self._post(ReplyDone(reply))
        )
        reply.commit()

    def cancel(self) -> None:
        """Stop the current reply's chain, whatever it is doing."""
        if self._task is not None:
            self._task.cancel()

    def stopped(self, cleared: Cleared) -> Rest | None:
        """The current reply is over before its end; return what it leaves."""
        reply = self.current
        self.end()
        if reply is None:
            return None
        reply.stop(cleared.sentences)
        written = reply.texts[cleared.next_index :]
        planned = reply.line or " ".join(part for part in (cleared.planned, *written) if part)
        text = unheard(planned, cleared.heard)
        proposed = reply.proposed if text else None
        if proposed is not None and self._mind.conversation.pending is proposed:
            self._mind.conversation.pending = None
        return Rest(text, planned, reply.ends_call, reply.transfers_to, proposed)

    def end(self) -> None:
        """The current reply is over."""
        self.current = self._task = None
        self._mouth.end()

    def prepare(self, turn: int, words: str) -> None:
        """Make the reply to words that may prove to be the whole turn. Nothing of it is heard."""
        if self._prepared is not None and _same(self._prepared.words, words):
            return
        self.drop_prepared()
        self._log.add(SpeculationStarted, text=words)
        self._prepared = self._make(turn, words)
        self._prepared_task = self._mind.tasks.create_task(self._prepared.run())

    def drop_prepared(self) -> None:
        """The caller has gone on, or said something else."""
        if self._prepared is not None and self._prepared_task is not None:
            self._prepared_task.cancel()
            self._log.add(SpeculationEnded, used=False, text=self._prepared.words)
        self._prepared = self._prepared_task = None

    async def settle(self, turn: int, words: str, key: ToolCall | None) -> None:
        """Do what the caller's last words alone decide; no answer reaches him any more."""
        await self._make(turn, words, key=key).settle()

    async def settle_current(self) -> None:
        """The call is over before the reply has done what the caller's words alone decide."""
        reply = self.current
        if self.is_answer and reply is not None and not reply.is_decided:
            self.cancel()
            await reply.settle()

    def end_after_sentence(self, is_made: bool) -> None:
        """Nothing of the reply follows the sentence that is going out.

        Args:
            is_made: All sound of that sentence is there.
        """
        if is_made:
            self.cancel()
            self.is_made = True
        elif self.current is not None:
            self.current.stop_after_sentence()

    def cancel_all(self) -> None:
        """The call is over."""
        for task in (self._task, self._prepared_task):
            if task is not None:
                task.cancel()

    def _take_prepared(
        self, turn: int, words: str
    ) -> tuple[Reply | None, asyncio.Task[None] | None]:
        reply, task = self._prepared, self._prepared_task
        if reply is None or reply.turn != turn or not _same(reply.words, words):
            self.drop_prepared()
            return None, None
        self._prepared = self._prepared_task = None
        self._log.add(SpeculationEnded, used=True, text=reply.words)
        return reply, task

    def _make(self, turn: int, words: str, line: str = "", key: ToolCall | None = None) -> Reply:
        reply = Reply(
            turn=turn,
            words=words,
            mind=self._mind,
            log=HeldLog(self._log),
            emit=lambda speech: self._post((reply, speech)),
            wait_for_room=self._mouth.room.wait,
            line=line,
            key=key,
        )
        return reply


def _same(prepared: str, final: str) -> bool:
    """Equal but for case and punctuation: the same question gets the same answer."""
    return _bare(prepared) == _bare(final)


def _bare(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
