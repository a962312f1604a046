"""Placing a call: checks, the row, the dialling. In that order, so that no callback is early."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.errors import BadInput, Refused, SdrLabError
from sdr_lab.lab import refuse_missing_variables
from sdr_lab.live.addresses import Addresses
from sdr_lab.live.incoming import check_reachable
from sdr_lab.live.prepared import agent_named
from sdr_lab.records import Agent
from sdr_lab.telephony.numbers import dialable
from sdr_lab.telephony.twilio_errors import TwilioError
from sdr_lab.telephony.twilio_rest import DialOrder

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk
    from sdr_lab.store.folder import Conversation

log = logging.getLogger(__name__)

SLACK_S = 10
"""Twilio rings some seconds longer than it is told to."""


class MustNotCall(Refused):
    """The number is on the do-not-call list."""

    code = "do_not_call"


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """A call that somebody wants placed."""

    agent_id: str
    to_number: str
    from_number: str = ""
    """Id of a stored number, or E.164; empty: the agent's own, else TWILIO_PHONE_NUMBER."""
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=Overrides)
    recording: bool = False
    """Twilio records as well."""
    ring_s: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Kept with the conversation."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that is being dialled."""

    conversation_id: str
    call_sid: str
    agent_id: str
    phone_number: str
    """Whom it calls, E.164."""


async def place_call(desk: Desk, request: OutboundRequest) -> Placed:
    """Dial a number and let an agent talk to whoever answers.

    Raises:
        BadInput: a number, a variable or an override can't be used.
        NotFound: there is no such agent or number.
        MustNotCall: the number is on the do-not-call list.
        NoRoom: MAX_CALLS are going on, or the server stops.
        TwilioError: Twilio refused, did not answer, or is not set up.
    """
    to = dialable(request.to_number)
    agent = await asyncio.to_thread(agent_named, desk.lab, request.agent_id)
    agent = with_overrides(agent, request.overrides)
    refuse_missing_variables(agent, request.variables)
    caller_id = await asyncio.to_thread(_caller_id, desk, agent, request.from_number)
    if await desk.lab.do_not_call.contains(to):
        raise MustNotCall(f"{to} is on the do-not-call list: it must not be called")
    check_ready(desk)
    desk.switchboard.admit()
    row = await asyncio.to_thread(_make_row, desk, agent, request, to, caller_id)
    await desk.hooks.emit(
        "call.initiated",
        {"conversation_id": row.id, "agent_id": agent.id, **_about(row)},
        agent.id,
    )
    try:
        return await _dial(desk, agent, row, request)
    except (SdrLabError, asyncio.CancelledError) as error:
        desk.switchboard.forget(row.id)
        log.warning("call %s not placed: %s", row.id, error)
        why = str(error) or "cancelled"
        await asyncio.shield(asyncio.to_thread(desk.lab.calls.fail, row.id, why))
        desk.background.start(desk.post_call.run(row.id), f"after {row.id}")
        raise


def check_ready(desk: Desk) -> None:
    """Raise TwilioError when calls can't be placed with the settings as they are."""
    if not desk.twilio.configured:
        raise TwilioError("not set up: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN", 503)
    check_reachable(desk)


async def _dial(desk: Desk, agent: Agent, row: Conversation, request: OutboundRequest) -> Placed:
    settings = desk.settings
    ring_s = request.ring_s or settings.twilio_ring_s
    desk.switchboard.expect(row.id, ring_s + SLACK_S + settings.stream_token_s)
    addresses = Addresses.of(settings.public_url)
    detects = agent.on_voicemail != "ignore"
    order = DialOrder(
        to=row.phone_number,
        from_=row.agent_number,
        url=addresses.voice("outbound", row.id),
        status_callback=addresses.voice("status", row.id),
        amd=detects,
        amd_callback=addresses.voice("amd", row.id) if detects else "",
        amd_waits_for_beep=agent.on_voicemail == "leave_message",
        record=request.recording,
        recording_callback=addresses.voice("recording", row.id) if request.recording else "",
        ring_s=ring_s,
        time_limit_s=round(agent.max_call_s or settings.max_call_s) + SLACK_S,
    )
    call_sid = await desk.twilio.dial(order)
    await asyncio.to_thread(desk.lab.calls.set_call_sid, row.id, call_sid)
    log.info("call %s: dialling %s as %s", row.id, row.phone_number, call_sid)
    return Placed(row.id, call_sid, row.agent_id, row.phone_number)


def _caller_id(desk: Desk, agent: Agent, wanted: str) -> str:
    """Return the number to call from, one of ours."""
    if wanted:
        number = desk.lab.numbers.get(wanted)
        if not number.supports_outbound:
            raise BadInput(f"number {number.phone_number} is not for outbound calls")
        return number.phone_number
    for number in desk.lab.numbers.list():
        if number.agent_id == agent.id and number.supports_outbound:
            return number.phone_number
    if not desk.settings.twilio_phone_number:
        raise BadInput(
            "no number to call from: give agent_phone_number_id, link a number to the agent, or "
            "set TWILIO_PHONE_NUMBER"
        )
    return desk.settings.twilio_phone_number


def _make_row(
    desk: Desk, agent: Agent, request: OutboundRequest, to: str, caller_id: str
) -> Conversation:
    return desk.lab.calls.create(
        agent,
        to,
        "outbound",
        request.variables,
        {**request.metadata, "call_recording_enabled": request.recording},
        overrides=request.overrides.to_dict(),
        line="twilio",
        agent_number=caller_id,
    )


def _about(row: Conversation) -> dict[str, Any]:
    return {
        "direction": row.direction,
        "phone_number": row.phone_number,
        "agent_number": row.agent_number,
        "line": row.line,
        "call_sid": row.call_sid,
        "dynamic_variables": dict(row.variables),
    }
