"""What Twilio tells about calls: in any order, repeated, late.

The store merges what is told (store/call_status.py). A running call is given orders only: it
ends by itself when its line closes.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from sdr_lab.call.inbox import EndNow
from sdr_lab.errors import Conflict, NotFound
from sdr_lab.live.incoming import Fields, give_up, needed, whole
from sdr_lab.live.prepared import ENDS, agent_of
from sdr_lab.live.voicemail import voicemail_order

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk
    from sdr_lab.store.folder import Status

log = logging.getLogger(__name__)

GOES_ON = {
    "queued": "initiated",
    "initiated": "initiated",
    "ringing": "initiated",
    "in-progress": "in-progress",
    "answered": "in-progress",
}
"""Twilio's `CallStatus` → ours; the ends of a call (`ENDS`) are called the same by both."""


async def on_status(desk: Desk, fields: Fields, key: str) -> None:
    """The status of a call has changed.

    Args:
        key: Conversation id from the callback's address; empty: the call is found by its SID.

    Raises:
        NotFound: there is no such call.
        BadInput: a field is missing.
    """
    status = _status(needed(fields, "CallStatus"))
    call_sid = needed(fields, "CallSid")
    if status is None:
        log.warning("call %s: unknown status %r", call_sid, fields["CallStatus"])
        return
    key = await _known(desk, key, call_sid)
    change = await asyncio.to_thread(
        desk.lab.calls.report,
        key,
        status,
        at=_moment(fields),
        sequence=whole(fields.get("SequenceNumber")),
        reason=_reason(fields),
        duration_s=whole(fields.get("CallDuration")),
        answered_by=fields.get("AnsweredBy", ""),
    )
    if not status.is_over:
        return
    desk.switchboard.forget(change.conversation_id)
    is_held = desk.switchboard.tell(change.conversation_id, EndNow("caller"))
    if change.ends_call and not is_held:  # it never came to a stream
        log.info("call %s: %s", change.conversation_id, change.after.words)
        work = desk.post_call.run(change.conversation_id)
        desk.background.start(work, f"after {change.conversation_id}")


async def on_amd(desk: Desk, fields: Fields, key: str) -> None:
    """Twilio has found out who answered. Raises like `on_status`."""
    from sdr_lab.store.folder import Status

    answered_by = needed(fields, "AnsweredBy")
    key = await _known(desk, key, needed(fields, "CallSid"))
    await asyncio.to_thread(
        desk.lab.calls.report,
        key,
        Status.IN_PROGRESS,
        at=_moment(fields),
        answered_by=answered_by,
    )
    row = await asyncio.to_thread(desk.lab.calls.get, key)
    agent = await asyncio.to_thread(agent_of, desk.lab, row)
    order = voicemail_order(agent, answered_by, row.variables)
    if order is None:
        return
    told = desk.switchboard.tell(row.id, order)  # else `prepare` finds it in the row
    when = "now" if told else "as soon as its stream is there"
    log.info("call %s answered by %s: %s %s", row.id, answered_by, type(order).__name__, when)


async def on_recording(desk: Desk, fields: Fields, key: str) -> None:
    """Twilio's own recording of a call is there, or has failed. Raises like `on_status`."""
    key = await _known(desk, key, needed(fields, "CallSid"))
    status = fields.get("RecordingStatus", "completed")
    if status != "completed":
        error = fields.get("ErrorCode", "")
        log.warning("call %s: recording %s %s", key, status, error)
        await asyncio.to_thread(desk.lab.calls.note, key, recording_status=status)
        return
    await asyncio.to_thread(
        desk.lab.calls.note,
        key,
        recording_status=status,
        recording_url=needed(fields, "RecordingUrl"),
        recording_sid=fields.get("RecordingSid", ""),
        recording_duration_s=whole(fields.get("RecordingDuration")),
    )


async def on_stream(desk: Desk, fields: Fields, key: str) -> None:
    """A media stream has begun, ended or failed. Raises like `on_status`."""
    key = await _known(desk, key, needed(fields, "CallSid"))
    event = needed(fields, "StreamEvent")
    noted = {"stream_sid": fields.get("StreamSid", "")}
    if event == "stream-error":
        noted["stream_error"] = fields.get("StreamError", "unknown")
        log.error("call %s: stream failed: %s", key, noted["stream_error"])
        desk.metrics.provider_failed("telephone", "twilio")
    await asyncio.to_thread(desk.lab.calls.note, key, **noted)
    if event == "stream-error" and desk.switchboard.find(key) is None:
        # It has not come (31920), and Twilio need not ask `/voice/after`: its TwiML just ends.
        desk.switchboard.forget(key)
        await give_up(desk, key, f"its stream failed: {noted['stream_error']}")


async def _known(desk: Desk, key: str, call_sid: str) -> str:
    """Return the key of a call, and see that its SID is kept and is the right one."""
    row = await asyncio.to_thread(desk.lab.calls.get, key or call_sid)
    if row.call_sid and row.call_sid != call_sid:
        raise NotFound(f"conversation {row.id} is not call {call_sid}")
    if not row.call_sid:
        try:
            await asyncio.to_thread(desk.lab.calls.set_call_sid, row.id, call_sid)
        except Conflict as error:
            raise NotFound(str(error)) from error
    return row.id


def _status(word: str) -> Status | None:
    from sdr_lab.store.folder import Status

    name = GOES_ON.get(word, word if word in ENDS else "")
    return Status(name) if name else None


def _moment(fields: Fields) -> datetime:
    """Return when it happened, as far as Twilio says so."""
    try:
        moment = parsedate_to_datetime(fields["Timestamp"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reason(fields: Fields) -> str:
    """Return why a call did not come about, in the network's words."""
    parts = [f"SIP {code}" for code in [fields.get("SipResponseCode", "")] if code]
    parts += [f"Twilio {code}" for code in [fields.get("ErrorCode", "")] if code]
    return ", ".join(parts)
