"""Talking to an agent with the official SDK: signed links, and the WebSocket they lead to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, ValidationError

from sdr_lab.agents.overrides import with_overrides
from sdr_lab.api.auth import KEY, refusal
from sdr_lab.api.errors import ERRORS
from sdr_lab.api.initiation import InitiationData
from sdr_lab.api.sockets import (
    GOING_AWAY,
    MISTAKE,
    POLICY_VIOLATION,
    TRY_LATER,
    TextSocket,
    peer_of,
)
from sdr_lab.api.state import desk_of
from sdr_lab.api.streams import socket_base
from sdr_lab.errors import BadInput, Refused, SdrLabError
from sdr_lab.lab import refuse_missing_variables
from sdr_lab.live import convai_messages as messages
from sdr_lab.live.convai_line import ConvaiLine
from sdr_lab.live.desk import Desk
from sdr_lab.live.incoming import give_up
from sdr_lab.live.links import GOOD_FOR_S, Link, read_link, sign_link
from sdr_lab.live.prepared import agent_named
from sdr_lab.live.switchboard import NoRoom
from sdr_lab.records import Agent
from sdr_lab.telephony.twilio_media import ProtocolError

log = logging.getLogger(__name__)

BEGIN_S = 5.0
"""A client says what it wants within this."""

PATH = "/v1/convai/conversation"
SIGNATURE = "conversation_signature"

SUBPROTOCOL = "convai"
"""What the browser SDK asks for; a browser hangs up on a server that does not agree to it."""

BEARER = "bearer."
"""Begins the subprotocol in which browsers, which can't send headers, put a token."""

router = APIRouter(prefix="/v1/convai", tags=["Calls"])

TheDesk = Annotated[Desk, Depends(desk_of)]
AgentId = Annotated[str, Query(max_length=255, description="Id or name; empty: the default agent.")]


class SignedUrl(BaseModel):
    signed_url: str = Field(
        examples=["wss://calls.example/v1/convai/conversation?agent_id=a&conversation_signature=…"]
    )
    expires_in_secs: int


class SignedToken(BaseModel):
    token: str
    agent_id: str
    expires_in_secs: int


@router.get(
    "/conversation/get-signed-url",
    summary="Get a link to talk to an agent",
    dependencies=[KEY],
    responses=ERRORS,
)
@router.get("/conversation/get_signed_url", include_in_schema=False, dependencies=[KEY])
async def get_signed_url(request: Request, desk: TheDesk, agent_id: AgentId = "") -> SignedUrl:
    """Whoever has the link may begin conversations with this agent until it expires, without a
    key. Give it to a browser; keep the key."""
    agent = await asyncio.to_thread(agent_named, desk.lab, agent_id)
    token = sign_link(Link(agent.id), desk.settings)
    query = urlencode({"agent_id": agent.id, SIGNATURE: token})
    url = f"{socket_base(request, desk)}{PATH}?{query}"
    return SignedUrl(signed_url=url, expires_in_secs=GOOD_FOR_S)


@router.get(
    "/conversation/token",
    summary="Get a token to talk to an agent",
    dependencies=[KEY],
    responses=ERRORS,
)
async def get_token(desk: TheDesk, agent_id: AgentId = "") -> SignedToken:
    """The token of a signed link alone; to be given as `token` to the WebSocket."""
    agent = await asyncio.to_thread(agent_named, desk.lab, agent_id)
    token = sign_link(Link(agent.id), desk.settings)
    return SignedToken(token=token, agent_id=agent.id, expires_in_secs=GOOD_FOR_S)


@router.websocket("/conversation")
async def conversation(websocket: WebSocket) -> None:
    """Carry one conversation. Whether the client may is decided before it is accepted."""
    desk = await desk_of(websocket)
    try:
        agent, is_trusted = await let_in(desk, websocket)
    except SdrLabError as error:
        log.warning("conversation from %s refused: %s", peer_of(websocket), error)
        desk.metrics.call_refused("token" if isinstance(error, Refused) else "agent")
        await websocket.close(POLICY_VIOLATION, "not allowed, or no such agent")
        return
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    socket = TextSocket(websocket)
    code, reason = await carry(desk, socket, agent, is_trusted)
    await socket.close(code, reason)


