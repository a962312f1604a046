"""Web services that one agent may call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from sdr_lab.agents.web_tool import check_web_tool
from sdr_lab.api.auth import KEY
from sdr_lab.api.conversation_schemas import Done
from sdr_lab.api.errors import ERRORS
from sdr_lab.api.odd_json import refuse_odd
from sdr_lab.api.state import lab_of
from sdr_lab.errors import NotFound
from sdr_lab.lab import Lab
from sdr_lab.live.prepared import agent_named
from sdr_lab.records import WebTool

router = APIRouter(
    prefix="/v1/convai/agents/{agent_id}/tools",
    tags=["Tools"],
    dependencies=[KEY],
    responses=ERRORS,
)

HIDDEN = "***"
"""Instead of the values of headers, which may be secrets."""

AgentKey = Annotated[str, Path(max_length=128, description="Id or name.", examples=["maplewood"])]
ToolId = Annotated[str, Path(max_length=64, examples=["tool_0a1b2c3d4e5f60718293"])]
AnyLab = Annotated[Lab, Depends(lab_of)]

EXAMPLE = {
    "name": "check_warranty",
    "description": "Look up whether a serial number is under warranty.",
    "url": "https://crm.example.com/api/warranty",
    "method": "POST",
    "headers": {"Authorization": "Bearer …"},
    "parameters": {
        "type": "object",
        "properties": {"serial": {"type": "string", "description": "The serial number."}},
        "required": ["serial"],
    },
    "timeout_s": 5,
    "confirm": False,
}


class ToolRequest(BaseModel):
    """A web service as a tool."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    name: str = Field(
        max_length=64,
        validation_alias=AliasChoices("name", "tool_name"),
        description="a-z, 0-9 and _; not that of a built-in tool. `tool_name` is taken as well.",
    )
    description: str = Field(
        max_length=1000, description="Tells the model what it does and when to use it."
    )
    url: str = Field(
        max_length=2048,
        validation_alias=AliasChoices("url", "webhook_url"),
        description="https, to a public address; no redirect is followed. `webhook_url` is taken "
        "as well.",
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, str] = Field(
        default_factory=dict, max_length=20, description="Sent with every request; never shown."
    )
    parameters: dict[str, Any] = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="JSON schema of the arguments; what a model gives is checked against it. Also "
        'in short: `{"city": {"type": "string", "required": true}}`.',
    )
    timeout_s: float = Field(
        10,
        ge=0.5,
        le=30,
        validation_alias=AliasChoices("timeout_s", "timeout_secs", "timeout"),
    )
    confirm: bool = Field(False, description="Ask the caller before it runs.")

    @field_validator("parameters")
    @classmethod
    def as_schema(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        return schema_of(parameters)


class ToolReply(BaseModel):
    """A tool. The values of its headers are not shown."""

    tool_id: str
    id: str
    agent_id: str
    type: Literal["webhook"] = "webhook"
    name: str
    tool_name: str = Field(description="The same; the seed's name.")
    description: str
    url: str
    webhook_url: str = Field(description="The same; the seed's name.")
    method: str
    headers: dict[str, str]
    parameters: dict[str, Any]
    timeout_s: float
    confirm: bool


class ToolList(BaseModel):
    """The tools of an agent."""

    agent_id: str
    tools: list[ToolReply]
    total: int
    built_in: list[str] = Field(description="Built-in tools that are switched on.")


@router.post("", response_model=ToolReply, summary="Give an agent a tool")
async def create(agent_id: AgentKey, request: ToolRequest, lab: AnyLab) -> JSONResponse:
    """New calls have it."""
    refuse_odd({"parameters": request.parameters})
    tool = WebTool(**request.model_dump())
    check_web_tool(tool, lab.settings.insecure_private_webhooks)
    agent = await asyncio.to_thread(agent_named, lab, agent_id)
    return JSONResponse(shown(agent.id, await asyncio.to_thread(lab.tools.create, agent.id, tool)))


@router.get("", response_model=ToolList, summary="List the tools of an agent")
async def list_tools(agent_id: AgentKey, lab: AnyLab) -> JSONResponse:
    """Its own and the built-in ones."""
    agent = await asyncio.to_thread(agent_named, lab, agent_id)
    found = await asyncio.to_thread(lab.tools.of, agent.id)
    return JSONResponse(
        {
            "agent_id": agent.id,
            "tools": [shown(agent.id, tool) for tool in found],
            "total": len(found),
            "built_in": list(agent.tools),
        }
    )


@router.get("/{tool_id}", response_model=ToolReply, summary="One tool")
async def get_tool(agent_id: AgentKey, tool_id: ToolId, lab: AnyLab) -> JSONResponse:
    """Without the values of its headers."""
    agent = await asyncio.to_thread(agent_named, lab, agent_id)
    owner, tool = await asyncio.to_thread(lab.tools.get, tool_id)
    if owner != agent.id:
        raise NotFound(f"agent {agent.id!r} has no tool {tool_id!r}")
    return JSONResponse(shown(agent.id, tool))


@router.delete("/{tool_id}", response_model=Done, summary="Take a tool away from an agent")
async def delete(agent_id: AgentKey, tool_id: ToolId, lab: AnyLab) -> JSONResponse:
    """Calls that are going on keep it."""
    agent = await asyncio.to_thread(agent_named, lab, agent_id)
    await asyncio.to_thread(lab.tools.delete, agent.id, tool_id)
    return JSONResponse({"success": True})


def schema_of(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of parameters that are given in short, by name; a schema as it is.

    >>> schema_of({"city": {"type": "string", "required": True}})["required"]
    ['city']
    """
    in_short = all(isinstance(value, Mapping) for value in parameters.values())
    if not in_short or "properties" in parameters:
        return parameters
    bare = {
        name: {key: value for key, value in rule.items() if key != "required"}
        for name, rule in parameters.items()
    }
    needed = [name for name, rule in parameters.items() if rule.get("required") is True]
    return {"type": "object", "properties": bare, "required": needed}


def shown(agent_id: str, tool: WebTool) -> dict[str, Any]:
    """Return a tool as everybody may see it."""
    return {
        "tool_id": tool.id,
        "id": tool.id,
        "agent_id": agent_id,
        "type": "webhook",
        "name": tool.name,
        "tool_name": tool.name,
        "description": tool.description,
        "url": tool.url,
        "webhook_url": tool.url,
        "method": tool.method,
        "headers": hidden(tool.headers),
        "parameters": dict(tool.parameters),
        "timeout_s": tool.timeout_s,
        "confirm": tool.confirm,
    }


def hidden(headers: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(headers, HIDDEN)
