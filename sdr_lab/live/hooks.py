"""Webhooks: what happens in calls is kept in the store first and sent from there.

A call only notes what happened. One loop writes the notes into the store, in a thread and many at
a time; another sends what is due, signed, and tries again with growing pauses. Since deliveries
are rows, a restart loses none, and several processes share the work.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sdr_lab.agents.public_web import PublicWeb
from sdr_lab.call.log import Sink
from sdr_lab.errors import SdrLabError
from sdr_lab.lab import Lab
from sdr_lab.live.hook_events import PING, CallNotices, Notice
from sdr_lab.live.hook_sender import Attempt, Patience, send
from sdr_lab.records import CallConfig

if TYPE_CHECKING:
    from sdr_lab.store.hook_rows import Delivery, Tried, Webhook

log = logging.getLogger(__name__)

COLLECT_S = 0.2
"""Notes wait so long for others, so that a busy call makes few transactions."""

IDLE_S = 5.0
"""How often the store is asked when nothing is known to be due: other processes add to it."""

AT_ONCE = 32
"""Deliveries sent at the same time."""

GATHER_S = 0.02
"""After something is due, more usually is: the store is asked once for all of it."""

LEASE_S = 60
"""A delivery taken by a process that died is taken by another one after so long."""

MOST_NOTES = 20_000
"""Kept in memory while the store can't be written; the oldest are dropped first."""

OnTried = Callable[[str], None]
"""Told `delivered`, `failed` or `dead` (`Metrics.webhook_tried`)."""


