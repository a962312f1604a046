"""Placing calls over Twilio."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from sdr_lab.agents.overrides import Overrides
from sdr_lab.api.auth import KEY
from sdr_lab.api.errors import ERRORS, about_field
from sdr_lab.api.initiation import InitiationData
from sdr_lab.api.state import desk_of
from sdr_lab.live.desk import Desk
from sdr_lab.live.incoming import OwnCall, answer_own
from sdr_lab.live.outbound import OutboundRequest, place_call
from sdr_lab.telephony.numbers import e164

router = APIRouter(prefix="/v1/convai/twilio", tags=["Calls"], dependencies=[KEY], responses=ERRORS)

OVERRIDE = "conversation_initiation_client_data.conversation_config_override"

TheDesk = Annotated[Desk, Depends(desk_of)]
TWILIO: dict[int | str, dict[str, Any]] = {
    502: {"description": "Twilio failed or refused our account; `twilio_code` says why."},
    504: {"description": "Twilio did not answer in time; the call may ring all the same."},
}


class TelephonyConfig(BaseModel):
    ringing_timeout_secs: int | None = Field(default=None, ge=5, le=600)


class OutboundCall(BaseModel):
    """The SDK's fields, and those of the seed beside them."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field(max_length=255, examples=["maplewood"])
    to_number: str = Field(max_length=40, examples=["+15551234567"])
    agent_phone_number_id: str = Field(
        default="",
        max_length=64,
        validation_alias=AliasChoices("agent_phone_number_id", "from_number"),
        description="Id of a stored number, or the number; empty: the agent's own, else "
        "TWILIO_PHONE_NUMBER.",
    )
    conversation_initiation_client_data: InitiationData = Field(default_factory=InitiationData)
    call_recording_enabled: bool = Field(
        default=False,
        validation_alias=AliasChoices("call_recording_enabled", "enable_recording"),
        description="Twilio records as well. This server always keeps its own recording.",
    )
    telephony_call_config: TelephonyConfig = Field(default_factory=TelephonyConfig)
    first_message: str | None = Field(default=None, description="Instead of the agent's own.")
    dynamic_variables: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, max_length=200
    )

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, body: Any) -> Any:
        """Take null as left out: clients write all their fields."""
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if value is not None}

    def request(self) -> OutboundRequest:
        """Return what is to be done.

        Raises:
            BadInput: a value is not allowed.
        """
        data = self.conversation_initiation_client_data
        with about_field(OVERRIDE):
            changes = data.overrides().to_dict()
        if self.first_message is not None:
            changes["first_message"] = self.first_message
        with about_field("first_message"):
            overrides = Overrides.of(changes)
        more = InitiationData(dynamic_variables=self.dynamic_variables)
        return OutboundRequest(
            agent_id=self.agent_id,
            to_number=self.to_number,
            from_number=self.agent_phone_number_id,
            variables={**more.variables, **data.variables},
            overrides=overrides,
            recording=self.call_recording_enabled,
            ring_s=self.telephony_call_config.ringing_timeout_secs,
            metadata={"user_id": data.user_id} if data.user_id else {},
        )


class OutboundReply(BaseModel):
    success: bool = True
    message: str = "Call initiated"
    conversation_id: str
    callSid: str  # noqa: N815 (the SDK's own spelling)
    call_sid: str
    agent_id: str
    phone_number: str = Field(description="Whom it calls, E.164.")
    status: Literal["initiated"] = "initiated"


@router.post("/outbound-call", summary="Place a call", responses=TWILIO)
async def outbound_call(body: OutboundCall, desk: TheDesk) -> OutboundReply:
    """Dial a number; the agent talks to whoever answers. Numbers on the do-not-call list are
    refused (403, `do_not_call`). With an `Idempotency-Key` a repeated request dials once."""
    placed = await place_call(desk, body.request())
    return OutboundReply(
        conversation_id=placed.conversation_id,
        callSid=placed.call_sid,
        call_sid=placed.call_sid,
        agent_id=placed.agent_id,
        phone_number=placed.phone_number,
    )


class RegisterCall(BaseModel):
    agent_id: str = Field(max_length=255)
    from_number: str = Field(max_length=40)
    to_number: str = Field(max_length=40)
    direction: Literal["inbound", "outbound"] = "inbound"
    conversation_initiation_client_data: InitiationData = Field(default_factory=InitiationData)


@router.post(
    "/register-call",
    summary="Get TwiML for a call of your own",
    response_class=Response,
    responses={200: {"content": {"application/xml": {"schema": {"type": "string"}}}}},
)
async def register_call(body: RegisterCall, desk: TheDesk) -> Response:
    """For calls that your own program handles: answer Twilio's webhook with this TwiML, and the
    caller talks to the agent. Its stream is let in by Twilio's signature and a token that is good
    for one connection."""
    data = body.conversation_initiation_client_data
    with about_field(OVERRIDE):
        overrides = data.overrides()
    call = OwnCall(
        agent_id=body.agent_id,
        from_number=e164(body.from_number, field="from_number"),
        to_number=e164(body.to_number),
        direction=body.direction,
        variables=data.variables,
        overrides=overrides,
        metadata={"user_id": data.user_id} if data.user_id else {},
    )
    return Response(await answer_own(desk, call), media_type="application/xml")