async def let_in(desk: Desk, websocket: WebSocket) -> tuple[Agent, bool]:
    """Return whom the client may talk to, and whether it holds a key.

    Raises:
        Refused, ApiError: it may not.
        NotFound: there is no such agent.
    """
    query = websocket.query_params
    wanted = query.get("agent_id", "")
    if token := query.get(SIGNATURE) or query.get("token") or bearer_of(websocket):
        link = read_link(token, desk.settings)
        if wanted not in ("", link.agent_id):
            raise Refused(f"signed link: it is for agent {link.agent_id!r}, not {wanted[:60]!r}")
        return await asyncio.to_thread(agent_named, desk.lab, link.agent_id), False
    if (error := refusal(websocket)) is not None:
        raise error
    return await asyncio.to_thread(agent_named, desk.lab, wanted), True


def bearer_of(websocket: WebSocket) -> str:
    """Return the token among the subprotocols, empty when there is none."""
    offered = websocket.scope.get("subprotocols", [])
    return next((p.removeprefix(BEARER) for p in offered if p.startswith(BEARER)), "")


async def carry(desk: Desk, socket: TextSocket, agent: Agent, is_trusted: bool) -> tuple[int, str]:
    """Run a conversation; return how to close it, if that has not been done."""
    try:
        data, first = await begin(socket)
        desk.switchboard.admit()
        key = await asyncio.to_thread(make_row, desk, agent, data, is_trusted)
    except NoRoom as error:
        return TRY_LATER, str(error)
    except (BadInput, Refused) as error:
        log.warning("conversation with %s closed: %s", agent.id, error)
        return POLICY_VIOLATION, str(error)
    except SdrLabError as error:
        log.error("conversation with %s: %s", agent.id, error)
        return MISTAKE, "the server can't take calls now"
    line = ConvaiLine(socket, lambda order: desk.switchboard.tell(key, order), first)
    try:
        desk.switchboard.expect(key, BEGIN_S)
        about = {"conversation_id": key, "agent_id": agent.id, "line": line.kind}
        await desk.hooks.emit("call.initiated", {**about, "direction": "inbound"}, agent.id)
        await socket.send(messages.metadata(key))
        result = await desk.switchboard.run(line, key, [line.on_event])
    except NoRoom as error:
        await asyncio.to_thread(desk.lab.calls.fail, key, str(error))
        return TRY_LATER, str(error)
    except WebSocketDisconnect:
        desk.switchboard.forget(key)
        await give_up(desk, key, "the client went away before it began")
        return 1000, ""
    except SdrLabError:  # the switchboard has logged it
        return MISTAKE, "the call can't be made"
    return (1000, "") if result is not None else (GOING_AWAY, "the server stops")


async def begin(socket: TextSocket) -> tuple[InitiationData, str]:
    """Return what the client gives with the call, and its first message if that is another one.

    Raises:
        ProtocolError: it says nothing, or something else than the protocol allows.
    """
    try:
        async with asyncio.timeout(BEGIN_S):
            text = await socket.receive()
    except TimeoutError:
        raise ProtocolError(f"no message within {BEGIN_S:g} s") from None
    if text is None:
        raise ProtocolError("closed before it began")
    message = messages.read(text)
    if not isinstance(message, messages.Begin):
        return InitiationData(), text
    try:
        return InitiationData.model_validate(message.data), ""
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ProtocolError(f"{place}: {problem['msg']}") from None


def make_row(desk: Desk, agent: Agent, data: InitiationData, is_trusted: bool) -> str:
    """Make the row of a conversation and return its id.

    Raises:
        Refused: it changes of the agent what it must not.
        BadInput: a value is not allowed, or a variable is missing.
    """
    overrides = data.overrides()
    if not is_trusted:
        for name in overrides.to_dict():
            if not may_override(agent, name):
                raise Refused(f"the agent does not let {name} be overridden by a signed link")
    refuse_missing_variables(with_overrides(agent, overrides), data.variables)
    row = desk.lab.calls.create(
        agent,
        "",
        "inbound",
        data.variables,
        {"user_id": data.user_id} if data.user_id else {},
        overrides=overrides.to_dict(),
        line="convai",
    )
    return row.id


PLACES = {
    "prompt": ("agent", "prompt", "prompt"),
    "model": ("agent", "prompt", "llm"),
    "first_message": ("agent", "first_message"),
    "language": ("agent", "language"),
    "voice": ("tts", "voice_id"),
}
"""Where `platform_settings.overrides.conversation_config_override` allows a change."""


def may_override(agent: Agent, name: str) -> bool:
    """Say whether a client with a signed link alone may change this of the agent."""
    value: Any = agent.extra
    for part in ("platform_settings", "overrides", "conversation_config_override", *PLACES[name]):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is True
