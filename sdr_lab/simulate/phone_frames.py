"""The messages that Twilio sends on a media stream, byte for byte its shapes.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field

CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'


@dataclass(frozen=True)
class StreamName:
    """Who a stream belongs to."""

    account_sid: str
    call_sid: str
    stream_sid: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "audio/x-mulaw"


class StreamWriter:
    """Numbers the messages of one stream. Numbers are strings in the JSON, as Twilio has them."""

    def __init__(self, name: StreamName) -> None:
        self.name = name
        self.sequence = 0
        self.chunk = 0
        # a load test writes thousands of media messages a second: only the numbers change
        self._head = f'{{"streamSid":"{name.stream_sid}","sequenceNumber":"'

    def start(self) -> str:
        """Return the message that opens the stream."""
        name = self.name
        body = {
            "accountSid": name.account_sid,
            "streamSid": name.stream_sid,
            "callSid": name.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": name.encoding, "sampleRate": 8000, "channels": 1},
            "customParameters": dict(name.parameters),
        }
        return self._message("start", body)

    def media(self, at_ms: int, mulaw: bytes) -> str:
        """Return a message with sound of the inbound track that begins at `at_ms`."""
        self.sequence += 1
        self.chunk += 1
        payload = b2a_base64(mulaw, newline=False).decode("ascii")
        return (
            f'{self._head}{self.sequence}","event":"media","media":{{"track":"inbound",'
            f'"chunk":"{self.chunk}","timestamp":"{at_ms}","payload":"{payload}"}}}}'
        )

    def dtmf(self, digit: str) -> str:
        """Return the message of a key."""
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """Return the echo of a mark."""
        return self._message("mark", {"name": name})

    def stop(self) -> str:
        """Return the last message."""
        body = {"accountSid": self.name.account_sid, "callSid": self.name.call_sid}
        return self._message("stop", body)

    def _message(self, event: str, body: Mapping[str, object]) -> str:
        self.sequence += 1
        text = json.dumps(body, separators=(",", ":"))
        return f'{self._head}{self.sequence}","event":"{event}","{event}":{text}}}'
