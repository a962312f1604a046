"""The account of a call, as the API and the post-call webhook give it.

Names and shapes are those of the official SDK (`status`, `transcript`, unix seconds); the seed's
values stand beside them (`call_status`, `transcript_text`, ISO times).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sdr_lab.call.transcript import transcript_text
from sdr_lab.errors import BadInput, NotFound
from sdr_lab.events import Event, PassagesFound, read_events
from sdr_lab.lab import Lab
from sdr_lab.live.transcripts import entries, stored_entries
from sdr_lab.store.folder import Conversation, Status, read_call_json

DONE = (Status.COMPLETED, Status.VOICEMAIL)

PROCESSING_S = 120
"""A live call that is over waits so long for its analysis before it counts as done without."""

LIVE_LINES = ("twilio", "browser", "convai")

WAV_HEADER_BYTES = 58

NOTED = ("stream_sid", "answered_by", "recording_url", "recording_sid", "feedback", "user_id")
"""Metadata of the server itself; the rest is the client's own."""

OVERRIDES = {
    "prompt": ("agent", "prompt", "prompt"),
    "model": ("agent", "prompt", "llm"),
    "first_message": ("agent", "first_message"),
    "language": ("agent", "language"),
    "voice": ("tts", "voice_id"),
    "tts_provider": ("tts", "provider"),
    "llm_provider": ("agent", "prompt", "llm_provider"),
}
"""Field of `agents.overrides.Overrides` → place in `conversation_config_override`."""


def sdk_status(call: Conversation, now: datetime | None = None) -> str:
    """Return the status in the words of the SDK: initiated, in-progress, processing, done, failed.

    `processing`: it is over, its analysis is not there yet.
    """
    if not call.status.is_over:
        return str(call.status)
    if call.status not in DONE:
        return "failed"
    waits = call.line in LIVE_LINES and not call.analysis and call.ended_at is not None
    if waits and call.ended_at is not None:
        since_s = ((now or datetime.now(UTC)) - call.ended_at).total_seconds()
        return "processing" if since_s < PROCESSING_S else "done"
    return "done"


def call_successful(call: Conversation) -> str:
    """Return `success`, `failure` or `unknown`."""
    if call.status.is_over and call.status not in DONE:
        return "failure"
    return str(call.analysis.get("call_successful") or "unknown")


def duration_s(call: Conversation) -> float:
    """Return how long the call lasted, up to now when it goes on; seconds."""
    if call.duration_ms is not None:
        return call.duration_ms / 1000
    if call.status is Status.IN_PROGRESS:
        return max(0.0, (datetime.now(UTC) - call.started_at).total_seconds())
    return 0.0


def summary(call: Conversation, message_count: int = 0) -> dict[str, Any]:
    """Return a call as it stands in lists."""
    analysis = call.analysis
    return {
        "agent_id": call.agent_id,
        "agent_name": call.agent_name,
        "conversation_id": call.id,
        "start_time_unix_secs": int(call.started_at.timestamp()),
        "call_duration_secs": round(duration_s(call)),
        "message_count": message_count,
        "status": sdk_status(call),
        "call_successful": call_successful(call),
        "transcript_summary": analysis.get("transcript_summary"),
        "call_summary_title": analysis.get("call_summary_title"),
        "direction": call.direction,
        "termination_reason": call.ended_reason or None,
        "tool_names": list(analysis.get("tool_names", ())),
        "version_id": str(call.agent_version),
        **seed_values(call),
    }


def seed_values(call: Conversation) -> dict[str, Any]:
    """Return what the seed's API says of a call."""
    return {
        "call_sid": call.call_sid,
        "call_status": str(call.status),
        "outcome": call.outcome or None,
        "phone_number": call.phone_number or None,
        "dynamic_variables": dict(call.variables),
        "ended_reason": call.ended_reason or None,
        "recording_url": call.metadata.get("recording_url"),
        "duration_secs": round(duration_s(call), 3),
        "created_at": iso(call.started_at),
        "started_at": iso(call.started_at),
        "ended_at": iso(call.ended_at),
    }


