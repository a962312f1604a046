"""Messages as Twilio sends them."""

from __future__ import annotations

import base64
from typing import Any

STREAM = "MZ" + "1" * 32
CALL = "CA" + "2" * 32
ACCOUNT = "AC" + "3" * 32

CONNECTED: dict[str, Any] = {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start(**changes: Any) -> dict[str, Any]:
    body = {
        "accountSid": ACCOUNT,
        "streamSid": STREAM,
        "callSid": CALL,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"conversation_id": "conv_1"},
    }
    return message("start", start=body | changes)


def media(timestamp_ms: Any, mulaw: bytes = b"\x01" * 160, **changes: Any) -> dict[str, Any]:
    payload = base64.b64encode(mulaw).decode()
    body = {"track": "inbound", "chunk": "1", "timestamp": str(timestamp_ms), "payload": payload}
    return message("media", media=body | changes)


def mark(name: str) -> dict[str, Any]:
    return message("mark", mark={"name": name})


def dtmf(digit: Any) -> dict[str, Any]:
    return message("dtmf", dtmf={"track": "inbound_track", "digit": digit})


def stop() -> dict[str, Any]:
    return message("stop", stop={"accountSid": ACCOUNT, "callSid": CALL})


def message(event: str, **fields: Any) -> dict[str, Any]:
    return {"event": event, "sequenceNumber": "7", "streamSid": STREAM, **fields}