class Hooks:
    """Tells webhooks. To be used in one event loop.

    Args:
        patience: How long and how often a delivery is tried.
        on_tried: Counts tries.
    """

    def __init__(
        self,
        lab: Lab,
        patience: Patience | None = None,
        on_tried: OnTried | None = None,
    ) -> None:
        self.lab = lab
        self.patience = patience or Patience()
        self._on_tried = on_tried or (lambda outcome: None)
        self._web = PublicWeb(lab.settings.insecure_private_webhooks)
        self._notes: deque[Notice] = deque(maxlen=MOST_NOTES)
        self._storing = asyncio.Lock()
        self._noted = asyncio.Event()
        self._due = asyncio.Event()
        self._sending: set[str] = set()
        self._tried: list[Tried] = []
        """Not written down yet."""

    @property
    def waiting(self) -> Sequence[Notice]:
        """What has been noted and is not in the store yet."""
        return tuple(self._notes)

    # ---- what is to be told

    def listener(self, config: CallConfig) -> Sink:
        """Return what takes the events of a call; costs microseconds per event."""
        return CallNotices(config, self.note)

    def note(self, notice: Notice) -> None:
        """Take something to be told. Never blocks, never fails."""
        self._notes.append(notice)
        self._noted.set()

    async def emit(self, event: str, data: Mapping[str, Any], agent_id: str = "") -> None:
        """Tell webhooks of `event`, one of `HOOK_EVENTS`, and see it stored, behind all before it.

        A store that can't be written does not fail the caller: it is tried again (`run`).
        """
        self.note(Notice(event, agent_id, str(data.get("conversation_id", "")), data))
        await self.flush()

    async def flush(self) -> bool:
        """Write into the store what has been noted so far; return whether that worked."""
        async with self._storing:
            if not self._notes:
                return True
            taken = list(self._notes)
            self._notes.clear()
            try:
                stored = await asyncio.to_thread(self._store, without_stale(taken))
            except SdrLabError as error:
                log.error("webhooks: %s; will try again", error)
                self._notes.extendleft(reversed(taken))
                return False
            if stored:
                self._due.set()
            return True

    def _store(self, notices: list[Notice]) -> int:
        from sdr_lab.store.hook_rows import Message

        hooks = self.lab.hooks.list()
        wanted = [
            Message(notice.event, notice.body(), notice.agent_id, notice.conversation_id)
            for notice in notices
            if any(hook.wants(notice.event, notice.agent_id) for hook in hooks)
        ]
        return self.lab.deliveries.enqueue_all(wanted) if wanted else 0

    # ---- sending

    async def run(self) -> None:
        """Store and send until cancelled; what has been noted by then is stored."""
        await asyncio.to_thread(importlib.import_module, "aiohttp")  # 0.2 s: not in mid-call
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._collect(), name="webhooks: collect")
                group.create_task(self._send(group), name="webhooks: send")
        finally:
            await asyncio.shield(self._put_down())

    async def _put_down(self) -> None:
        """Store what is noted, and what has become of tries."""
        await self.flush()
        await self._take(0)

    async def close(self) -> None:
        """Store what has been noted and close the connections."""
        await self.flush()
        await self._web.close()

    def wake(self) -> None:
        """Look at once for what is due, such as after a re-send."""
        self._due.set()

    async def ping(self, hook: Webhook) -> Attempt:
        """Send a test event to a webhook now, once, without storing it."""
        data = {"webhook_id": hook.id, "message": "a test of this webhook"}
        notice = Notice(PING, hook.agent_id or "", "", data)
        return await send(
            self._web, hook.url, hook.secret, notice.body(), PING, self.patience.timeout_s
        )

    async def _collect(self) -> None:
        while True:
            await self._noted.wait()
            await asyncio.sleep(COLLECT_S)
            self._noted.clear()
            if not await self.flush():
                await asyncio.sleep(IDLE_S)
                self._noted.set()

    async def _send(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._due.clear()
            taken = await self._take(AT_ONCE - len(self._sending))
            for delivery, hook in taken:
                self._sending.add(delivery.id)
                group.create_task(self._deliver(delivery, hook), name=delivery.id)
            if not taken:
                await self._rest(await self._until_due_s())
            await asyncio.sleep(GATHER_S)

    async def _rest(self, wait_s: float) -> None:
        """Wait until something may be due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._due.wait()

    async def _take(self, room: int) -> list[tuple[Delivery, Webhook]]:
        """Write down what has become of tries, and claim what is due."""
        tries, self._tried = self._tried, []
        try:
            return await asyncio.to_thread(self._settle_and_claim, tries, room)
        except SdrLabError as error:
            log.error("webhooks: %s", error)
            self._tried = tries + self._tried
            return []

    def _settle_and_claim(self, tries: list[Tried], room: int) -> list[tuple[Delivery, Webhook]]:
        """Work in one thread: writers of SQLite that meet wait much longer than they write."""
        if tries:
            self.lab.deliveries.report(tries)
        if room <= 0:
            return []
        return self.lab.deliveries.due(datetime.now(UTC), room, LEASE_S)

    async def _until_due_s(self) -> float:
        try:
            next_at = await asyncio.to_thread(self.lab.deliveries.next_due)
        except SdrLabError:
            return IDLE_S
        if next_at is None:
            return IDLE_S
        return min(IDLE_S, max(0.05, next_at.timestamp() - time.time()))

    async def _deliver(self, delivery: Delivery, hook: Webhook) -> None:
        try:
            attempt = await send(
                self._web,
                delivery.url,
                hook.secret,
                delivery.body,
                delivery.event,
                self.patience.timeout_s,
                {"X-SDR-Lab-Delivery": delivery.id},
            )
            self._tried.append(self._ended(delivery, attempt))
        except Exception:  # its lease runs out, and it is taken again
            log.exception("webhook delivery %s failed", delivery.id)
        finally:
            self._sending.discard(delivery.id)
            self._due.set()

    def _ended(self, delivery: Delivery, attempt: Attempt) -> Tried:
        """Return what is to be written down of a try."""
        from sdr_lab.store.hook_rows import Tried

        if attempt.ok:
            self._on_tried("delivered")
            return Tried(delivery.id, delivery.attempts, attempt.status)
        wait_s = self.patience.wait_s(delivery.attempts, attempt.retry_after_s)
        if attempt.is_final:
            wait_s = None
        next_at = None if wait_s is None else datetime.now(UTC) + timedelta(seconds=wait_s)
        self._on_tried("dead" if next_at is None else "failed")
        log.warning(
            "webhook %s: delivery %s (%s) failed: %s; %s",
            delivery.webhook_id,
            delivery.id,
            delivery.event,
            attempt.error,
            "given up" if wait_s is None else f"next try in {wait_s:.0f} s",
        )
        return Tried(delivery.id, delivery.attempts, attempt.status, attempt.error, next_at)


def without_stale(notices: list[Notice]) -> list[Notice]:
    """Leave out partial transcripts that a later event of the same call has overtaken."""
    kept: list[Notice] = []
    later: set[str] = set()
    for notice in reversed(notices):
        if notice.event != "transcript.partial" or notice.conversation_id not in later:
            kept.append(notice)
        later.add(notice.conversation_id)
    return kept[::-1]