def account(lab: Lab, key: str) -> dict[str, Any]:
    """Return all that is known of a call. Blocks: it reads the call's folder.

    Args:
        key: Conversation id or call SID.

    Raises:
        NotFound: there is no such call.
    """
    call = lab.calls.get(key)
    events = events_of(call)
    turns = entries(events) if events else stored_entries(call.turns)
    written = [turn for turn in turns if turn["message"]]
    has_audio = audio_bytes(call) > 0
    return {
        **summary(call, len(written)),
        "user_id": call.metadata.get("user_id"),
        "user_message_count": sum(turn["role"] == "user" for turn in written),
        "agent_message_count": sum(turn["role"] == "agent" for turn in written),
        "has_audio": has_audio,
        "has_user_audio": has_audio,
        "has_response_audio": has_audio,
        "has_auxiliary_audio": False,
        "transcript": turns,
        "transcript_text": transcript_text(events) if events else plain_text(call),
        "metadata": metadata(lab, call, events),
        "analysis": dict(call.analysis) or None,
        "conversation_initiation_client_data": {
            "dynamic_variables": dict(call.variables),
            "conversation_config_override": nested_overrides(call),
            "user_id": call.metadata.get("user_id"),
        },
    }


def metadata(lab: Lab, call: Conversation, events: Sequence[Event]) -> dict[str, Any]:
    """Return the `metadata` of an account; the client's own keys are kept beside."""
    own = {key: value for key, value in call.metadata.items() if key not in NOTED}
    searches = sum(isinstance(event, PassagesFound) for event in events)
    record = call_record(call)
    failed = call.status.is_over and call.status not in DONE
    answered = bool(call.network.get("answered_at")) or call.folder is not None
    started = int(call.started_at.timestamp())
    return {
        **own,
        "start_time_unix_secs": started,
        "accepted_time_unix_secs": started if answered else None,
        "call_duration_secs": round(duration_s(call)),
        "termination_reason": call.ended_reason or None,
        "main_language": record.get("agent", {}).get("language"),
        "timezone": record.get("agent", {}).get("time_zone"),
        "error": {"code": 0, "reason": call.ended_reason or str(call.status)} if failed else None,
        "feedback": feedback(call),
        "rag_usage": {"usage_count": searches, "embedding_model": lab.settings.embed_model}
        if searches
        else None,
        "phone_call": phone_call(lab, call),
        "answered_by": call.metadata.get("answered_by"),
        "recording_sid": call.metadata.get("recording_sid"),
        "line": call.line,
        "providers": {"stt": call.stt, "llm": call.llm, "tts": call.tts},
    }


def feedback(call: Conversation) -> dict[str, Any] | None:
    """Return the caller's verdict in the SDK's shape."""
    verdict = call.metadata.get("feedback")
    if not verdict:
        return None
    likes = int(verdict == "like")
    return {"type": "thumbs", "likes": likes, "dislikes": 1 - likes, "overall_score": likes}


def phone_call(lab: Lab, call: Conversation) -> dict[str, Any] | None:
    """Return the telephone's side of a call; None for calls by other lines."""
    if call.line and call.line != "twilio":
        return None
    if not call.line and not call.call_sid and not call.phone_number:
        return None
    number_id = ""
    if call.agent_number:
        try:
            number_id = lab.numbers.get(call.agent_number).id
        except NotFound:
            number_id = ""  # deleted since, or TWILIO_PHONE_NUMBER
    return {
        "type": "twilio",
        "direction": call.direction,
        "phone_number_id": number_id,
        "agent_number": call.agent_number,
        "external_number": call.phone_number,
        "call_sid": call.call_sid or "",
        "stream_sid": call.metadata.get("stream_sid", ""),
    }


def nested_overrides(call: Conversation) -> dict[str, Any]:
    """Return the overrides of a call as clients send them."""
    nested: dict[str, Any] = {}
    for name, value in call.overrides.items():
        if name not in OVERRIDES:
            continue
        *path, last = OVERRIDES[name]
        place = nested
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return nested


def events_of(call: Conversation) -> list[Event]:
    """Return the events of a call, empty when it has no folder."""
    log = call.folder / "events.jsonl" if call.folder else None
    return list(read_events(log)) if log is not None and log.is_file() else []


def call_record(call: Conversation) -> dict[str, Any]:
    """Return the call's `call.json`, empty when there is none."""
    if call.folder is None:
        return {}
    try:
        return read_call_json(call.folder)
    except BadInput:
        return {}


def audio_bytes(call: Conversation) -> int:
    """Return how much sound was recorded, 0 when there is none."""
    path = call.folder / "audio.wav" if call.folder else None
    if path is None or not path.is_file():
        return 0
    return max(0, path.stat().st_size - WAV_HEADER_BYTES)


def plain_text(call: Conversation) -> str:
    """Return the transcript of a call whose folder is gone."""
    who = {"caller": "Caller", "agent": "Agent"}
    return "".join(f"{who[turn.role]}: {turn.text}\n" for turn in call.turns)


def iso(moment: datetime | None) -> str | None:
    """Return a time as ISO 8601, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None
