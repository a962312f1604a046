"""Every version of an agent: list, look at, compare, go back to."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from sdr_lab.api.agent_places import BY_FIELD
from sdr_lab.api.agent_schemas import AgentReply, VersionDiff, VersionList
from sdr_lab.api.agent_views import reply_of
from sdr_lab.api.agents import AUTHOR, REPLY, LabHere
from sdr_lab.api.auth import KEY
from sdr_lab.api.errors import ERRORS

router = APIRouter(
    prefix="/v1/convai/agents/{agent_id}/versions",
    tags=["Agents"],
    dependencies=[KEY],
    responses=ERRORS,
)

LARGEST = 2**31 - 1
Version = Annotated[int, Path(ge=1, le=LARGEST)]
Asked = Annotated[int, Query(ge=1, le=LARGEST)]


@router.get("", response_model=VersionList, summary="List the versions of an agent")
async def versions(agent_id: str, lab: LabHere) -> dict[str, Any]:
    """Newest first; also of a hidden agent."""
    entry = await asyncio.to_thread(lab.agents.entry, agent_id, True)
    found = await asyncio.to_thread(lab.agents.versions, entry.agent.id)
    return {
        "agent_id": entry.agent.id,
        "versions": [
            {
                "version": version.agent.version,
                "version_id": str(version.agent.version),
                "is_current": version.agent.version == entry.agent.version,
                "author": version.author,
                "note": version.note,
                "created_at": version.created_at.isoformat(),
                "created_at_unix_secs": int(version.created_at.timestamp()),
            }
            for version in found
        ],
    }


@router.get("/diff", response_model=VersionDiff, summary="Compare two versions")
async def diff(agent_id: str, lab: LabHere, old: Asked, new: Asked) -> dict[str, Any]:
    """The fields that differ, by their flat names."""
    changes = await asyncio.to_thread(lab.agents.diff, agent_id, old, new)
    return {
        "agent_id": (await asyncio.to_thread(lab.agents.entry, agent_id, True)).agent.id,
        "old": old,
        "new": new,
        "changes": [
            {
                "field": BY_FIELD[c.field].flat if c.field in BY_FIELD else c.field,
                "old": c.old,
                "new": c.new,
                "lines": c.lines(),
            }
            for c in changes
        ],
    }


@router.get("/{version}", responses=REPLY, response_model=None, summary="Get an agent as it was")
async def get_version(agent_id: str, version: Version, lab: LabHere) -> dict[str, Any]:
    """Tools, documents and phone numbers are those of now: they have no versions."""
    return await asyncio.to_thread(reply_of, lab, agent_id, version, True)


@router.post("/{version}/restore", response_model=AgentReply, summary="Go back to a version")
async def restore(agent_id: str, version: Version, lab: LabHere) -> dict[str, Any]:
    """The old version becomes the newest one; nothing is lost."""
    agent = await asyncio.to_thread(lab.agents.restore, agent_id, version, AUTHOR)
    return await asyncio.to_thread(reply_of, lab, agent.id)
