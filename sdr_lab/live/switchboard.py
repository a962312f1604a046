"""The calls that are going on: who may begin, who is running, and how they end when we stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sdr_lab.call.inbox import Order, SayGoodbye
from sdr_lab.call.line import Line
from sdr_lab.call.log import Sink
from sdr_lab.errors import Conflict, SdrLabError
from sdr_lab.lab import CallResult, Lab
from sdr_lab.live.background import Background
from sdr_lab.live.hooks import Hooks
from sdr_lab.live.metrics import Metrics
from sdr_lab.live.prepared import Prepared, prepare, refreshed
from sdr_lab.live.voicemail import voicemail_order
from sdr_lab.logs import about_call

if TYPE_CHECKING:
    from sdr_lab.call.session import Session

log = logging.getLogger(__name__)

GOODBYE_S = 8.0
"""What is kept of the grace at shutdown for saying goodbye."""

AfterCall = Callable[[str], Coroutine[Any, Any, Any]]
"""What follows a call, given its conversation id: summary, webhooks (live/post_call.py)."""


class NoRoom(SdrLabError):
    """No call may begin now."""


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call that is going on."""

    conversation_id: str
    kind: str
    """`twilio`, `browser`, `convai`."""
    began_s: float
    """Loop time."""
    call_sid: str = ""
    agent_id: str = ""
    session: Session | None = None
    """None while the call is being prepared."""
    orders: list[Order] = field(default_factory=list)
    """Given before there was a session."""
    task: asyncio.Task[None] | None = None
    result: CallResult | None = None
    error: SdrLabError | None = None

    def tell(self, order: Order) -> None:
        """Have the call do something, at once or as soon as it can."""
        if self.session is None:
            self.orders.append(order)
        else:
            self.session.tell(order)

    def began(self, session: Session) -> None:
        """The session is there."""
        self.session = session
        for order in self.orders:
            session.tell(order)
        self.orders.clear()


