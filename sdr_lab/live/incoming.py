"""What Twilio is told to do with a call: when it rings here, is answered there, or its stream ends.

Every answer is TwiML. A request may come twice (Twilio asks again when an answer is slow), so each
finds the row of the call or makes it, and hands out a fresh token.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.agents.variables import missing_in
from sdr_lab.errors import BadInput, Conflict, NotFound, SdrLabError
from sdr_lab.lab import refuse_missing_variables
from sdr_lab.live.addresses import Addresses
from sdr_lab.live.leg import ASKED, CANCELED, DIALLING, transfer_twiml
from sdr_lab.live.prepared import ENDS, agent_named
from sdr_lab.live.switchboard import NoRoom
from sdr_lab.records import Agent
from sdr_lab.telephony.twilio_errors import TwilioError
from sdr_lab.telephony.twiml import hangup_twiml, reject_twiml, say_twiml, stream_twiml

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk
    from sdr_lab.store.folder import Conversation

log = logging.getLogger(__name__)

NOT_IN_SERVICE = "This number is not in service. Goodbye."
TROUBLE = "We are sorry, we can't take your call right now. Please try again later. Goodbye."
NOBODY_FREE = "We are sorry, nobody is available right now. Goodbye."

CONNECTED = ("completed", "answered")
"""`DialCallStatus` of a transfer that came about."""

BROKEN_OFF = "broken-off"
"""Status of a call that an earlier process had: its caller is not let go without a word."""

Fields = Mapping[str, str]


async def answer_incoming(desk: Desk, fields: Fields) -> str:
    """Somebody calls one of our numbers."""
    call_sid = needed(fields, "CallSid")
    caller, called = fields.get("From", ""), fields.get("To", "")
    if why := desk.switchboard.why_closed:
        desk.metrics.call_refused(why)
        log.warning("call %s from %s refused: %s", call_sid, caller, why)
        return reject_twiml("busy")
    agent = await asyncio.to_thread(_agent_for, desk, called)
    if agent is None:
        return say_twiml(NOT_IN_SERVICE)
    row, is_new = await asyncio.to_thread(_inbound_row, desk, agent, call_sid, caller, called)
    if is_new:
        log.info("call %s: %s from %s to agent %s", row.id, call_sid, caller, agent.id)
        await _announce(desk, row)
    return await _stream(desk, row, call_sid)


async def _announce(desk: Desk, row: Conversation) -> None:
    about = {
        "conversation_id": row.id,
        "agent_id": row.agent_id,
        "call_sid": row.call_sid,
        "direction": row.direction,
        "phone_number": row.phone_number,
        "agent_number": row.agent_number,
        "line": "twilio",
    }
    await desk.hooks.emit("call.initiated", about, row.agent_id)


async def answer_outbound(desk: Desk, fields: Fields, conversation_id: str) -> str:
    """Somebody has answered a call of ours."""
    call_sid = needed(fields, "CallSid")
    row = await asyncio.to_thread(desk.lab.calls.get, conversation_id)
    if row.call_sid and row.call_sid != call_sid:
        raise Conflict(f"conversation {row.id} belongs to {row.call_sid}, not to {call_sid}")
    if not row.call_sid:  # Twilio was faster than its own REST answer
        await asyncio.to_thread(desk.lab.calls.set_call_sid, row.id, call_sid)
    return await _stream(desk, row, call_sid)


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A call that somebody else's program has at Twilio, and gives to an agent."""

    agent_id: str
    from_number: str
    to_number: str
    direction: Literal["inbound", "outbound"] = "inbound"
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=Overrides)
    metadata: Mapping[str, Any] = field(default_factory=dict)


async def answer_own(desk: Desk, call: OwnCall) -> str:
    """Return what connects such a call. Its SID becomes known when its stream comes.

    Raises:
        NotFound: there is no such agent.
        BadInput: a variable or an override can't be used.
        NoRoom: MAX_CALLS are going on, or the server stops.
        TwilioError: the settings do not say how Twilio reaches this server.
    """
    check_reachable(desk)
    agent = await asyncio.to_thread(agent_named, desk.lab, call.agent_id)
    refuse_missing_variables(with_overrides(agent, call.overrides), call.variables)
    numbers = (call.from_number, call.to_number)
    theirs, ours = numbers if call.direction == "inbound" else numbers[::-1]
    desk.switchboard.admit()
    row = await asyncio.to_thread(
        desk.lab.calls.create,
        agent,
        theirs,
        call.direction,
        call.variables,
        call.metadata,
        overrides=call.overrides.to_dict(),
        line="twilio",
        agent_number=ours,
    )
    await _announce(desk, row)
    return await _stream(desk, row, "")


