"""What goes wrong on a phone network, to be asked for in tests and rehearsals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Request = Literal["any", "create", "update", "fetch", "recording"]

MESSAGES = {
    20003: "Authenticate",
    20429: "Too Many Requests",
    21205: "Url is not a valid URL",
    21210: "The source phone number provided is not yet verified for your account",
    21211: "The 'To' number is not a valid phone number",
    21214: "The 'To' phone number provided is not reachable",
    21215: "Account not authorized to call this number: geographic permissions",
    21216: "Account not allowed to call this number",
    21219: "The number is unverified; trial accounts may only call verified numbers",
    21220: "Call is not in-progress. Cannot redirect.",
}


@dataclass(frozen=True, slots=True)
class RestFault:
    """What the REST API does to the next requests of a kind, instead of answering as it should."""

    on: Request = "any"
    status: int = 0
    """Answer with this HTTP status and an error in JSON; 0: answer as usual."""
    code: int = 0
    message: str = ""
    retry_after_s: int | None = None
    delay_s: float = 0.0
    """Answer so much later."""
    is_cut: bool = False
    """Close the connection instead of answering."""
    body: str | None = None
    """Send this instead of the JSON that is due."""
    acts: bool = False
    """Do what was asked for nevertheless: only the answer is lost, late or wrong."""
    times: int = 1

    @classmethod
    def refused(cls, code: int, status: int = 400, on: Request = "any") -> RestFault:
        """Refuse with one of Twilio's codes."""
        return cls(on, status, code, MESSAGES.get(code, f"error {code}"))

    @classmethod
    def too_many(cls, retry_after_s: int = 1, on: Request = "any") -> RestFault:
        """429, with the time after which to come again."""
        return cls(on, 429, 20429, MESSAGES[20429], retry_after_s)

    def used(self) -> RestFault | None:
        """Return what is left of it after one request."""
        return replace(self, times=self.times - 1) if self.times > 1 else None


@dataclass(frozen=True, slots=True)
class CallbackFaults:
    """What happens to callbacks on their way.

    Events are `initiated`, `ringing`, `answered`, `completed`, `amd`, `recording`,
    `stream-started`, `stream-stopped`, `stream-error`.
    """

    repeats: int = 0
    """Each comes so many times more."""
    is_reversed: bool = False
    """Status callbacks wait for the end of the call and come in reverse order."""
    delays_s: Mapping[str, float] = field(default_factory=dict)
    """By event: so much late, and overtaken by others."""
    drops: frozenset[str] = frozenset()
    """Events whose callbacks are lost."""
    signature: Literal["right", "wrong", "none"] = "right"
    """Of all webhooks, the voice webhook included."""


@dataclass(frozen=True, slots=True)
class StreamFaults:
    """What happens to a media stream. Times are stream time in seconds."""

    stall_at_s: float | None = None
    stall_s: float = 0.5
    """Nothing is sent for so long, then all of it at once."""
    jump_at_s: float | None = None
    jump_ms: int = 400
    """Sound lost upstream: the timestamps jump, the sequence numbers do not."""
    mute_at_s: float | None = None
    """From then on no media comes any more, though the socket stays open."""
    cut_at_s: float | None = None
    """The connection breaks, without `stop` and without a closing handshake."""
    payload_bytes: int = 160
    """Media come in payloads of this size."""
    has_start: bool = True
    """False: nothing comes after `connected`."""
    call_sid: str = ""
    """The call that `start` claims to belong to; empty: the right one."""
    encoding: str = "audio/x-mulaw"
    signature: Literal["right", "wrong", "none"] = "right"
    """Of the upgrade."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the network takes. Shorter than in life, so that tests are."""

    queue_s: float = 0.01
    """From the order to the first ring."""
    ring_s: float = 0.03
    """Until somebody answers, or the network gives up."""
    recording_s: float = 0.01
    """From the end of a call to its recording."""
    say_word_s: float = 0.0
    """Length of a word of `<Say>`; in life about 0.35."""
    webhook_s: float = 15.0
    """The server must answer a webhook within this time."""
    connect_s: float = 5.0
    """The server must accept a stream within this time."""
