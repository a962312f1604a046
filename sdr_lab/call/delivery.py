"""What the agent says, from its first word to its last, and the end of the call."""

from __future__ import annotations

from sdr_lab.agents.conversation import Conversation
from sdr_lab.call.line import Line
from sdr_lab.call.log import CallLog
from sdr_lab.call.mouth import Mouth
from sdr_lab.call.replies import Replies
from sdr_lab.events import AgentStopped, FixedLine
from sdr_lab.turns.floor import Floor


class Delivery:
    """Says lines and accounts for what was heard. Used by the session's owner alone."""

    def __init__(
        self,
        line: Line,
        mouth: Mouth,
        replies: Replies,
        floor: Floor,
        conversation: Conversation,
        log: CallLog,
    ) -> None:
        self.turn = 0
        """Number of the last turn, the caller's or an unasked one of the agent."""
        self.reason = ""
        """Why the call is over; empty: it is not."""
        self.line = line
        self.mouth = mouth
        self.replies = replies
        self.floor = floor
        self.conversation = conversation
        self._log = log

    def greet(self, greeting: str) -> None:
        """Say the first line; the floor is the caller's, so that "hello?" does not withdraw it."""
        self._log.add(FixedLine, turn=self.turn, text=greeting, why="greeting")
        self.floor.agent_greets()
        self.replies.begin(self.turn, "", greeting)

    def say_line(self, line: str, why: str, ends_call: str = "", transfers_to: str = "") -> None:
        """Say a fixed text, unasked; when it has been heard, end the call for this reason."""
        self.turn += 1
        self._log.add(FixedLine, turn=self.turn, text=line, why=why)
        self.floor.agent_thinking()
        self.replies.begin(self.turn, "", line)
        if self.replies.current is not None:
            self.replies.current.ends_call = ends_call
            self.replies.current.transfers_to = transfers_to

    async def stop_if_played(self) -> None:
        """When all of the reply has been heard, it is over, and with it perhaps the call."""
        reply, now_ms = self.replies.current, self._log.at_ms
        if reply is None or not self.replies.is_made or not self.mouth.is_done(now_ms):
            return
        await self.stop()

    async def stop(self) -> None:
        """All of the reply has been heard."""
        reply, now_ms = self.replies.current, self._log.at_ms
        if reply is None:
            return
        text = self.mouth.text
        self.conversation.agent_said(text, False, now_ms)
        self.stopped(reply.turn, text)
        self.replies.end()
        if reply.ends_call:
            await self.hang_up(reply.ends_call, reply.transfers_to)

    def stopped(self, turn: int, heard: str) -> None:
        """Note that a reply is over, and give the floor back."""
        self._log.add(AgentStopped, turn=turn, text=heard)
        self.floor.agent_stopped(self.conversation.asked)

    def finish_sentence(self) -> bool:
        """Say no more than the sentence that is going out; False when there is none."""
        if not self.mouth.is_speaking:
            return False
        self.replies.end_after_sentence(self.mouth.keep_sentence())
        return True

    async def silence(self) -> None:
        """Stop the agent, not for the caller's sake; in the order of an interruption."""
        reply, now_ms = self.replies.current, self._log.at_ms
        if reply is None:
            return
        self.replies.cancel()
        is_busy = self.mouth.is_busy
        cleared = await self.mouth.clear(now_ms) if is_busy else self.mouth.forget(now_ms)
        self.conversation.agent_said(cleared.heard, True, now_ms)
        self.stopped(reply.turn, cleared.heard)
        self.replies.stopped(cleared)

    def account(self) -> None:
        """The call ends, perhaps in mid-reply: what was heard of it was said."""
        if self.mouth.is_speaking:
            heard = self.mouth.forget(self._log.at_ms).heard
            self.conversation.agent_said(heard, True, self._log.at_ms)
            self.stopped(self.mouth.turn, heard)
            self.mouth.end()

    async def hang_up(self, reason: str, transfers_to: str = "") -> None:
        """End the call, or hand the caller on."""
        if transfers_to:
            await self.line.transfer(transfers_to)
        else:
            await self.line.hang_up()
        self.reason = reason