async def answer_after(desk: Desk, fields: Fields, conversation_id: str) -> str:
    """The stream has ended: hang up, or do what was decided in it."""
    row = await asyncio.to_thread(desk.lab.calls.get, conversation_id)
    is_gone = fields.get("CallStatus", "") in ENDS  # he has hung up: there is nobody to tell
    transfer = row.metadata.get("transfer") or {}
    if transfer.get("status") == ASKED:
        transfer = {**transfer, "status": CANCELED if is_gone else DIALLING}
        await asyncio.to_thread(desk.lab.calls.note, row.id, transfer=transfer)
        return hangup_twiml() if is_gone else transfer_twiml(desk, row, str(transfer["to"]))
    if is_gone:
        await _end_unheld(desk, row, fields["CallStatus"])
    elif row.folder is None and desk.switchboard.find(row.id) is None:
        if not row.status.is_over:  # else it is known why
            log.error("call %s: its stream never came: is PUBLIC_URL right?", row.id)
        desk.switchboard.forget(row.id)
        await give_up(desk, row.id, "its stream never came")
        return say_twiml(TROUBLE)
    elif row.status == BROKEN_OFF:
        return say_twiml(TROUBLE)
    return hangup_twiml()


async def _end_unheld(desk: Desk, row: Conversation, status: str) -> None:
    """Note the end of a call whose caller was gone before its stream came. Incoming numbers often
    have no status callback that would tell."""
    if row.folder is not None or desk.switchboard.find(row.id) is not None:
        return
    from sdr_lab.store.folder import Status

    desk.switchboard.forget(row.id)
    change = await asyncio.to_thread(
        desk.lab.calls.report, row.id, Status(status), at=datetime.now(UTC)
    )
    if change.ends_call:
        desk.background.start(desk.post_call.run(row.id), f"after {row.id}")


async def answer_dial(desk: Desk, fields: Fields, conversation_id: str) -> str:
    """A transfer is over, or did not come about."""
    row = await asyncio.to_thread(desk.lab.calls.get, conversation_id)
    status = fields.get("DialCallStatus", "")
    transfer = {
        **(row.metadata.get("transfer") or {}),
        "status": status,
        "call_sid": fields.get("DialCallSid", ""),
        "duration_s": whole(fields.get("DialCallDuration")),
    }
    await asyncio.to_thread(desk.lab.calls.note, row.id, transfer=transfer)
    log.info("call %s: transfer %s", row.id, status or "of unknown end")
    return hangup_twiml() if status in CONNECTED else say_twiml(NOBODY_FREE)


async def give_up(desk: Desk, conversation_id: str, why: str) -> None:
    """Note that a call can't be held, unless something else is noted already, and tell webhooks."""
    await asyncio.to_thread(desk.lab.calls.fail, conversation_id, why)
    desk.background.start(desk.post_call.run(conversation_id), f"after {conversation_id}")


def needed(fields: Fields, name: str) -> str:
    """Return a field that every request of Twilio has."""
    if not (value := fields.get(name, "")):
        raise BadInput(f"the field {name} is missing")
    return value


def whole(text: str | None) -> int | None:
    """Return a number of Twilio's form fields, None when it is none."""
    return int(text) if text and text.isascii() and text.isdigit() else None


async def _stream(desk: Desk, row: Conversation, call_sid: str) -> str:
    if row.folder is not None:
        log.warning("call %s: asked again after its stream: hung up", row.id)
        return hangup_twiml()
    check_reachable(desk)
    ttl_s = desk.settings.stream_token_s
    try:
        desk.switchboard.expect(row.id, ttl_s)
    except NoRoom as error:
        log.warning("call %s refused: %s", row.id, error)
        await asyncio.to_thread(desk.lab.calls.fail, row.id, str(error))
        return say_twiml(TROUBLE)
    token = await asyncio.to_thread(desk.lab.tickets.mint, row.id, "twilio", call_sid, ttl_s)
    addresses = Addresses.of(desk.settings.public_url)
    return stream_twiml(
        addresses.stream(token),
        {"conversation_id": row.id},
        status_callback=addresses.voice("stream", row.id),
        after=addresses.voice("after", row.id),
    )


def check_reachable(desk: Desk) -> None:
    """Raise TwilioError when Twilio can't know where this server is."""
    if not desk.settings.public_url:
        raise TwilioError("can't reach this server: set PUBLIC_URL to its public address", 503)


def _agent_for(desk: Desk, called: str) -> Agent | None:
    """Return who answers a number: its own agent, else the default one, if it may be called."""
    lab = desk.lab
    try:
        number = lab.numbers.get(called)
    except NotFound:
        key = ""
    else:
        if not number.supports_inbound:
            log.warning("%s takes no inbound calls: refused", called)
            return None
        key = number.agent_id or ""
    try:
        agent = agent_named(lab, key)
    except SdrLabError as error:
        log.error("%s can't be answered: %s", called, error)
        return None
    for place, names in missing_in(agent).items():  # better said with a hole than not answered
        log.warning("agent %s: %s has no value for %s", agent.id, place, ", ".join(names))
    return agent


def _inbound_row(
    desk: Desk, agent: Agent, call_sid: str, caller: str, called: str
) -> tuple[Conversation, bool]:
    """Return the row of an incoming call, and whether it is new."""
    calls = desk.lab.calls
    try:
        return calls.get(call_sid), False
    except NotFound:
        pass
    try:
        row = calls.create(
            agent, caller, "inbound", line="twilio", agent_number=called, call_sid=call_sid
        )
    except Conflict:  # the same request, twice at the same moment
        return calls.get(call_sid), False
    return row, True
