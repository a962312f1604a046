"""Calls: list, detail, sound, feedback, end, delete. An id or a call SID names a call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from sdr_lab.api.auth import KEY
from sdr_lab.api.call_audio import MulawFile, PcmFile, Recording
from sdr_lab.api.conversation_schemas import (
    CallQuery,
    ConversationDetail,
    ConversationPage,
    Done,
    EndReply,
    EndRequest,
    FeedbackRequest,
)
from sdr_lab.api.errors import ERRORS
from sdr_lab.api.ranges import ranged
from sdr_lab.api.state import desk_of, lab_of
from sdr_lab.call.inbox import EndNow, SayGoodbye
from sdr_lab.errors import Conflict
from sdr_lab.lab import Lab
from sdr_lab.live.account import account, summary
from sdr_lab.store.folder import Conversation, Status

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk

log = logging.getLogger(__name__)

router = APIRouter(
    prefix="/v1/convai/conversations",
    tags=["Conversations"],
    dependencies=[KEY],
    responses=ERRORS,
)

CallKey = Annotated[
    str,
    Path(
        description="Conversation id or call SID.",
        max_length=128,
        examples=["conv_0a1b2c3d4e5f60718293"],
    ),
]
AnyLab = Annotated[Lab, Depends(lab_of)]

WAV = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}
AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"content": WAV, "description": "All of it."},
    206: {"content": WAV, "description": "The range that was asked for."},
    304: {"description": "As the client knows it (`If-None-Match`)."},
    416: {"description": "There is no such range."},
}
SOUND: dict[str, Any] = {"response_class": Response, "responses": AUDIO}


@router.get("", response_model=ConversationPage, summary="List calls, newest first")
async def list_conversations(lab: AnyLab, wish: Annotated[CallQuery, Query()]) -> JSONResponse:
    """Calls of one or all agents. `summary_mode=include` adds the transcripts' summaries."""

    def work() -> dict[str, Any]:
        page = lab.calls.list(wish.which, wish.limit or wish.page_size, wish.cursor, wish.skip)
        counts = lab.calls.message_counts([call.id for call in page.calls])
        return {
            "conversations": [
                listed(call, counts.get(call.id, 0), wish.summary_mode) for call in page.calls
            ],
            "next_cursor": page.next_cursor or None,
            "has_more": bool(page.next_cursor),
            "total": lab.calls.count(wish.which),
        }

    return JSONResponse(await asyncio.to_thread(work))


@router.get("/{conversation_id}", response_model=ConversationDetail, summary="All about a call")
async def get_conversation(conversation_id: CallKey, lab: AnyLab) -> JSONResponse:
    """Transcript with times, interruptions, tools and latencies; metadata; analysis.

    A call that is going on shows what has been said so far.
    """
    return JSONResponse(await asyncio.to_thread(account, lab, conversation_id))


@router.delete("/{conversation_id}", response_model=Done, summary="Delete a call")
async def delete_conversation(conversation_id: CallKey, lab: AnyLab) -> JSONResponse:
    """Its row, its transcript and its recording. A call that is going on must be ended first."""
    await asyncio.to_thread(lab.calls.delete, conversation_id)
    return JSONResponse({"success": True})


@router.get("/{conversation_id}/audio", summary="The recording of a call", **SOUND)
@router.head("/{conversation_id}/audio", summary="How large a recording is", **SOUND)
async def get_audio(
    request: Request,
    conversation_id: CallKey,
    lab: AnyLab,
    format: Annotated[
        Literal["pcm", "mulaw"], Query(description="16-bit samples, or µ-law as recorded.")
    ] = "pcm",
) -> Response:
    """Our own recording, stereo 8 kHz WAV: the caller left, the agent right, as they were heard."""
    call = await asyncio.to_thread(lab.calls.get, conversation_id)
    return await own_audio(request, call, format)


@router.get("/{conversation_id}/recording", summary="Twilio's recording, or ours", **SOUND)
@router.head("/{conversation_id}/recording", summary="Whose recording there is", **SOUND)
async def get_recording(
    request: Request, conversation_id: CallKey, desk: Annotated[Any, Depends(desk_of)]
) -> Response:
    """Twilio's recording when the call has one, else ours."""
    call = await asyncio.to_thread(desk.lab.calls.get, conversation_id)
    url = call.metadata.get("recording_url")
    if not url or not desk.twilio.configured:
        return await own_audio(request, call, "pcm")
    return await twilio_audio(request, desk, f"{url}.wav")


@router.post("/{conversation_id}/feedback", response_model=Done, summary="Like or dislike a call")
async def give_feedback(
    conversation_id: CallKey, request: FeedbackRequest, lab: AnyLab
) -> JSONResponse:
    """The last verdict counts."""
    await asyncio.to_thread(lab.calls.set_feedback, conversation_id, request.feedback)
    return JSONResponse({"success": True})


@router.post("/{conversation_id}/end", response_model=EndReply, summary="End a call that is on")
async def end_call(
    conversation_id: CallKey,
    desk: Annotated[Any, Depends(desk_of)],
    request: EndRequest | None = None,
) -> JSONResponse:
    """The agent says goodbye and hangs up; or hangs up at once (`say_goodbye: false`)."""
    wish = request or EndRequest()  # type: ignore[call-arg]
    call = await asyncio.to_thread(desk.lab.calls.get, conversation_id)
    order = SayGoodbye(wish.reason) if wish.say_goodbye else EndNow(wish.reason)
    if desk.switchboard.tell(call.id, order):
        return JSONResponse(ended(call, "told to say goodbye" if wish.say_goodbye else "hung up"))
    if call.status is Status.INITIATED and call.call_sid and desk.twilio.configured:
        await desk.twilio.hang_up(call.call_sid)  # it rings
        return JSONResponse(ended(call, "no longer rings"))
    raise Conflict(f"call {call.id} is not going on here: it is {call.status.words}")


def ended(call: Conversation, what: str) -> dict[str, Any]:
    return {"success": True, "conversation_id": call.id, "message": f"the call {what}"}


def listed(call: Conversation, count: int, summary_mode: str) -> dict[str, Any]:
    row = summary(call, count)
    if summary_mode == "exclude":
        row["transcript_summary"] = None
    return row


async def own_audio(request: Request, call: Conversation, format: str) -> Response:
    """Answer with our recording of a call."""
    path = call.folder / "audio.wav" if call.folder else None
    recording = await asyncio.to_thread(Recording.open, path)
    content = PcmFile(recording) if format == "pcm" else MulawFile(recording)
    name = f'inline; filename="{call.id}.wav"'
    return ranged(request, content, {"Content-Disposition": name, "X-Recording-Source": "own"})


async def twilio_audio(request: Request, desk: Desk, url: str) -> Response:
    """Answer with Twilio's recording, passed on as it comes: whole, without ranges."""
    headers = {"X-Recording-Source": "twilio", "Accept-Ranges": "none"}
    if request.method == "HEAD":
        return Response(headers=headers, media_type="audio/wav")
    pieces = desk.twilio.recording(url)
    first = await anext(pieces, b"")  # what Twilio refuses becomes an error, not half a reply

    async def all_pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(all_pieces(), headers=headers, media_type="audio/wav")
