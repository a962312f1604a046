"""The agent falls silent for a moment, and goes on where it was when that was no interruption.

A hold clears the line and keeps what has not been heard; the reply's task goes on making sound.
What ends it: the floor releases it, the caller cuts in (`Session._cut_in`, which finds the line
clear), the call ends, or an order from outside takes the word from the agent.
"""

from __future__ import annotations

from sdr_lab.call.delivery import Delivery
from sdr_lab.call.log import CallLog
from sdr_lab.events import Held, Resumed
from sdr_lab.turns.decision import Decision


class Holding:
    """Used by the session's owner alone."""

    def __init__(self, delivery: Delivery, log: CallLog) -> None:
        self._delivery = delivery
        self._log = log
        self._since_ms = 0

    async def hold(self, decision: Decision) -> None:
        """Silence the line; when nothing is left to be heard, the reply is over instead."""
        mouth, now_ms = self._delivery.mouth, self._log.at_ms
        if self._delivery.replies.is_made and mouth.is_said(now_ms):
            await self._delivery.stop()
            return
        heard = (await mouth.hold(now_ms)).heard
        self._since_ms = now_ms
        self._log.add(
            Held, turn=mouth.turn, heard=heard, onset_ms=decision.since_ms, detector=decision.why
        )

    async def release(self, why: str) -> None:
        """Go on, if the agent is still held."""
        mouth, now_ms = self._delivery.mouth, self._log.at_ms
        if not mouth.is_held:
            return
        repeated_ms = mouth.resume(now_ms)
        self._log.add(
            Resumed,
            turn=mouth.turn,
            why=why,
            held_ms=now_ms - self._since_ms,
            repeated_ms=repeated_ms,
        )
        await mouth.send(now_ms)
        await self._delivery.stop_if_played()
