"""Phone numbers of ours, and which agent answers each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from sdr_lab.api.agent_schemas import Done
from sdr_lab.api.agents import ready_lab
from sdr_lab.api.auth import KEY
from sdr_lab.api.errors import ERRORS, FieldError
from sdr_lab.errors import NotFound
from sdr_lab.lab import Lab

if TYPE_CHECKING:
    from sdr_lab.store.numbers import PhoneNumber

LabHere = Annotated[Lab, Depends(ready_lab)]

router = APIRouter(
    prefix="/v1/convai/phone-numbers",
    tags=["Phone numbers"],
    dependencies=[KEY],
    responses=ERRORS,
)

EXAMPLE: JsonDict = {"phone_number": "+13125550123", "label": "Main line", "agent_id": "maplewood"}


class NumberBody(BaseModel):
    """A number to add. Twilio's credentials are the server's own (TWILIO_*)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    phone_number: str | None = Field(None, description="E.164, or as it is written in the US.")
    label: str | None = Field(None, max_length=200)
    agent_id: str | None = Field(None, description="Who answers it: id or name.")
    provider: Literal["twilio"] = "twilio"
    sid: str | None = Field(None, description="The SDK sends Twilio's account; not used.")
    token: str | None = Field(None, description="The SDK sends Twilio's token; not kept.")
    region_config: dict[str, Any] | None = Field(None, description="Not used.")
    supports_inbound: bool = True
    supports_outbound: bool = True


class NumberPatch(BaseModel):
    """The parts of a number that change; null takes the agent or the label away."""

    model_config = ConfigDict(extra="forbid")

    label: str | None = Field(None, max_length=200)
    agent_id: str | None = None
    supports_inbound: bool | None = None
    supports_outbound: bool | None = None
    inbound_trunk_config: dict[str, Any] | None = Field(None, description="Not used.")
    outbound_trunk_config: dict[str, Any] | None = Field(None, description="Not used.")
    livekit_stack: str | None = Field(None, description="Not used.")


class AssignedAgent(BaseModel):
    agent_id: str
    agent_name: str


class NumberReply(BaseModel):
    """A number, with the SDK's names and the seed's."""

    phone_number_id: str
    phone_id: str = Field(description="The same; the seed's name.")
    phone_number: str
    label: str
    provider: str
    supports_inbound: bool
    supports_outbound: bool
    assigned_agent: AssignedAgent | None
    agent_id: str | None
    created_at: str
    created_at_unix_secs: int


def shown(lab: Lab, number: PhoneNumber) -> dict[str, Any]:
    """Return a number as clients see it. Blocks."""
    return {
        "phone_number_id": number.id,
        "phone_id": number.id,
        "phone_number": number.phone_number,
        "label": number.label,
        "provider": number.provider,
        "supports_inbound": number.supports_inbound,
        "supports_outbound": number.supports_outbound,
        "assigned_agent": assigned(lab, number.agent_id),
        "agent_id": number.agent_id,
        "created_at": number.created_at.isoformat(),
        "created_at_unix_secs": int(number.created_at.timestamp()),
    }


def assigned(lab: Lab, agent_id: str | None) -> dict[str, str] | None:
    if agent_id is None:
        return None
    try:
        name = lab.agents.entry(agent_id, include_deleted=True).agent.name
    except NotFound:
        return None
    return {"agent_id": agent_id, "agent_name": name}


@router.post("", response_model=NumberReply, summary="Add a phone number")
async def create(
    lab: LabHere,
    body: NumberBody | None = None,
    phone_number: Annotated[str | None, Query(description="As the seed sends it.")] = None,
    label: Annotated[str | None, Query(max_length=200, description="As the seed sends it.")] = None,
    agent_id: Annotated[str | None, Query(description="As the seed sends it.")] = None,
) -> dict[str, Any]:
    """From a body (the SDK) or from the query (the seed). Point the number's voice webhook at
    `PUBLIC_URL/voice/incoming` in Twilio's console."""
    body = body or NumberBody.model_validate({})
    number = body.phone_number or phone_number
    if not number:
        raise FieldError(("body", "phone_number"), "phone_number is missing: give E.164")

    def add() -> dict[str, Any]:
        made = lab.numbers.create(
            number,
            body.label or label or "",
            body.agent_id or agent_id or None,
            body.supports_inbound,
            body.supports_outbound,
        )
        return shown(lab, made)

    return await asyncio.to_thread(add)


@router.get("", response_model=list[NumberReply], summary="List phone numbers")
async def list_numbers(
    lab: LabHere, agent_id: str = "", provider: Literal["twilio", "sip_trunk", "exotel", ""] = ""
) -> list[dict[str, Any]]:
    """A bare list, oldest first."""

    def all_of_them() -> list[dict[str, Any]]:
        return [
            shown(lab, number)
            for number in lab.numbers.list()
            if agent_id in ("", number.agent_id) and provider in ("", number.provider)
        ]

    return await asyncio.to_thread(all_of_them)


@router.get("/{phone_number_id}", response_model=NumberReply, summary="Get a phone number")
async def get_number(phone_number_id: str, lab: LabHere) -> dict[str, Any]:
    """By its id or as it is dialled (+ written as %2B)."""
    return await asyncio.to_thread(lambda: shown(lab, lab.numbers.get(phone_number_id)))


@router.patch("/{phone_number_id}", response_model=NumberReply, summary="Change a phone number")
async def change(
    phone_number_id: str,
    lab: LabHere,
    body: NumberPatch | None = None,
    label: Annotated[str | None, Query(max_length=200, description="As the seed sends it.")] = None,
    agent_id: Annotated[
        str | None, Query(description='As the seed sends it; "" takes the agent away.')
    ] = None,
) -> dict[str, Any]:
    """Label, agent, and which way it is used."""
    if body is not None:
        changes = body.model_dump(
            exclude_unset=True,
            include={"label", "agent_id", "supports_inbound", "supports_outbound"},
        )
    else:
        given = {"label": label, "agent_id": agent_id}
        changes = {name: value for name, value in given.items() if value is not None}
    for name in ("supports_inbound", "supports_outbound"):
        if name in changes and changes[name] is None:
            raise FieldError(("body", name), f"{name}: got null, allowed: true or false")
    if changes.get("label", "") is None:
        changes["label"] = ""
    updated = await asyncio.to_thread(lambda: lab.numbers.update(phone_number_id, **changes))
    return await asyncio.to_thread(shown, lab, updated)


@router.delete("/{phone_number_id}", response_model=Done, summary="Remove a phone number")
async def delete(phone_number_id: str, lab: LabHere) -> dict[str, Any]:
    """It stays yours at Twilio; nobody answers it any more."""
    await asyncio.to_thread(lab.numbers.delete, phone_number_id)
    return {"success": True, "message": f"phone number {phone_number_id} is removed"}
