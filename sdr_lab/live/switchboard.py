"""The calls that are going on: who may begin, who is running, and how they end when we stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.call.inbox import EndNow, Order, SayGoodbye
from sdr_lab.call.line import Line
from sdr_lab.call.log import Sink
from sdr_lab.errors import Refused, SdrLabError
from sdr_lab.lab import CallResult, Lab
from sdr_lab.records import CallConfig

if TYPE_CHECKING:
    from sdr_lab.call.session import Session
    from sdr_lab.store.folder import Conversation

log = logging.getLogger(__name__)

GOODBYE_S = 8.0
"""What is kept of the grace at shutdown for saying goodbye."""

LAST_S = 3.0
"""A call that was cancelled hangs up and writes its folder within this."""


class Listening(Protocol):
    """Somebody who is told what happens in calls (live/hooks.py, live/metrics.py)."""

    def listener(self, config: CallConfig) -> Sink:
        """Return what takes the events of one call. It is called in the call's loop, for every
        event, and must neither block nor raise."""
        ...


AfterCall = Callable[[str], Awaitable[None]]
"""What follows a call, given its conversation id: summary, webhooks (live/post_call.py)."""


@dataclass(slots=True)
class LiveCall:
    """A call that is going on."""

    conversation_id: str
    kind: str
    """`twilio`, `browser`, `convai`."""
    task: asyncio.Task[object]
    began_s: float
    """Loop time."""
    call_sid: str = ""
    agent_id: str = ""
    session: Session | None = None
    """None while its parts are being made."""
    orders: list[Order] = field(default_factory=list)
    """Given before there was a session."""

    def tell(self, order: Order) -> None:
        if self.session is None:
            self.orders.append(order)
        else:
            self.session.tell(order)


class Switchboard:
    """Runs calls. One per desk; used from its loop only."""

    def __init__(
        self,
        lab: Lab,
        background: Background,
        listening: Sequence[Listening] = (),
        after_call: AfterCall | None = None,
    ) -> None:
        self.running: Mapping[str, LiveCall] = MappingProxyType(calls := {})
        """By conversation id."""
        self._calls: dict[str, LiveCall] = calls
        self._expected: dict[str, float] = {}
        """Places kept for calls that were let in and whose line is not open yet: until when."""
        self._lab = lab
        self._background = background
        self._listening = tuple(listening)
        self._after_call = after_call
        self._is_closing = False

    # ---- who may begin

    @property
    def is_open(self) -> bool:
        """A new call may begin."""
        return not self.why_closed

    @property
    def why_closed(self) -> str:
        """`shutting_down`, `busy`, or empty while new calls are taken."""
        if self._is_closing:
            return "shutting_down"
        is_full = len(self._calls) + self._count_expected() >= self._lab.settings.max_calls
        return "busy" if is_full else ""

    def expect(self, conversation_id: str, for_s: float) -> None:
        """Keep a place for a call whose line will open within `for_s` seconds.

        Raises:
            Refused: MAX_CALLS are going on, or the server is stopping.
        """
        if conversation_id not in self._expected:
            self._refuse_when_closed()
        self._expected[conversation_id] = asyncio.get_running_loop().time() + for_s

    def forget(self, conversation_id: str) -> None:
        """Give back the place of a call that will not come."""
        self._expected.pop(conversation_id, None)

    def find(self, key: str) -> LiveCall | None:
        """Return a running call by conversation id or call SID."""
        call = self._calls.get(key)
        if call is None and key:
            call = next((c for c in self._calls.values() if c.call_sid == key), None)
        return call

    def tell(self, key: str, order: Order) -> bool:
        """Give an order to a running call; return whether there is one of that id or call SID."""
        call = self.find(key)
        if call is not None:
            call.tell(order)
        return call is not None
