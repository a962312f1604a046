"""Agents: create, list, get, change, hide, copy; the seed's form and the SDK's at once."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Header, Query, Response
from starlette.requests import Request

from sdr_lab.api.agent_mapping import AgentChange, applied, read_change
from sdr_lab.api.agent_places import TOOL_IDS
from sdr_lab.api.agent_schemas import (
    CREATE_EXAMPLES,
    AgentBody,
    AgentId,
    AgentLink,
    AgentPage,
    AgentReply,
    Done,
)
from sdr_lab.api.agent_views import page_of, reply_of, ship_agents
from sdr_lab.api.auth import KEY
from sdr_lab.api.errors import ERRORS, FieldError
from sdr_lab.api.state import desk_of, lab_of, state_of
from sdr_lab.errors import Conflict
from sdr_lab.lab import Lab
from sdr_lab.live.desk import Desk
from sdr_lab.records import Agent

AUTHOR = "api"

MOST_TRIES = 20
"""Of a change while others change the same agent: one of them gets through each time."""

SORTS = Literal["name", "created_at", "updated_at", "call_count_7d"]


async def ready_lab(request: Request) -> Lab:
    """Return the lab, with the shipped agents in its store."""
    state = state_of(request)
    if not state.has_shipped_agents:
        await asyncio.to_thread(ship_agents, state.lab)
        state.has_shipped_agents = True
    return lab_of(request)


LabHere = Annotated[Lab, Depends(ready_lab)]
DeskHere = Annotated[Desk, Depends(desk_of)]

router = APIRouter(
    prefix="/v1/convai/agents", tags=["Agents"], dependencies=[KEY], responses=ERRORS
)

REPLY: dict[int | str, dict[str, Any]] = {200: {"model": AgentReply, "description": "The agent."}}


@router.post("", responses=REPLY, response_model=None, summary="Create an agent")
@router.post(
    "/create", responses=REPLY, response_model=None, summary="Create an agent (the SDK's route)"
)
async def create(
    body: Annotated[AgentBody, Body(openapi_examples=CREATE_EXAMPLES)], lab: LabHere, desk: DeskHere
) -> dict[str, Any]:
    """All that is left out gets a default: an agent with a name and a prompt can take calls."""
    told = body.told()
    if not told.keys() & {"name", "system_prompt", "conversation_config"}:
        told_what = "give at least one of name, system_prompt and conversation_config"
        raise FieldError(("body", "name"), f"an agent of nothing: {told_what}")
    change = read_change(told)
    agent = await asyncio.to_thread(applied, change, None, lab.settings)
    await check_lists(change, lab, "")
    made = await asyncio.to_thread(
        lab.agents.create, agent, AUTHOR, change.note or "created", change.user_id
    )
    if change.documents:
        await desk.documents.replace(made.id, document_ids(change))
    if change.is_active is False:
        await asyncio.to_thread(lab.agents.delete, made.id)
    return await asyncio.to_thread(reply_of, lab, made.id)


@router.get("", response_model=AgentPage, summary="List agents")
async def list_agents(
    lab: LabHere,
    page_size: Annotated[int, Query(ge=1, le=100)] = 30,
    cursor: Annotated[str, Query(description="`next_cursor` of the page before.")] = "",
    search: Annotated[str, Query(description="Part of the name.")] = "",
    archived: Annotated[bool, Query(description="The hidden ones instead.")] = False,
    tags: Annotated[list[str] | None, Query(description="Any of these.")] = None,
    sort_by: SORTS = "name",
    sort_direction: Literal["asc", "desc"] = "asc",
    is_active: Annotated[bool | None, Query(description="The opposite of archived.")] = None,
    user_id: Annotated[str, Query(description="As it was given when they were made.")] = "",
    created_by_user_id: Annotated[str, Query(description="The same, as the SDK names it.")] = "",
    skip: Annotated[int, Query(ge=0, le=1_000_000, description="As the seed pages.")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=100, description="As the seed pages.")] = None,
) -> dict[str, Any]:
    """Pages follow by `cursor`; an agent that comes or goes in between moves no other."""
    return await asyncio.to_thread(
        page_of,
        lab,
        page_size=limit or page_size,
        cursor=cursor,
        skip=skip,
        search=search,
        archived=archived if is_active is None else not is_active,
        tags=tags or [],
        sort_by=sort_by,
        is_descending=sort_direction == "desc",
        user_id=user_id or created_by_user_id.replace("@me", ""),
    )


@router.get("/{agent_id}", responses=REPLY, response_model=None, summary="Get an agent")
async def get_agent(
    agent_id: str,
    lab: LabHere,
    response: Response,
    version_id: Annotated[int | None, Query(ge=1, description="As it was then.")] = None,
    include_deleted: bool = False,
) -> dict[str, Any]:
    """By id or name. The ETag is its version, for `If-Match` of a PATCH."""
    reply = await asyncio.to_thread(reply_of, lab, agent_id, version_id, include_deleted)
    response.headers["ETag"] = f'"{reply["version"]}"'
    return reply


@router.patch("/{agent_id}", responses=REPLY, response_model=None, summary="Change an agent")
async def change_agent(
    agent_id: str,
    body: AgentBody,
    lab: LabHere,
    desk: DeskHere,
    response: Response,
    if_match: Annotated[str | None, Header(description="Version it must be at.")] = None,
) -> dict[str, Any]:
    """Any part of it; the rest stays. A change makes a version, the old ones stay as they were."""
    change = read_change(body.told())
    agent = await asyncio.to_thread(_change, lab, agent_id, change, _version(if_match))
    if change.documents is not None:
        await desk.documents.replace(agent.id, document_ids(change))
    reply = await asyncio.to_thread(reply_of, lab, agent.id, None, True)
    response.headers["ETag"] = f'"{reply["version"]}"'
    return reply


def _change(lab: Lab, key: str, change: AgentChange, expected: int | None) -> Agent:
    """Change an agent; changes that come at the same time are made one after the other."""
    for _ in range(MOST_TRIES):
        with suppress(Conflict):
            return _change_once(lab, key, change, expected)
        if expected is not None:
            break
    return _change_once(lab, key, change, expected)


def _change_once(lab: Lab, key: str, change: AgentChange, expected: int | None) -> Agent:
    entry = lab.agents.entry(key, include_deleted=change.is_active is True)
    agent = entry.agent
    if expected not in (None, agent.version):
        raise Conflict(
            f"agent {agent.id!r} is at version {agent.version}, not {expected}: somebody else "
            "has changed it; load it again"
        )
    if change.user_id not in (None, entry.user_id):
        raise FieldError(("body", "user_id"), "user_id: it is set when the agent is made")
    wanted = applied(change, agent, lab.settings)
    check_tool_ids(change, lab, agent.id)
    check_documents(change, lab)
    if change.is_active is True and not entry.is_active:
        lab.agents.undelete(agent.id)
    changes = {
        field.name: getattr(wanted, field.name)
        for field in dataclasses.fields(Agent)
        if field.name not in ("id", "version")
        and getattr(wanted, field.name) != getattr(agent, field.name)
    }
    if changes:
        agent = lab.agents.update(agent.id, changes, AUTHOR, change.note, agent.version)
    if change.is_active is False:
        lab.agents.delete(agent.id)
    return agent


@router.delete("/{agent_id}", response_model=Done, summary="Hide an agent")
async def delete_agent(agent_id: str, lab: LabHere) -> dict[str, Any]:
    """It takes no more calls and is in no list. Its versions and conversations stay;
    PATCH with `is_active: true` brings it back."""
    await asyncio.to_thread(lab.agents.delete, agent_id)
    return {"success": True, "message": f"agent {agent_id} is hidden"}


@router.post("/{agent_id}/duplicate", response_model=AgentId, summary="Copy an agent")
async def duplicate(
    agent_id: str, lab: LabHere, name: Annotated[str | None, Body(embed=True)] = None
) -> dict[str, Any]:
    """The copy has an id and versions of its own; documents and tools are not copied."""

    def copy() -> Agent:
        entry = lab.agents.entry(agent_id)
        change = read_change({"name": name or f"{entry.agent.name} (copy)"[:100]})
        copied = applied(change, dataclasses.replace(entry.agent, id=""), lab.settings)
        note = f"copy of {entry.agent.id} at version {entry.agent.version}"
        return lab.agents.create(copied, AUTHOR, note, entry.user_id)

    made = await asyncio.to_thread(copy)
    return {"agent_id": made.id}


@router.get("/{agent_id}/link", response_model=AgentLink, summary="Where to talk to an agent")
async def link(agent_id: str, lab: LabHere, request: Request) -> dict[str, Any]:
    """The page of the browser phone for this agent."""
    agent = await asyncio.to_thread(lab.agents.get, agent_id)
    base = lab.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return {"agent_id": agent.id, "url": f"{base}/phone?agent_id={agent.id}"}


def document_ids(change: AgentChange) -> list[str]:
    return [str(document.get("id", "")) for document in change.documents or ()]


async def check_lists(change: AgentChange, lab: Lab, agent_id: str) -> None:
    """Refuse documents and tools that are not there, before anything is changed."""
    await asyncio.to_thread(check_tool_ids, change, lab, agent_id)
    await asyncio.to_thread(check_documents, change, lab)


def check_documents(change: AgentChange, lab: Lab) -> None:
    for document_id in document_ids(change):
        lab.documents.get(document_id)


def check_tool_ids(change: AgentChange, lab: Lab, agent_id: str) -> None:
    """A tool belongs to one agent: the list may repeat what is there, not change it."""
    if change.tool_ids is None:
        return
    have = {tool.id for tool in lab.tools.of(agent_id)} if agent_id else set()
    if set(change.tool_ids) != have:
        where = f"/v1/convai/agents/{agent_id or '{agent_id}'}/tools"
        told = f"add and remove tools with POST and DELETE {where}"
        raise FieldError(
            ("body", *TOOL_IDS), f"{'.'.join(TOOL_IDS)}: it is not what is there; {told}"
        )


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal():
        raise FieldError(("header", "If-Match"), "If-Match: give the version as GET's ETag has it")
    return int(text)