class Switchboard:
    """Runs calls. One per desk; used from its loop only."""

    def __init__(
        self,
        lab: Lab,
        background: Background,
        hooks: Hooks,
        metrics: Metrics,
        after_call: AfterCall,
    ) -> None:
        self._calls: dict[str, LiveCall] = {}
        self.running: Mapping[str, LiveCall] = MappingProxyType(self._calls)
        """By conversation id."""
        self._expected: dict[str, float] = {}
        """Places kept for calls that were let in and whose line is not open yet: until when."""
        self._lab = lab
        self._background = background
        self._hooks = hooks
        self._metrics = metrics
        self._after_call = after_call
        self._is_closing = False
        self._emptied = asyncio.Event()

    # ---- who may begin

    @property
    def is_open(self) -> bool:
        """A new call may begin."""
        return not self.why_closed

    @property
    def why_closed(self) -> str:
        """`stopping`, `full`, or empty while new calls are taken."""
        if self._is_closing:
            return "stopping"
        now_s = asyncio.get_running_loop().time()
        for key in [key for key, until_s in self._expected.items() if until_s < now_s]:
            del self._expected[key]
        is_full = len(self._calls) + len(self._expected) >= self._lab.settings.max_calls
        return "full" if is_full else ""

    def expect(self, conversation_id: str, for_s: float) -> None:
        """Keep a place for a call whose line will open within `for_s` seconds.

        Raises:
            NoRoom: MAX_CALLS are going on, or the server is stopping.
        """
        if conversation_id not in self._expected:
            self.admit()
        self._expected[conversation_id] = asyncio.get_running_loop().time() + for_s

    def forget(self, conversation_id: str) -> None:
        """Give back the place of a call that will not come."""
        self._expected.pop(conversation_id, None)

    def admit(self) -> None:
        """Raise NoRoom when no new call may begin."""
        why = self.why_closed
        if not why:
            return
        self._metrics.call_refused(why)
        most = self._lab.settings.max_calls
        raise NoRoom(
            "the server is stopping: no new calls"
            if why == "stopping"
            else f"{most} calls are going on, as many as MAX_CALLS allows: try again later"
        )

    # ---- what runs

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

    async def prepare(self, conversation_id: str, kind: str) -> Prepared | None:
        """Make what a call needs before its line opens; None when that fails (`run` says why).

        Sound that comes in while a call is being prepared has to be caught up with, and what the
        agent says meanwhile is sent too far ahead.
        """
        try:
            return await prepare(self._lab, self._background, conversation_id, kind)
        except Exception as error:  # even a bug: `run` meets it again, in its place
            log.debug("call %s can't be prepared: %s", conversation_id, error)
            return None

    async def run(
        self,
        line: Line,
        conversation_id: str,
        listeners: Sequence[Sink] = (),
        ready: Prepared | None = None,
    ) -> CallResult | None:
        """Run a call whose row exists, on a line that is open; return when it is over.

        Args:
            line: Past its handshake. Closing it after an error is the caller's business: Twilio
                then asks what to do, and is told to say sorry.
            conversation_id: Of the row, which names agent, variables and overrides.
            listeners: Who else hears the events of this call.
            ready: What `prepare` gave; None: it is made now.

        Returns:
            What became of it; None when it had to be cut off because the server stops.

        Raises:
            NoRoom: no call may begin now.
            Conflict: this conversation is running already, or is over.
            SdrLabError: the call can't be made; its row says `failed` and why.
        """
        if conversation_id in self._calls:
            raise Conflict(f"conversation {conversation_id!r} is running already")
        if self._expected.pop(conversation_id, None) is None or self._is_closing:
            self.admit()
        call = LiveCall(conversation_id, line.kind, asyncio.get_running_loop().time())
        self._calls[conversation_id] = call
        self._emptied.clear()
        work = self._hold(line, call, listeners, ready)
        call.task = self._background.start(work, f"call {conversation_id}")
        try:
            await asyncio.shield(call.task)  # whoever asked may be gone before all is written down
        except asyncio.CancelledError:
            if not call.task.cancelled():
                raise
        if call.error is not None:
            raise call.error
        return call.result

    async def _hold(
        self, line: Line, call: LiveCall, listeners: Sequence[Sink], ready: Prepared | None
    ) -> None:
        key = call.conversation_id
        try:
            with about_call(key):
                await self._talk(line, call, listeners, ready)
        finally:
            del self._calls[key]
            if not self._calls:
                self._emptied.set()
            self._background.start(self._after_call(key), f"after {key}")

    async def _talk(
        self, line: Line, call: LiveCall, listeners: Sequence[Sink], ready: Prepared | None
    ) -> None:
        key = call.conversation_id
        try:
            if ready is None:
                ready = await prepare(self._lab, self._background, key, line.kind)
            else:
                ready = await asyncio.to_thread(refreshed, self._lab, ready)
            self._introduce(call, ready)
            heard_by = (
                self._hooks.listener(ready.config),
                self._metrics.listener(ready.config),
                *listeners,
            )
            call.result = await self._lab.call(
                line, ready.config, ready.parts, heard_by, on_session=call.began
            )
        except Conflict as error:  # it has been held: what became of it stays
            call.error = error
        except SdrLabError as error:
            call.error = error
            log.error("call %s: %s", call.conversation_id, error)
            await self._give_up(call, str(error))
        except Exception as error:
            log.exception("call %s", call.conversation_id)
            call.error = SdrLabError(f"the call broke off: {error!r}")
            await self._give_up(call, repr(error))

    def _introduce(self, call: LiveCall, ready: Prepared) -> None:
        config = ready.config
        call.call_sid, call.agent_id = config.call_sid, config.agent.id
        if order := voicemail_order(config.agent, ready.answered_by, config.variables):
            call.tell(order)  # the news came before the line

    async def _give_up(self, call: LiveCall, why: str) -> None:
        with suppress(SdrLabError):  # the store may be what is broken
            await asyncio.to_thread(self._lab.calls.fail, call.conversation_id, why)

    # ---- the end

    async def close(self, grace_s: float) -> None:
        """Refuse new calls; let the running ones go on, say goodbye, and then cut them off.

        Args:
            grace_s: In all. The goodbye begins `GOODBYE_S` before its end, or at half of it.
        """
        self._is_closing = True
        self._expected.clear()
        if not self._calls:
            return
        goodbye_s = min(GOODBYE_S, grace_s / 2)
        log.info("stopping: %d calls may go on for %.0f s", len(self._calls), grace_s)
        if await self._empty(grace_s - goodbye_s):
            return
        for call in self._calls.values():
            call.tell(SayGoodbye("stopping"))
        if await self._empty(goodbye_s):
            return
        log.warning("stopping: %d calls are cut off", len(self._calls))
        for call in self._calls.values():
            if call.task is not None:
                call.task.cancel()
        await self._emptied.wait()

    async def _empty(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._emptied.wait()
        except TimeoutError:
            return not self._calls
        return True
