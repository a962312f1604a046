"""The telephone leg of one call: ended and moved by Twilio's REST API."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sdr_lab.errors import SdrLabError
from sdr_lab.live.addresses import Addresses
from sdr_lab.telephony.twilio_errors import TwilioError
from sdr_lab.telephony.twiml import dial_twiml

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk
    from sdr_lab.store.folder import Conversation

log = logging.getLogger(__name__)

ASKED = "asked"
"""A transfer that Twilio has not taken over yet: `/voice/after` dials it."""
DIALLING = "dialling"
CANCELED = "canceled"
"""The caller was gone before it came about."""

TALK_S = 14_400
"""Longest talk with a department, as Twilio has it by default. A call of ours was dialled with
the agent's own limit, which would end it there in mid-sentence."""

OVER = (404, 409)
"""Statuses of `TwilioError`: the call is no more."""


@dataclass(frozen=True, slots=True)
class Leg:
    """Ends and moves one call (`telephony.twilio_line.CallControl`)."""

    desk: Desk
    conversation_id: str

    async def hang_up(self, call_sid: str) -> None:
        """End the call and see that it has ended."""
        await self.desk.twilio.hang_up(call_sid)

    async def transfer(self, call_sid: str, target: str) -> None:
        """Connect the caller to `target`, the number of a department. Whether anybody has it is
        for Twilio to say: `/voice/dial` hears of it, and so does the caller.

        What was decided is kept first: if Twilio refuses the request, the stream is closed and
        `/voice/after` gives the same instruction as an answer.
        """
        desk = self.desk
        row = await asyncio.to_thread(desk.lab.calls.get, self.conversation_id)
        await asyncio.to_thread(self._note, {"to": target, "status": ASKED})
        limit_s = TALK_S if row.direction == "outbound" else None
        try:
            await desk.twilio.transfer(call_sid, transfer_twiml(desk, row, target), limit_s)
        except TwilioError as error:
            if error.status in OVER:
                await asyncio.to_thread(self._go_on, {"to": target, "status": CANCELED})
            raise
        await asyncio.to_thread(self._go_on, {"to": target, "status": DIALLING})

    def _go_on(self, transfer: dict[str, Any]) -> None:
        """Note how far it got, unless `/voice/dial` has told already how it ended."""
        try:
            row = self.desk.lab.calls.get(self.conversation_id)
        except SdrLabError as error:
            log.error("call %s: transfer not noted: %s", self.conversation_id, error)
            return
        if (row.metadata.get("transfer") or {}).get("status") == ASKED:
            self._note(transfer)

    def _note(self, transfer: dict[str, Any]) -> None:
        try:
            self.desk.lab.calls.note(self.conversation_id, transfer=transfer)
        except SdrLabError as error:
            log.error("call %s: transfer not noted: %s", self.conversation_id, error)


def transfer_twiml(desk: Desk, row: Conversation, target: str) -> str:
    """Return the instruction that connects a caller to a department."""
    addresses = Addresses.of(desk.settings.public_url)
    return dial_twiml(
        target,
        row.agent_number or desk.settings.twilio_phone_number,
        action=addresses.voice("dial", row.id),
    )
