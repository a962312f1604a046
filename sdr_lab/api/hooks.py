"""Webhooks: who is told about calls, what was sent, what did not arrive."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from sdr_lab.agents.public_web import check_url
from sdr_lab.api.auth import KEY
from sdr_lab.api.conversation_schemas import Done
from sdr_lab.api.errors import ERRORS, FieldError
from sdr_lab.api.state import desk_of, lab_of
from sdr_lab.errors import BadInput, Refused
from sdr_lab.lab import Lab
from sdr_lab.live.account import iso
from sdr_lab.live.hook_events import HOOK_EVENTS

if TYPE_CHECKING:
    from sdr_lab.store.hook_rows import Delivery, Webhook

router = APIRouter(
    prefix="/v1/convai/webhooks", tags=["Webhooks"], dependencies=[KEY], responses=ERRORS
)

ALL = "*"

EXAMPLE = {
    "url": "https://crm.example.com/hooks/sdr",
    "events": ["call.ended", "post_call_transcription"],
}

SECRET_SHOWN = 4
"""Last characters of a secret that lists show, to tell secrets apart."""

HookId = Annotated[str, Path(max_length=64, examples=["hook_0a1b2c3d4e5f60718293"])]
DeliveryId = Annotated[str, Path(max_length=64, examples=["dlv_0a1b2c3d4e5f60718293"])]
AnyLab = Annotated[Lab, Depends(lab_of)]
AnyDesk = Annotated[Any, Depends(desk_of)]

EVENTS_HELP = f"Of: {', '.join(HOOK_EVENTS)}; `*` is all of them."


class HookCreate(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    url: str = Field(
        max_length=2048,
        validation_alias=AliasChoices("url", "webhook_url"),
        description="https, to a public address. `webhook_url` is taken as well.",
    )
    events: list[str] = Field([ALL], min_length=1, max_length=20, description=EVENTS_HELP)
    secret: str = Field(
        "", max_length=256, description="What messages are signed with; empty: one is made."
    )
    agent_id: str | None = Field(
        None, max_length=128, description="Only calls of this agent; none: of all."
    )

    @field_validator("events")
    @classmethod
    def known(cls, events: list[str]) -> list[str]:
        return checked_events(events)

    @field_validator("secret")
    @classmethod
    def long_enough(cls, secret: str) -> str:
        return checked_secret(secret)


class HookChange(BaseModel):
    """What is to change."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"is_active": False}})

    url: str | None = Field(
        None, max_length=2048, validation_alias=AliasChoices("url", "webhook_url")
    )
    events: list[str] | None = Field(None, min_length=1, max_length=20, description=EVENTS_HELP)
    secret: str | None = Field(None, max_length=256, description="Empty: a new one is made.")
    agent_id: str | None = Field(None, max_length=128, description="null: calls of all agents.")
    is_active: bool | None = None

    @field_validator("events")
    @classmethod
    def known(cls, events: list[str] | None) -> list[str] | None:
        return None if events is None else checked_events(events)

    @field_validator("secret")
    @classmethod
    def long_enough(cls, secret: str | None) -> str | None:
        return None if secret is None else checked_secret(secret)


class HookReply(BaseModel):
    """A webhook."""

    webhook_id: str
    url: str
    webhook_url: str = Field(description="The same.")
    events: list[str]
    agent_id: str | None
    is_active: bool
    created_at: str
    created_at_unix_secs: int
    secret_hint: str = Field(description="The last characters of its secret.")
    secret: str | None = Field(None, description="Only when it is made or changed.")


class HookList(BaseModel):
    """All webhooks."""

    webhooks: list[HookReply]
    total: int


class PingReply(BaseModel):
    """What came of a test."""

    success: bool
    status: int | None = Field(description="HTTP status of the answer; none: there was no answer.")
    error: str | None
    took_ms: float


class DeliveryReply(BaseModel):
    """A message to a webhook."""

    delivery_id: str
    webhook_id: str
    event: str
    conversation_id: str | None
    url: str
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    last_status: int | None
    last_error: str | None
    next_try_at: str | None
    created_at: str
    delivered_at: str | None


class DeliveryListReply(BaseModel):
    """Messages, newest first."""

    deliveries: list[DeliveryReply]
    next_cursor: str | None
    has_more: bool


class DeliveryDetail(DeliveryReply):
    """A message with what is sent."""

    body: str


@router.post("", response_model=HookReply, summary="Add a webhook")
async def create(request: HookCreate, lab: AnyLab) -> JSONResponse:
    """The reply holds the secret, now and never again: `construct_event` of the official SDK
    checks messages with it."""
    refuse_bad_url(request.url, lab)
    hook = await asyncio.to_thread(
        lab.hooks.create, request.url, request.events, request.secret, request.agent_id
    )
    return JSONResponse(shown(hook) | {"secret": hook.secret})


@router.get("", response_model=HookList, summary="List webhooks")
async def list_hooks(
    lab: AnyLab, agent_id: Annotated[str | None, Query(max_length=128)] = None
) -> JSONResponse:
    """With `agent_id` only those that are for this agent alone."""
    found = await asyncio.to_thread(lab.hooks.list, agent_id)
    return JSONResponse({"webhooks": [shown(hook) for hook in found], "total": len(found)})


