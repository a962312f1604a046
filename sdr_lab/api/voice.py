"""What Twilio asks and tells over HTTP. Nothing is looked at before its signature was checked."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.datastructures import FormData
from starlette.types import Message

from sdr_lab.api.errors import ERRORS, ApiError
from sdr_lab.api.state import desk_of
from sdr_lab.errors import BadInput, NotFound, SdrLabError
from sdr_lab.live import callbacks, incoming
from sdr_lab.live.desk import Desk
from sdr_lab.telephony.twiml import hangup_twiml, say_twiml

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""Twilio's forms have some 2 KB."""

SIGNATURE = "x-twilio-signature"
SETTINGS = "x-twilio-webhooks-signature-settings"

XML = {"application/xml": {"schema": {"type": "string"}, "example": hangup_twiml()}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    403: {"description": "`X-Twilio-Signature` is missing or wrong."},
    413: {"description": "The form is larger than 64 KB."},
    422: ERRORS[422],
}

router = APIRouter(
    prefix="/voice", tags=["Telephone"], responses=RESPONSES, default_response_class=Response
)

Key = Annotated[str, Query(alias="conversation_id", max_length=64)]
"""Which call it is about; in the address that we gave Twilio, so that it is signed too."""


async def signed_fields(request: Request) -> Mapping[str, str]:
    """Return what Twilio says, once it is certain that it is Twilio.

    Raises:
        ApiError: 403 for a wrong signature, 413 for a body that can't be Twilio's.
    """
    desk = await desk_of(request)
    form = await _form(request)
    query = request.url.query
    path = request.url.path + (f"?{query}" if query else "")
    headers = request.headers
    if not desk.signature.webhook(
        path, form, headers.get(SIGNATURE, ""), headers.get(SETTINGS, "")
    ):
        host = request.client.host if request.client else "unknown"
        log.warning("%s refused: %s from %s", request.url.path, _fault(request), host)
        desk.metrics.call_refused("signature")
        raise ApiError(403, "bad_signature", "not signed by Twilio")
    given = form if request.method == "POST" else request.query_params
    return {name: str(value) for name, value in given.items()}


Fields = Annotated[Mapping[str, str], Depends(signed_fields)]
TheDesk = Annotated[Desk, Depends(desk_of)]

Answer = Callable[[], Awaitable[str]]


@router.get("/incoming", include_in_schema=False)
@router.post("/incoming", summary="Somebody calls", responses={200: {"content": XML}})
async def voice_incoming(desk: TheDesk, fields: Fields) -> Response:
    """The webhook of a phone number: the number that was called selects the agent."""
    return await twiml(incoming.answer_incoming(desk, fields))


@router.get("/outbound", include_in_schema=False)
@router.post("/outbound", summary="Somebody answers", responses={200: {"content": XML}})
async def voice_outbound(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Asked for when a call that this server has placed is answered."""
    return await twiml(incoming.answer_outbound(desk, fields, key))


@router.get("/after", include_in_schema=False)
@router.post("/after", summary="A media stream is over", responses={200: {"content": XML}})
async def voice_after(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Hangs up, or does what was decided in the call."""
    return await twiml(incoming.answer_after(desk, fields, key))


@router.get("/dial", include_in_schema=False)
@router.post("/dial", summary="A transfer is over", responses={200: {"content": XML}})
async def voice_dial(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Notes how a transfer went."""
    return await twiml(incoming.answer_dial(desk, fields, key))


@router.get("/status", include_in_schema=False)
@router.post("/status", summary="The status of a call", status_code=204)
async def voice_status(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Status callback: initiated, ringing, answered, completed, in any order."""
    return await noted(callbacks.on_status(desk, fields, key))


@router.get("/amd", include_in_schema=False)
@router.post("/amd", summary="Who answered", status_code=204)
async def voice_amd(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Answering machine detection: a machine hears the message, or the call ends."""
    return await noted(callbacks.on_amd(desk, fields, key))


@router.get("/recording", include_in_schema=False)
@router.post("/recording", summary="Twilio's recording", status_code=204)
async def voice_recording(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Recording callback."""
    return await noted(callbacks.on_recording(desk, fields, key))


@router.get("/stream", include_in_schema=False)
@router.post("/stream", summary="A media stream begins, ends or fails", status_code=204)
async def voice_stream(desk: TheDesk, fields: Fields, key: Key = "") -> Response:
    """Stream callback."""
    return await noted(callbacks.on_stream(desk, fields, key))


async def twiml(answer: Awaitable[str]) -> Response:
    """Answer with TwiML whatever happens: an error page would be read as "application error"."""
    try:
        text = await answer
    except (BadInput, NotFound) as error:
        log.warning("hung up: %s", error)
        text = hangup_twiml()
    except SdrLabError as error:
        log.error("call not taken: %s", error)
        text = say_twiml(incoming.TROUBLE)
    except Exception:
        log.exception("call not taken")
        text = say_twiml(incoming.TROUBLE)
    return Response(text, media_type="application/xml")


async def noted(callback: Awaitable[None]) -> Response:
    """Take a callback. What is about no call of ours is none of Twilio's business."""
    try:
        await callback
    except BadInput as error:
        log.warning("callback ignored: %s", error)
    return Response(status_code=204)


async def _form(request: Request) -> FormData:
    if request.method != "POST":
        return FormData()
    size = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise ApiError(413, "too_large", f"a form may have {MOST_BYTES} bytes")
        chunks.append(chunk)

    async def again() -> Message:
        return {"type": "http.request", "body": b"".join(chunks), "more_body": False}

    return await Request(request.scope, again).form(max_files=0)


def _fault(request: Request) -> str:
    return "a wrong signature" if SIGNATURE in request.headers else "no signature"
