"""The addresses under which Twilio finds this server. Made of PUBLIC_URL, never of headers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Addresses:
    """What Twilio is told to call.

    Attributes:
        public_url: `https://host[:port]`, without a slash at the end.
    """

    public_url: str

    @classmethod
    def of(cls, public_url: str) -> Addresses:
        return cls(public_url.rstrip("/"))

    def voice(self, what: str, conversation_id: str) -> str:
        """Return the address of a webhook of one call.

        Args:
            what: `outbound`, `after`, `status`, `recording`, `amd`, `stream`, `dial`.
        """
        query = urlencode({"conversation_id": conversation_id})
        return f"{self.public_url}/voice/{what}?{query}"

    def stream(self, token: str) -> str:
        """Return the address of a media stream; the token is its key."""
        return f"{websocket_url(self.public_url)}/media-stream/{token}"


def websocket_url(http_url: str) -> str:
    """Return the WebSocket address of a server.

    >>> websocket_url("https://calls.example")
    'wss://calls.example'
    """
    return "ws" + http_url.rstrip("/").removeprefix("http")