@router.get("/deliveries", response_model=DeliveryListReply, summary="List what was sent")
async def list_deliveries(
    lab: AnyLab,
    status: Literal["pending", "delivered", "dead"] | None = None,
    webhook_id: Annotated[str | None, Query(max_length=64)] = None,
    page_size: Annotated[int, Query(ge=1, le=100)] = 30,
    cursor: Annotated[str, Query(max_length=512)] = "",
) -> JSONResponse:
    """`status=dead`: those given up after many tries; send them again when the receiver is well."""
    page = await asyncio.to_thread(lab.deliveries.list, status, webhook_id, page_size, cursor)
    return JSONResponse(
        {
            "deliveries": [shown_delivery(delivery) for delivery in page.deliveries],
            "next_cursor": page.next_cursor or None,
            "has_more": bool(page.next_cursor),
        }
    )


@router.get("/deliveries/{delivery_id}", response_model=DeliveryDetail, summary="One message")
async def get_delivery(delivery_id: DeliveryId, lab: AnyLab) -> JSONResponse:
    """With its body."""
    delivery = await asyncio.to_thread(lab.deliveries.get, delivery_id)
    return JSONResponse(shown_delivery(delivery) | {"body": delivery.body})


@router.post(
    "/deliveries/{delivery_id}/resend", response_model=DeliveryReply, summary="Send a message again"
)
async def resend(delivery_id: DeliveryId, desk: AnyDesk) -> JSONResponse:
    """With fresh tries, whatever became of it before."""
    delivery = await asyncio.to_thread(desk.lab.deliveries.resend, delivery_id)
    desk.hooks.wake()
    return JSONResponse(shown_delivery(delivery))


@router.get("/{webhook_id}", response_model=HookReply, summary="One webhook")
async def get_hook(webhook_id: HookId, lab: AnyLab) -> JSONResponse:
    """Without its secret."""
    return JSONResponse(shown(await asyncio.to_thread(lab.hooks.get, webhook_id)))


@router.patch("/{webhook_id}", response_model=HookReply, summary="Change a webhook")
async def change(webhook_id: HookId, request: HookChange, desk: AnyDesk) -> JSONResponse:
    """What waits goes to the new address, with the new secret."""
    changes = {name: getattr(request, name) for name in request.model_fields_set}
    for name in ("url", "events", "is_active", "secret"):
        if name in changes and changes[name] is None:
            raise FieldError(("body", name), f"{name}: null is not allowed")
    if "url" in changes:
        refuse_bad_url(changes["url"], desk.lab)
    hook = await asyncio.to_thread(lambda: desk.lab.hooks.update(webhook_id, **changes))
    desk.hooks.wake()
    secret = {"secret": hook.secret} if "secret" in changes else {}
    return JSONResponse(shown(hook) | secret)


@router.delete("/{webhook_id}", response_model=Done, summary="Delete a webhook")
async def delete(webhook_id: HookId, lab: AnyLab) -> JSONResponse:
    """And everything that waits for it."""
    await asyncio.to_thread(lab.hooks.delete, webhook_id)
    return JSONResponse({"success": True})


@router.post("/{webhook_id}/test", response_model=PingReply, summary="Send a test event now")
async def test(webhook_id: HookId, desk: AnyDesk) -> JSONResponse:
    """One signed event `ping`, sent once; the reply says what the receiver answered."""
    hook = await asyncio.to_thread(desk.lab.hooks.get, webhook_id)
    attempt = await desk.hooks.ping(hook)
    return JSONResponse(
        {
            "success": attempt.ok,
            "status": attempt.status,
            "error": attempt.error or None,
            "took_ms": attempt.took_ms,
        }
    )


def checked_events(events: list[str]) -> list[str]:
    if unknown := [name for name in events if name != ALL and name not in HOOK_EVENTS]:
        raise ValueError(f"got {unknown[0]!r}, allowed: *, {', '.join(HOOK_EVENTS)}")
    return events


def checked_secret(secret: str) -> str:
    if secret and len(secret) < 16:
        raise ValueError(f"got {len(secret)} characters, allowed: 16 or more, or empty")
    return secret


def refuse_bad_url(url: str, lab: Lab) -> None:
    """Raise FieldError for what can never be called."""
    try:
        check_url(url, lab.settings.insecure_private_webhooks)
    except (BadInput, Refused) as error:
        raise FieldError(("body", "url"), str(error)) from error


def shown(hook: Webhook) -> dict[str, Any]:
    return {
        "webhook_id": hook.id,
        "url": hook.url,
        "webhook_url": hook.url,
        "events": list(hook.events),
        "agent_id": hook.agent_id,
        "is_active": hook.is_active,
        "created_at": iso(hook.created_at),
        "created_at_unix_secs": int(hook.created_at.timestamp()),
        "secret_hint": f"…{hook.secret[-SECRET_SHOWN:]}",
    }


def shown_delivery(delivery: Delivery) -> dict[str, Any]:
    waits: datetime | None = delivery.next_try_at if delivery.status == "pending" else None
    from sdr_lab.store.hook_rows import conversation_in

    return {
        "delivery_id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event": delivery.event,
        "conversation_id": conversation_in(delivery.body) or None,
        "url": delivery.url,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "next_try_at": iso(waits),
        "created_at": iso(delivery.created_at),
        "delivered_at": iso(delivery.delivered_at),
    }
