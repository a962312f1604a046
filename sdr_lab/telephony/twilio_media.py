"""The messages of a Twilio media stream, in and out. Pure: text to value and value to text.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages

Read strictly where a mistake would be heard or believed (format, payload, stream), leniently
where peers differ harmlessly (numbers as strings or numbers, unknown fields and events).
"""

from __future__ import annotations

import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from sdr_lab.errors import BadInput

MAX_MESSAGE_BYTES = 64 * 1024
"""A 20 ms message has about 350; nothing that Twilio sends comes near this."""
MAX_TIMESTAMP_MS = 2**53
"""Integers above are not exact in JSON."""

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_DIGITS = frozenset("0123456789*#ABCD")


class ProtocolError(BadInput):
    """A message that breaks the protocol: its sender is not Twilio, or not in its right mind."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket is open. `Start` follows at once."""


@dataclass(frozen=True, slots=True)
class MediaFormat:
    encoding: str
    rate_hz: int
    channels: int


MULAW = MediaFormat("audio/x-mulaw", 8000, 1)
"""The only format that a phone call has, and that we take."""


@dataclass(frozen=True, slots=True)
class Start:
    """Who is calling. Comes once, before all audio."""

    stream_sid: str
    """Names the stream; every further message carries it, in both directions."""
    call_sid: str = ""
    account_sid: str = ""
    tracks: tuple[str, ...] = ("inbound",)
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The `<Parameter>`s of the TwiML."""
    media_format: MediaFormat = MULAW


@dataclass(frozen=True, slots=True)
class Media:
    """A piece of sound, 20 ms as a rule."""

    stream_sid: str
    track: str
    """`inbound` (the caller) or `outbound`."""
    chunk: int
    """Counts media messages from 1; 0 when not given."""
    timestamp_ms: int
    """Time of the first sample since the start of the stream."""
    payload: bytes
    """8 kHz µ-law."""


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    stream_sid: str
    digit: str
    """0-9, *, #; A-D from special telephones."""


@dataclass(frozen=True, slots=True)
class MarkEcho:
    """What was sent before our mark has been played, or was cleared."""

    stream_sid: str
    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream is over: the call ended, or goes on elsewhere."""

    stream_sid: str
    call_sid: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event that Twilio may have added since. To be ignored."""

    event: str


Message: TypeAlias = Connected | Start | Media | Dtmf | MarkEcho | Stop | Unknown


def read_message(text: str) -> Message:
    """Read one message of the peer.

    Raises:
        ProtocolError: too long, no JSON, a field missing or of the wrong kind, or sound in
            another format than 8 kHz µ-law.
    """
    if len(text) > MAX_MESSAGE_BYTES or not text.isascii():
        _check_length(text)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError(f"not JSON: {_shown(text)}") from None
    if not isinstance(data, dict):
        raise ProtocolError(f"a message must be an object, got {_shown(text)}")
    event = data.get("event")
    if event == "media":  # 50 a second and call: no detours
        return _media(data)
    if not isinstance(event, str):
        raise ProtocolError(f"a message needs an event, got {_shown(text)}")
    reader = _READERS.get(event)
    return Unknown(event[:100]) if reader is None else reader(data)


def media_text(stream_sid: str, mulaw: bytes) -> str:
    """Return the message that queues sound at the peer. Any length, 8 kHz µ-law."""
    return f'{_media_head(stream_sid)}{b2a_base64(mulaw, newline=False).decode("ascii")}"}}}}'


def mark_text(stream_sid: str, name: str) -> str:
    """Return the message that asks for an echo when the sound before it has been played."""
    return json.dumps(
        {"event": "mark", "streamSid": stream_sid, "mark": {"name": name}}, separators=(",", ":")
    )


