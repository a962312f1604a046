"""`/media-stream/{token}`: the sound of a call, as Twilio sends it.

A stream is let in by Twilio's signature and a one-time token that is bound to its call, or by a
one-time token that `POST /v1/convai/streams` gave to a client with a key. The signature is checked
first, both before the connection is accepted; whoever is refused learns nothing but that.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from fastapi import APIRouter, WebSocket

from sdr_lab.api.sockets import (
    GOING_AWAY,
    MISTAKE,
    POLICY_VIOLATION,
    TRY_LATER,
    TextSocket,
    peer_of,
)
from sdr_lab.api.state import desk_of
from sdr_lab.api.voice import SIGNATURE
from sdr_lab.errors import Conflict, Refused, SdrLabError
from sdr_lab.live.desk import Desk
from sdr_lab.live.incoming import give_up
from sdr_lab.live.leg import Leg
from sdr_lab.live.switchboard import NoRoom
from sdr_lab.telephony.twilio_line import TwilioLine, open_stream
from sdr_lab.telephony.twilio_media import ProtocolError, Start

if TYPE_CHECKING:
    from sdr_lab.live.prepared import Prepared
    from sdr_lab.store.tickets import Ticket

log = logging.getLogger(__name__)

START_S = 5.0
"""A stream says who it is within this."""

router = APIRouter(tags=["Telephone"])


class Foreign(Refused):
    """A stream that is not the one its token was made for."""


@router.websocket("/media-stream/{token}")
async def media_stream(websocket: WebSocket, token: str) -> None:
    """Carry one call."""
    desk = await desk_of(websocket)
    try:
        ticket = await let_in(desk, websocket, token)
    except Refused as error:
        why = "signature" if isinstance(error, BadSignature) else "token"
        log.warning("media stream from %s refused: %s", peer_of(websocket), error)
        desk.metrics.call_refused(why)
        await websocket.close(POLICY_VIOLATION)  # before accept: 403
        return
    # Before it is accepted: from then on the caller's sound comes in, and nothing may delay it.
    ready = await desk.switchboard.prepare(ticket.conversation_id, ticket.kind)
    await websocket.accept()
    socket = TextSocket(websocket)
    code, reason = await carry(desk, socket, ticket, ready)
    await socket.close(code, reason)


class BadSignature(Refused):
    """Not signed by Twilio."""


async def let_in(desk: Desk, websocket: WebSocket, token: str) -> Ticket:
    """Return the ticket of a stream; from now on its token is worth nothing.

    Raises:
        Refused: why it must not come in.
    """
    signature = websocket.headers.get(SIGNATURE, "")
    is_signed = desk.signature.upgrade(websocket.url.path, signature)
    if signature and not is_signed:
        raise BadSignature("a wrong signature")
    tickets = desk.lab.tickets
    if not is_signed:  # looked at first: who can't sign must not use up Twilio's token either
        ticket = await asyncio.to_thread(tickets.peek, token)
        if ticket is not None and ticket.kind == "twilio":
            raise BadSignature(f"no signature on a stream of {ticket.conversation_id}")
    return await asyncio.to_thread(tickets.redeem, token)


async def carry(
    desk: Desk, socket: TextSocket, ticket: Ticket, ready: Prepared | None
) -> tuple[int, str]:
    """Run the call of a stream; return how to close it, if that has not been done."""
    try:
        start = await open_stream(socket, START_S)
        check_start(desk, start, ticket)
        await note_call(desk, start, ticket)
    except (ProtocolError, Foreign) as error:
        log.warning("media stream of %s closed: %s", ticket.conversation_id, error)
        desk.metrics.call_refused("stream")
        desk.switchboard.forget(ticket.conversation_id)
        if ticket.kind != "twilio":  # Twilio asks `/voice/after` what to do now
            await give_up(desk, ticket.conversation_id, f"its stream was closed: {error}")
        return POLICY_VIOLATION, ""
    except SdrLabError as error:  # its row is gone, or the store can't be written
        log.error("media stream of %s: %s", ticket.conversation_id, error)
        desk.switchboard.forget(ticket.conversation_id)
        return MISTAKE, ""
    control = Leg(desk, ticket.conversation_id) if ticket.kind == "twilio" else None
    line = TwilioLine(socket, start, control, ticket.kind)
    try:
        result = await desk.switchboard.run(line, ticket.conversation_id, ready=ready)
    except NoRoom as error:
        await give_up(desk, ticket.conversation_id, str(error))
        return TRY_LATER, str(error)
    except Conflict as error:
        log.warning("media stream refused: %s", error)
        return POLICY_VIOLATION, ""
    except SdrLabError:  # the switchboard has logged it
        return MISTAKE, ""
    return (1000, "") if result is not None else (GOING_AWAY, "the server stops")


def check_start(desk: Desk, start: Start, ticket: Ticket) -> None:
    """Raise Foreign when a stream is not the one that its token was made for."""
    named = start.parameters.get("conversation_id", ticket.conversation_id)
    if named != ticket.conversation_id:
        raise Foreign(f"it names conversation {named!r}")
    if ticket.kind != "twilio":
        return
    if ticket.call_sid and start.call_sid != ticket.call_sid:
        raise Foreign(f"it is of call {start.call_sid!r}, the token is of {ticket.call_sid!r}")
    account = desk.settings.twilio_account_sid
    if account and start.account_sid != account:
        raise Foreign(f"it is of account {start.account_sid!r}")


async def note_call(desk: Desk, start: Start, ticket: Ticket) -> None:
    """Keep which call and stream of Twilio a conversation is.

    Raises:
        Foreign: the call has another conversation.
    """
    if ticket.kind != "twilio":
        return
    calls = desk.lab.calls
    try:
        if not ticket.call_sid:  # a call of somebody else's program: known only now
            await asyncio.to_thread(calls.set_call_sid, ticket.conversation_id, start.call_sid)
        await asyncio.to_thread(calls.note, ticket.conversation_id, stream_sid=start.stream_sid)
    except Conflict as error:
        raise Foreign(str(error)) from error
