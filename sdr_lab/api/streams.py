"""Opening a media stream from elsewhere than Twilio: the browser phone, simulators, other tools."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from sdr_lab.agents.overrides import with_overrides
from sdr_lab.api.auth import KEY, is_local
from sdr_lab.api.errors import ERRORS, about_field
from sdr_lab.api.initiation import InitiationData
from sdr_lab.api.state import desk_of
from sdr_lab.lab import refuse_missing_variables
from sdr_lab.live.addresses import websocket_url
from sdr_lab.live.desk import Desk
from sdr_lab.live.prepared import agent_named
from sdr_lab.telephony.numbers import e164

log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/convai", tags=["Calls"], dependencies=[KEY], responses=ERRORS)


class StreamRequest(InitiationData):
    agent_id: str = Field(
        default="", max_length=255, description="Id or name; empty: the default agent."
    )
    phone_number: str = Field(
        default="", max_length=40, description="Who calls, E.164, as far as the agent should know."
    )


class StreamReply(BaseModel):
    conversation_id: str
    token: str = Field(description="Good for one connection.")
    url: str = Field(examples=["ws://127.0.0.1:9001/media-stream/…"])
    expires_in_secs: int
    expires_at: str = Field(description="ISO 8601.")


@router.post("/streams", summary="Get a token for a media stream")
async def open_stream(
    request: Request, body: StreamRequest, desk: Annotated[Desk, Depends(desk_of)]
) -> StreamReply:
    """Connect to `url` within `expires_in_secs` and speak Twilio's media stream messages:
    `connected`, `start`, `media`, `mark`, `dtmf`, `stop`."""
    agent = await asyncio.to_thread(agent_named, desk.lab, body.agent_id)
    with about_field("conversation_config_override"):
        overrides = body.overrides()
    refuse_missing_variables(with_overrides(agent, overrides), body.variables)
    number = e164(body.phone_number, field="phone_number") if body.phone_number else ""
    desk.switchboard.admit()
    row = await asyncio.to_thread(
        desk.lab.calls.create,
        agent,
        number,
        "inbound",
        body.variables,
        {"user_id": body.user_id} if body.user_id else {},
        overrides=overrides.to_dict(),
        line="browser",
    )
    ttl_s = desk.settings.stream_token_s
    desk.switchboard.expect(row.id, ttl_s)
    token = await asyncio.to_thread(desk.lab.tickets.mint, row.id, "browser", "", ttl_s)
    about = {"conversation_id": row.id, "agent_id": agent.id, "phone_number": number}
    await desk.hooks.emit(
        "call.initiated", {**about, "direction": "inbound", "line": "browser"}, agent.id
    )
    until = datetime.now(UTC) + timedelta(seconds=ttl_s)
    return StreamReply(
        conversation_id=row.id,
        token=token,
        url=f"{socket_base(request, desk)}/media-stream/{token}",
        expires_in_secs=ttl_s,
        expires_at=until.isoformat(timespec="seconds"),
    )


def socket_base(request: Request, desk: Desk) -> str:
    """Return where a client of this request opens WebSockets: on this machine the way it came,
    from elsewhere PUBLIC_URL."""
    public_url = desk.settings.public_url
    if is_local(request) or not public_url:
        return websocket_url(str(request.base_url))
    return websocket_url(public_url)
