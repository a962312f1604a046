"""Callbacks of one call: in order by default, and late, repeated, reversed or lost on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

from sdr_lab.simulate.phone_call import OVER, PhoneCall, Status, rfc2822
from sdr_lab.simulate.phone_faults import CallbackFaults
from sdr_lab.simulate.phone_webhooks import Courier, Pairs

Spawn = Callable[[Coroutine[object, object, None]], None]

EVENT_OF: dict[str, str] = {"in-progress": "answered"}
"""Statuses whose event has another name; all final ones are `completed`."""


class Callbacks:
    """Sends what a call has to tell, without holding it up."""

    def __init__(
        self, call: PhoneCall, courier: Courier, faults: CallbackFaults, spawn: Spawn
    ) -> None:
        self.call = call
        self.faults = faults
        self._courier = courier
        self._spawn = spawn
        self._pending = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._held: list[tuple[str, str, Pairs, str]] = []
        self._last: asyncio.Event | None = None

    def status(self, status: Status, url: str, events: tuple[str, ...], method: str) -> None:
        """Tell of a status, if somebody asked for its event."""
        event = "completed" if status in OVER else EVENT_OF.get(status, status)
        if not url or event not in events:
            return
        call = self.call
        form = call.form() | {
            "CallStatus": status,
            "SequenceNumber": str(call.sequence),
            "CallbackSource": "call-progress-events",
            "Timestamp": rfc2822(datetime.now(UTC)) or "",
        }
        call.sequence += 1
        if status in OVER:
            form |= {"CallDuration": str(call.duration_s), "SipResponseCode": SIP[status]}
            form |= {"Duration": str(-(-call.duration_s // 60))}
        if call.answered_by:
            form["AnsweredBy"] = call.answered_by
        if not self.faults.is_reversed:
            self.send(event, url, tuple(form.items()), method)
            return
        self._held.append((event, url, tuple(form.items()), method))
        if status in OVER:
            for held in reversed(self._held):
                self.send(*held)
            self._held.clear()

    def send(
        self, event: str, url: str, form: Pairs, method: str = "POST", after_s: float = 0.0
    ) -> None:
        """Send one callback, as often and as late as the faults want it."""
        if not url or event in self.faults.drops:
            return
        delay_s = self.faults.delays_s.get(event, 0.0) + after_s
        for _ in range(1 + self.faults.repeats):
            self._pending += 1
            self._is_idle.clear()
            done = asyncio.Event()
            before = None if delay_s else self._last
            if not delay_s:
                self._last = done
            self._spawn(self._deliver(event, url, form, method, delay_s, before, done))

    async def sent(self) -> None:
        """Wait until all callbacks of the call have been delivered or given up."""
        await self.call.over.wait()
        await self._is_idle.wait()

    async def _deliver(
        self,
        event: str,
        url: str,
        form: Pairs,
        method: str,
        delay_s: float,
        before: asyncio.Event | None,
        done: asyncio.Event,
    ) -> None:
        try:
            if before is not None:
                await before.wait()
            await asyncio.sleep(delay_s)
            signature = self.faults.signature
            webhook = await self._courier.send(event, url, form, method, signature)
            self.call.webhooks.append(webhook)
            if not 200 <= webhook.status < 300:
                why = webhook.error or f"HTTP {webhook.status}"
                self.call.report(15003, f"{event} callback to {url}: {why}")
        finally:
            done.set()
            self._pending -= 1
            if not self._pending:
                self._is_idle.set()


SIP = {
    "completed": "200",
    "busy": "486",
    "no-answer": "480",
    "failed": "404",
    "canceled": "487",
}
