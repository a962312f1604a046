"""One call on the phone network: what it is, and everything that happened to it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from sdr_lab.simulate.phone_webhooks import Webhook

if TYPE_CHECKING:
    from sdr_lab.simulate.phone_order import CallOrder
    from sdr_lab.simulate.phone_stream import StreamLeg

Final = Literal["completed", "busy", "no-answer", "failed", "canceled"]
Status = Literal["queued", "initiated", "ringing", "in-progress"] | Final
OVER = {"completed", "busy", "no-answer", "failed", "canceled"}
VERSION = "2010-04-01"
PLACE = ("City", "State", "Zip", "Country")


def new_sid(prefix: str) -> str:
    """Return an id as Twilio makes them: two letters and 32 hex digits."""
    return f"{prefix}{uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Notice:
    """A line in the console of the phone network."""

    code: int
    """Twilio's code of the error or warning."""
    text: str
    is_expected: bool = False
    """It comes with a call in which nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The sound of a call that was recorded."""

    sid: str
    call_sid: str
    wav: bytes
    duration_s: float
    channels: int
    source: str
    started_at: datetime


@dataclass(eq=False)
class PhoneCall:
    """One leg."""

    to: str
    from_: str
    direction: Literal["inbound", "outbound-api", "outbound-dial"]
    account_sid: str
    order: CallOrder | None = None
    parent_sid: str = ""
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: Status = "queued"
    statuses: list[Status] = field(default_factory=lambda: ["queued"])
    answered_by: str = ""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    notices: list[Notice] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)
    """Requests to the server, in the order in which they were answered."""
    documents: list[str] = field(default_factory=list)
    """TwiML that was carried out."""
    said: list[str] = field(default_factory=list)
    """Texts of `<Say>`."""
    streams: list[StreamLeg] = field(default_factory=list)
    dialled: list[PhoneCall] = field(default_factory=list)
    """Legs that `<Dial>` opened."""
    recordings: list[Recording] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    sequence: int = 0
    """SequenceNumber of the next status callback."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def warnings(self) -> list[Notice]:
        """Notices that should not be there. Empty when the server did everything right."""
        return [notice for notice in self.notices if not notice.is_expected]

    @property
    def stream(self) -> StreamLeg:
        """The last media stream."""
        if not self.streams:
            raise LookupError(f"{self.sid}: no stream was opened; notices: {self.notices}")
        return self.streams[-1]

    @property
    def heard(self) -> bytes:
        """µ-law that reached the caller's ear: the streams one after the other."""
        return b"".join(bytes(stream.handset.heard) for stream in self.streams)

    @property
    def spoken(self) -> bytes:
        """µ-law that the caller said, noise and echo included, as long as `heard`."""
        return b"".join(bytes(stream.handset.spoken) for stream in self.streams)

    @property
    def duration_s(self) -> int:
        """Whole seconds since it was answered, rounded up as they are billed."""
        if self.answered_at is None:
            return 0
        end = self.ended_at or datetime.now(UTC)
        return math.ceil((end - self.answered_at).total_seconds())

    async def until(self, is_so: Callable[[PhoneCall], bool]) -> None:
        """Wait for something about the call.

        Raises:
            LookupError: the call ended and it is not so.
        """
        while not is_so(self):
            if self.is_over:
                raise LookupError(f"{self.sid} ended as {self.status}; notices: {self.notices}")
            self._changed.clear()
            await self._changed.wait()

    def touch(self) -> None:
        """Wake those who wait for something about the call."""
        self._changed.set()

    def report(self, code: int, text: str, is_expected: bool = False) -> None:
        """Write a line to the console."""
        self.notices.append(Notice(code, text, is_expected))

    def become(self, status: Status) -> None:
        """Change the status."""
        self.status = status
        self.statuses.append(status)
        now = datetime.now(UTC)
        if status == "in-progress":
            self.answered_at = now
        if status in OVER:
            self.ended_at = now
            self.over.set()
        self.touch()

    def callbacks(self, event: str) -> list[Webhook]:
        """Return the requests of an event that were sent."""
        return [webhook for webhook in self.webhooks if webhook.event == event]

    def form(self) -> dict[str, str]:
        """Return what every webhook about the call says. Places are blank, as they often are."""
        status = "initiated" if self.status == "queued" else self.status
        fields = {
            "CallSid": self.sid,
            "AccountSid": self.account_sid,
            "From": self.from_,
            "To": self.to,
            "Caller": self.from_,
            "Called": self.to,
            "CallStatus": status,
            "ApiVersion": VERSION,
            "Direction": self.direction,
        }
        for side in ("From", "To", "Caller", "Called"):
            fields |= {f"{side}{place}": "" for place in PLACE}
        if self.parent_sid:
            fields["ParentCallSid"] = self.parent_sid
        return fields

    def resource(self) -> dict[str, object]:
        """Return the call as the REST API shows it."""
        uri = f"/{VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"
        is_billed = self.is_over and self.answered_at is not None
        shown = "queued" if self.status == "initiated" else self.status
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "parent_call_sid": self.parent_sid or None,
            "to": self.to,
            "to_formatted": self.to,
            "from": self.from_,
            "from_formatted": self.from_,
            "phone_number_sid": None,
            "status": shown,
            "direction": self.direction,
            "start_time": rfc2822(self.answered_at),
            "end_time": rfc2822(self.ended_at),
            "duration": str(self.duration_s) if self.is_over else None,
            "price": "-0.01400" if is_billed else None,
            "price_unit": "USD",
            "answered_by": self.answered_by or None,
            "api_version": VERSION,
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": None,
            "queue_time": "0",
            "trunk_sid": "",
            "annotation": None,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.ended_at or self.answered_at or self.created_at),
            "uri": f"{uri}.json",
            "subresource_uris": {
                "recordings": f"{uri}/Recordings.json",
                "streams": f"{uri}/Streams.json",
            },
        }


def rfc2822(when: datetime | None) -> str | None:
    """Write a time as Twilio does."""
    return format_datetime(when) if when else None
