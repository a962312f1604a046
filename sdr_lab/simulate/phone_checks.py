"""What a server may send on a media stream, checked as strictly as Twilio's documents allow.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages, "Send WebSocket
messages to Twilio", and the error pages 31950 and 31951.
"""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass
from typing import Any

MALFORMED = 31950
"""No text, or no JSON."""
INVALID = 31951
"""JSON of a shape that means nothing."""
MAX_CHARS = 65536
"""Our own bound: a sane server sends a second of sound at most."""

FIELDS = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


class Violation(Exception):
    """A message that Twilio would drop with a warning."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Play:
    """Sound to queue."""

    mulaw: bytes


@dataclass(frozen=True, slots=True)
class AskMark:
    """A name to send back."""

    name: str


@dataclass(frozen=True, slots=True)
class AskClear:
    """Throw away what is queued."""


def read_order(text: str, stream_sid: str) -> Play | AskMark | AskClear:
    """Read what the server sent.

    Raises:
        Violation: it is not what Twilio takes; the message names the field.
    """
    if len(text) > MAX_CHARS:
        raise Violation(MALFORMED, f"{len(text)} characters in a message, at most {MAX_CHARS}")
    try:
        message: Any = json.loads(text)
    except ValueError:
        raise Violation(MALFORMED, f"not JSON: {_short(text)}") from None
    event = message.get("event") if isinstance(message, dict) else None
    allowed = FIELDS.get(event) if isinstance(event, str) else None
    if allowed is None:
        raise Violation(INVALID, f"event must be media, mark or clear: {_short(text)}")
    if message.keys() != allowed:
        wrong = ", ".join(sorted(message.keys() ^ allowed))
        raise Violation(INVALID, f"{event}: fields too many or missing: {wrong}")
    if message["streamSid"] != stream_sid:
        raise Violation(INVALID, f"{event}: streamSid is not of this stream: {_short(text)}")
    if event == "media":
        return Play(_sound(message["media"]))
    return AskMark(_name(message["mark"])) if event == "mark" else AskClear()


def _sound(media: Any) -> bytes:
    payload = media.get("payload") if isinstance(media, dict) else None
    if not isinstance(payload, str) or len(media) != 1:
        raise Violation(INVALID, f"media must be {{payload: base64}}, not {_short(str(media))}")
    try:
        mulaw = a2b_base64(payload, strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise Violation(INVALID, f"media.payload is not base64: {error}") from None
    if not mulaw:
        raise Violation(INVALID, "media.payload holds no sound")
    if mulaw.startswith((b"RIFF", b"ID3", b"OggS", b".snd")):
        raise Violation(INVALID, "media.payload begins with the header of a sound file")
    return mulaw


def _name(mark: Any) -> str:
    name = mark.get("name") if isinstance(mark, dict) else None
    if not isinstance(name, str) or not name or len(mark) != 1:
        raise Violation(INVALID, f"mark must be {{name: text}}, not {_short(str(mark))}")
    return name


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
