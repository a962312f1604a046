"""The messages of `/v1/convai/conversation`, as the official `elevenlabs` SDK speaks them.

Source: elevenlabs 2.78, `conversational_ai/conversation.py`. Pure: text to value, value to text.
"""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdr_lab.telephony.twilio_media import ProtocolError

FORMAT = "pcm_16000"
"""Both ways: 16 kHz, 16 bit, little-endian, mono."""


MOST_CHARS = 2_000
"""Of a text; more is cut off. All calls wait while it is searched for names and times."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What the client gives with the call. Comes first."""

    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of the caller's sound, any length, `FORMAT`."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Typed:
    """Words that count as a turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something the agent should know."""

    text: str


@dataclass(frozen=True, slots=True)
class Pong:
    event_id: int


@dataclass(frozen=True, slots=True)
class Other:
    """Nothing that concerns us: activity, results of tools that we never ask for."""

    type: str


Incoming = Begin | Spoken | Typed | Told | Pong | Other


def read(text: str) -> Incoming:
    """Read one message of the client.

    Raises:
        ProtocolError: no JSON object, or a field of the wrong kind.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("a message is not JSON") from None
    if not isinstance(data, dict):
        raise ProtocolError("a message must be an object")
    if "user_audio_chunk" in data:
        return Spoken(_pcm(data["user_audio_chunk"]))
    match data.get("type"):
        case "conversation_initiation_client_data":
            return Begin(data)
        case "user_message" | "multimodal_message":
            return Typed(_text(data))
        case "contextual_update":
            return Told(_text(data))
        case "pong":
            number = data.get("event_id")
            if not isinstance(number, int):
                raise ProtocolError("pong.event_id must be a number")
            return Pong(number)
        case str(other):
            return Other(other[:60])
    raise ProtocolError("a message needs a type")


def metadata(conversation_id: str) -> str:
    """The first message: which conversation this is, and how sound is sent."""
    return _message(
        "conversation_initiation_metadata",
        conversation_initiation_metadata_event={
            "conversation_id": conversation_id,
            "agent_output_audio_format": FORMAT,
            "user_input_audio_format": FORMAT,
        },
    )


def audio(event_id: int, pcm: bytes) -> str:
    """A piece of the agent's sound."""
    base64 = b2a_base64(pcm, newline=False).decode("ascii")
    return _message("audio", audio_event={"event_id": event_id, "audio_base_64": base64})


def interruption(event_id: int) -> str:
    """The caller has cut in: sound up to this event is to be thrown away."""
    return _message("interruption", interruption_event={"event_id": event_id})


def user_transcript(text: str) -> str:
    """What the caller has said in his turn."""
    return _message("user_transcript", user_transcription_event={"user_transcript": text})


def agent_response(text: str) -> str:
    """What the agent is about to say."""
    return _message("agent_response", agent_response_event={"agent_response": text})


def correction(original: str, corrected: str) -> str:
    """What of an `agent_response` was heard."""
    return _message(
        "agent_response_correction",
        agent_response_correction_event={
            "original_agent_response": original,
            "corrected_agent_response": corrected,
        },
    )


def ping(event_id: int, ping_ms: int | None) -> str:
    """To be answered with `pong`; tells the last round trip."""
    return _message("ping", ping_event={"event_id": event_id, "ping_ms": ping_ms})


def _message(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


def _text(data: Mapping[str, Any]) -> str:
    text = data.get("text") or ""
    if not isinstance(text, str):
        raise ProtocolError(f"{data['type']}.text must be text")
    return text[:MOST_CHARS].encode("utf-8", "replace").decode().strip()


def _pcm(value: object) -> bytes:
    if not isinstance(value, str):
        raise ProtocolError("user_audio_chunk must be base64 text")
    try:
        return a2b_base64(value, strict_mode=True)
    except (Base64Error, ValueError):
        raise ProtocolError("user_audio_chunk is not base64") from None