def clear_text(stream_sid: str) -> str:
    """Return the message that throws away the sound that has not been played."""
    return json.dumps({"event": "clear", "streamSid": stream_sid}, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _media_head(stream_sid: str) -> str:
    return f'{{"event":"media","streamSid":{json.dumps(stream_sid)},"media":{{"payload":"'


def _media(data: dict[str, Any]) -> Media:
    media = data.get("media")
    if not isinstance(media, dict):
        raise ProtocolError("media: an object is missing")
    payload = media.get("payload")
    if not isinstance(payload, str):
        raise ProtocolError("media.payload: base64 text is missing")
    try:
        mulaw = a2b_base64(payload, strict_mode=True)
    except (Base64Error, ValueError):
        raise ProtocolError(f"media.payload: not base64: {_shown(payload)}") from None
    stream_sid = data.get("streamSid")
    track = media.get("track", "inbound")
    if not isinstance(stream_sid, str) or not isinstance(track, str):
        raise ProtocolError("media: streamSid and track must be text")
    chunk = _number(media.get("chunk", 0), "media.chunk")
    return Media(
        stream_sid, track, chunk, _number(media.get("timestamp"), "media.timestamp"), mulaw
    )


def _start(data: dict[str, Any]) -> Start:
    start = _object(data, "start")
    stream_sid = _id(start.get("streamSid", data.get("streamSid")), "start.streamSid")
    if not stream_sid:
        raise ProtocolError("start.streamSid is missing")
    outer = data.get("streamSid", stream_sid)
    if outer != stream_sid:
        raise ProtocolError(f"start names two streams: {_shown(stream_sid)}, {_shown(outer)}")
    tracks = start.get("tracks", ["inbound"])
    if not isinstance(tracks, list) or not all(isinstance(track, str) for track in tracks):
        raise ProtocolError(f"start.tracks must be a list of names, got {_shown(tracks)}")
    return Start(
        stream_sid,
        _id(start.get("callSid"), "start.callSid"),
        _id(start.get("accountSid"), "start.accountSid"),
        tuple(tracks),
        _parameters(start.get("customParameters")),
        _format(start.get("mediaFormat")),
    )


def _format(value: object) -> MediaFormat:
    if not isinstance(value, dict):
        raise ProtocolError(f"start.mediaFormat must be an object, got {_shown(value)}")
    found = MediaFormat(
        str(value.get("encoding"))[:100],
        _number(value.get("sampleRate"), "start.mediaFormat.sampleRate"),
        _number(value.get("channels", 1), "start.mediaFormat.channels"),
    )
    if found != MULAW:
        raise ProtocolError(
            f"start.mediaFormat: got {_shown(found.encoding)} {found.rate_hz} Hz "
            f"{found.channels} channel(s), allowed: audio/x-mulaw 8000 Hz 1 channel"
        )
    return found


def _parameters(value: object) -> Mapping[str, str]:
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, dict):
        raise ProtocolError(f"start.customParameters must be an object, got {_shown(value)}")
    parameters = {}
    for name, item in value.items():
        if not isinstance(item, str | int | float | bool):
            raise ProtocolError(f"start.customParameters.{name[:40]} must be text")
        parameters[_text(name)] = _text(item if isinstance(item, str) else json.dumps(item))
    return MappingProxyType(parameters)


def _dtmf(data: dict[str, Any]) -> Dtmf:
    digit = _object(data, "dtmf").get("digit")
    digit = str(digit) if isinstance(digit, int) else digit
    if not isinstance(digit, str) or digit not in _DIGITS:
        raise ProtocolError(f"dtmf.digit must be one of 0-9 * # A-D, got {_shown(digit)}")
    return Dtmf(_stream_sid(data), digit)


def _mark(data: dict[str, Any]) -> MarkEcho:
    name = _object(data, "mark").get("name")
    if not isinstance(name, str):
        raise ProtocolError(f"mark.name must be text, got {_shown(name)}")
    return MarkEcho(_stream_sid(data), name)


def _stop(data: dict[str, Any]) -> Stop:
    stop = data.get("stop")
    call_sid = stop.get("callSid") if isinstance(stop, dict) else ""
    return Stop(_stream_sid(data), _id(call_sid, "stop.callSid"))


_READERS = {
    "connected": lambda _: Connected(),
    "start": _start,
    "dtmf": _dtmf,
    "mark": _mark,
    "stop": _stop,
}


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise ProtocolError(f"{name}: an object is missing")
    return value


def _stream_sid(data: dict[str, Any]) -> str:
    value = data.get("streamSid")
    if not isinstance(value, str):
        raise ProtocolError("streamSid is missing")
    return value


def _id(value: object, name: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ProtocolError(f"{name} is no id: {_shown(value)}")
    return value


def _number(value: object, name: str) -> int:
    """Twilio sends whole numbers as text; others send numbers."""
    if isinstance(value, str) and len(value) <= 16 and value.isascii() and value.isdigit():
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    else:
        raise ProtocolError(f"{name} must be a whole number, got {_shown(value)}")
    if not 0 <= number <= MAX_TIMESTAMP_MS:
        raise ProtocolError(f"{name} is out of range: {_shown(value)}")
    return number


def _text(value: str) -> str:
    """JSON can smuggle in half characters that no file and no database takes."""
    return value.encode("utf-8", "replace").decode()


def _check_length(text: str) -> None:
    length = len(text.encode("utf-8", "surrogatepass"))
    if length > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"message of {length} bytes, allowed: {MAX_MESSAGE_BYTES}")


def _shown(value: object) -> str:
    """Return a value for an error message, short and safe to print."""
    return ascii(value if not isinstance(value, str) else value[:80])[:90]
