"""The course of a call: it rings, is answered, TwiML is carried out, and it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from sdr_lab.simulate.phone_call import Final, PhoneCall, Status
from sdr_lab.simulate.phone_callbacks import Callbacks
from sdr_lab.simulate.phone_dial import run_dial
from sdr_lab.simulate.phone_exchange import Exchange
from sdr_lab.simulate.phone_faults import StreamFaults
from sdr_lab.simulate.phone_order import is_http_url
from sdr_lab.simulate.phone_recording import recording_form, recording_of
from sdr_lab.simulate.phone_stream import StreamLeg
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.simulate.phone_twiml import (
    TYPES,
    Connect,
    Dial,
    Hangup,
    Pause,
    Redirect,
    Reject,
    Say,
    Verb,
    read_twiml,
)
from sdr_lab.simulate.phone_webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Source:
    """Where the next TwiML comes from: a webhook, or it is here already."""

    url: str = ""
    method: str = "POST"
    event: str = "voice"
    extra: Mapping[str, str] = field(default_factory=dict)
    twiml: str = ""
    fallback_url: str = ""


class CallFlow:
    """Leads one call from its first ring to its end."""

    def __init__(
        self,
        exchange: Exchange,
        call: PhoneCall,
        subscriber: Subscriber,
        source: Source,
        status_callback: tuple[str, tuple[str, ...], str],
    ) -> None:
        self.exchange = exchange
        self.call = call
        self.subscriber = subscriber
        self.callbacks = Callbacks(
            call, exchange.courier, subscriber.callback_faults, exchange.spawn
        )
        self._source: Source | None = source
        self._told = status_callback
        self._base = source.url
        self._ending: Final | None = None
        self._current: asyncio.Task[None] | None = None
        self._answered_s = 0.0
        self._limit: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Lead the call to its end."""
        order = self.call.order
        try:
            await self._do(self._ring() if order else self._ring_in())
            if self._ending is None:
                if order:
                    self.limit(order.time_limit_s)
                await self._talk()
        finally:
            if self._limit is not None:
                self._limit.cancel()
            self._finish(self._ending or "completed")

    def limit(self, seconds: float) -> None:
        """End the call so long after its answer; a limit from before is forgotten."""
        if self._limit is not None:
            self._limit.cancel()
        loop = asyncio.get_running_loop()
        self._limit = loop.call_at(self._answered_s + seconds, self.end)

    def end(self, how: Final = "completed") -> None:
        """End the call, whatever it is doing."""
        self._ending = how
        self._source = None
        if self._current is not None:
            self._current.cancel()

    def redirect(self, source: Source) -> None:
        """Let the call go on with other TwiML."""
        self._source = source
        if self._current is not None:
            self._current.cancel()

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that `end` and `redirect` may break off."""
        async with asyncio.TaskGroup() as tasks:
            self._current = tasks.create_task(work)
        self._current = None

    def _become(self, status: Status) -> None:
        self.call.become(status)
        url, events, method = self._told
        self.callbacks.status(status, url, events, method)

    # ---- before the answer

    async def _ring(self) -> None:
        """Dial out."""
        order, subscriber = self.call.order, self.subscriber
        timing = self.exchange.timing
        await asyncio.sleep(timing.queue_s)
        self._become("initiated")
        if subscriber.outcome == "failed":
            self._ending = "failed"
            return
        if subscriber.outcome != "busy":
            self._become("ringing")
        rings_s = timing.ring_s if subscriber.ring_s is None else subscriber.ring_s
        most_s = order.ring_s if order else 60.0
        await asyncio.sleep(min(rings_s, most_s))
        if subscriber.outcome == "busy":
            self._ending = "busy"
        elif subscriber.outcome == "no-answer" or rings_s > most_s:
            self._ending = "no-answer"
        else:
            self._answer()
            await self._detect_machine()

    async def _ring_in(self) -> None:
        """Ask the server what to do with a call that comes in."""
        self.call.become("ringing")
        source, self._source = self._source, None
        verbs = await self._load(source) if source else None
        if verbs and isinstance(verbs[0], Reject):
            self._ending = "busy" if verbs[0].reason == "busy" else "no-answer"
            return
        self._answer()
        if verbs is not None:
            await self._perform(verbs)

    def _answer(self) -> None:
        self._answered_s = asyncio.get_running_loop().time()
        self._become("in-progress")

    async def _detect_machine(self) -> None:
        order = self.call.order
        if order is None or not order.machine_detection:
            return
        if not order.is_async_amd:
            await asyncio.sleep(self.subscriber.amd_s)
            self.call.answered_by = self.subscriber.answered_by
            return
        if not order.amd_callback:
            self.call.report(21262, "AsyncAmd without AsyncAmdStatusCallback: nobody is told")
        self.exchange.spawn(self._tell_who_answered(order.amd_callback))

    async def _tell_who_answered(self, url: str) -> None:
        await asyncio.sleep(self.subscriber.amd_s)
        if self.call.is_over:
            return
        self.call.answered_by = self.subscriber.answered_by
        form = {
            "CallSid": self.call.sid,
            "AccountSid": self.call.account_sid,
            "AnsweredBy": self.call.answered_by,
            "MachineDetectionDuration": str(round(self.subscriber.amd_s * 1000)),
        }
        self.callbacks.send("amd", url, tuple(form.items()))

    # ---- after the answer

    async def _talk(self) -> None:
        while self._source is not None and self._ending is None:
            source, self._source = self._source, None
            await self._do(self._follow(source))

    async def _follow(self, source: Source) -> None:
        verbs = await self._load(source)
        if verbs is not None:
            await self._perform(verbs)

    async def _load(self, source: Source) -> list[Verb] | None:
        """Return the verbs of a document; None when there is none, which ends the call."""
        if source.twiml:
            body = source.twiml.encode()
        else:
            webhook = await self._fetch(source.url, source.method, source.event, source.extra)
            if not _is_fine(webhook) and source.fallback_url:
                extra = {"ErrorCode": "11200", "ErrorUrl": source.url}
                webhook = await self._fetch(source.fallback_url, "POST", "fallback", extra)
            if not _is_fine(webhook):
                return None
            body = webhook.body
        self.call.documents.append(body.decode("utf-8", "replace"))
        return read_twiml(body, self.call.report)

    async def _fetch(self, url: str, method: str, event: str, extra: Mapping[str, str]) -> Webhook:
        call = self.call
        form = call.form() | dict(extra)
        if call.answered_by:
            form["AnsweredBy"] = call.answered_by
        url = urljoin(self._base, url)
        if not is_http_url(url):
            call.report(11100, f"{event} URL {url!r} is not http or https")
            return Webhook(event, method, url, tuple(form.items()), 0, error="invalid URL")
        signature = self.subscriber.callback_faults.signature
        courier = self.exchange.courier
        webhook = await courier.send(event, url, tuple(form.items()), method, signature)
        call.webhooks.append(webhook)
        self._base = url
        if not webhook.status:
            call.report(11205, f"{event} webhook {url}: {webhook.error}")
        elif not 200 <= webhook.status < 300:
            call.report(11200, f"{event} webhook {url}: HTTP {webhook.status}")
        elif webhook.content_type not in TYPES:
            call.report(12300, f"{event} webhook {url}: content type {webhook.content_type!r}")
        return webhook

    async def _perform(self, verbs: list[Verb]) -> None:
        """Carry out a document. It ends early when a verb leads to another one."""
        for verb in verbs:
            match verb:
                case Say(text):
                    self.call.said.append(text)
                    await asyncio.sleep(len(text.split()) * self.exchange.timing.say_word_s)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Hangup() | Reject():
                    return
                case Redirect(url, method):
                    self._source = Source(url, method, "redirect")
                case Connect():
                    await self._connect(verb)
                case Dial():
                    await self._dial(verb)
            if self._source is not None or self._ending is not None:
                return

    async def _connect(self, verb: Connect) -> None:
        subscriber = self.subscriber
        # a second stream finds a caller who is well: faults belong to the first
        faults = StreamFaults() if self.call.streams else subscriber.stream_faults
        leg = StreamLeg(self.call, verb, subscriber.caller, subscriber.condition, faults)
        self.call.streams.append(leg)
        exchange = self.exchange
        ending = await leg.run(exchange.courier, self.callbacks, exchange.timing.connect_s)
        if ending == "hung up":
            self._ending = "completed"
        if verb.action and ending != "hung up":
            self._source = Source(verb.action, verb.method, "action")
        elif verb.action:
            await self._fetch(verb.action, verb.method, "action", {"CallStatus": "completed"})

    async def _dial(self, verb: Dial) -> None:
        result = await run_dial(self.exchange, self.call, verb)
        if verb.action:
            self._source = Source(verb.action, verb.method, "dial", result)

    # ---- the end

    def _finish(self, status: Final) -> None:
        call, order = self.call, self.call.order
        if order and order.records and call.answered_at:
            recording = recording_of(call, order.channels, "OutboundAPI")
            call.recordings.append(recording)
            form = recording_form(recording, call, self.exchange.base_url)
            after_s = self.exchange.timing.recording_s
            self.callbacks.send("recording", order.recording_callback, form, after_s=after_s)
        self._become(status)


def _is_fine(webhook: Webhook) -> bool:
    return 200 <= webhook.status < 300 and webhook.content_type in TYPES
