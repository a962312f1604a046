"""A telephone network on this machine that is Twilio to whoever talks to it.

It answers the REST API to the real `twilio` library, rings numbers, sends signed webhooks,
carries out TwiML, opens signed media streams and plays a scripted caller on them in real time.
What the server does wrong is kept as Twilio's console would show it, and so is what the caller
heard.

    async with PhoneNetwork() as network:
        network.subscribe("+14155550137", Subscriber(Caller().says("Hello?", at=0.5)))
        client.api.base_url = network.base_url          # twilio.rest.Client
        placed = await client.calls.create_async(to=…, from_=…, url=…)
        call = network.calls[placed.sid]
        await network.settled(call)
        assert not call.warnings
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from types import TracebackType
from typing import Any

from aiohttp import web

from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import Notice, PhoneCall
from sdr_lab.simulate.phone_exchange import Exchange
from sdr_lab.simulate.phone_faults import Request, RestFault, Timing
from sdr_lab.simulate.phone_flow import CallFlow, Source
from sdr_lab.simulate.phone_order import CallOrder
from sdr_lab.simulate.phone_rest import RestApi
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.simulate.phone_webhooks import Courier, Webhook

ACCOUNT_SID = "AC" + "5d" * 16
AUTH_TOKEN = "7f" * 16
WITHHELD = "+266696687"
"""What `From` says when a caller withholds his number: ANONYMOUS on a keypad."""


class PhoneNetwork:
    """The network: its numbers, its calls, its faults."""

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        *,
        reach: Mapping[str, str] | None = None,
        owned: Collection[str] = (),
        timing: Timing | None = None,
        default: Subscriber | None = None,
    ) -> None:
        """Describe a network; `async with` opens it on a free port of 127.0.0.1.

        Args:
            account_sid: AC and 32 hex digits.
            auth_token: Secret of the account, for REST and for signatures.
            reach: Where public origins really are: `https://agent.example` →
                `http://127.0.0.1:9001`. URLs are signed as the public knows them.
            owned: Numbers that may stand as `From`; empty: any.
            timing: How long things take.
            default: Whom numbers belong to that nobody subscribed.
        """
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.owned = set(owned)
        self.timing = timing or Timing()
        self.default = default or Subscriber()
        self.calls: dict[str, PhoneCall] = {}
        """All legs by SID, in the order in which they began."""
        self.requests: list[tuple[Request, str, str]] = []
        """REST requests: kind, method, path."""
        self.base_url = ""
        self._reach = dict(reach or {})
        self._numbers: dict[str, Subscriber] = {}
        self._faults: list[RestFault] = []
        self._flows: dict[str, CallFlow] = {}
        self._failures: list[Exception] = []
        self._running: set[asyncio.Task[None]] = set()
        self._is_closing = False

    # ---- opening and closing

    async def __aenter__(self) -> PhoneNetwork:
        app = web.Application()
        app.add_routes(RestApi(self).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        self.courier = Courier(self.auth_token, self._reach, self.timing.webhook_s)
        await self.courier.open()
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._exchange = Exchange(
            self.courier, self.timing, self._spawn, self.base_url, self.find, self._add
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closing = True
        for task in list(self._running):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self.courier.close()
        await self._runner.cleanup()
        if self._failures and error is None:
            raise ExceptionGroup("the phone network itself failed", self._failures)

    # ---- what may be asked of it

    def subscribe(self, number: str, subscriber: Subscriber | Caller) -> None:
        """Say whom a number (E.164) belongs to."""
        if isinstance(subscriber, Caller):
            subscriber = Subscriber(subscriber)
        self._numbers[number] = subscriber

    def fail(self, fault: RestFault) -> None:
        """Let the next REST requests of its kind go wrong."""
        self._faults.append(fault)

    async def ring(
        self,
        to: str,
        subscriber: Subscriber | Caller,
        voice_url: str,
        *,
        from_: str = "",
        method: str = "POST",
        status_callback: str = "",
        fallback_url: str = "",
    ) -> PhoneCall:
        """Let somebody call a number of ours. Returns at once, with the call that begins.

        Args:
            to: Our number, E.164.
            subscriber: Who calls.
            voice_url: Webhook of our number.
            from_: His number; default: the one of his script, or withheld.
            method: Of the webhook: POST or GET.
            status_callback: Told of the end of the call.
            fallback_url: Asked when the webhook fails.
        """
        if isinstance(subscriber, Caller):
            subscriber = Subscriber(subscriber)
        number = from_ or subscriber.caller.number or WITHHELD
        call = PhoneCall(to, number, "inbound", self.account_sid)
        source = Source(voice_url, method, fallback_url=fallback_url)
        self._begin(call, subscriber, source, (status_callback, ("completed",), "POST"))
        return call

    async def settled(self, call: PhoneCall) -> None:
        """Wait until a call is over and all its callbacks have been delivered."""
        await call.over.wait()
        flow = self._flows.get(call.sid)
        if flow is not None:
            await flow.callbacks.sent()

    @property
    def warnings(self) -> list[Notice]:
        """Everything that servers did wrong, in all calls."""
        return [warning for call in self.calls.values() for warning in call.warnings]

    @property
    def webhooks(self) -> list[Webhook]:
        """All requests that were sent, in the order in which they were answered."""
        return self.courier.sent

    # ---- for its parts

    def find(self, number: str) -> Subscriber:
        """Return whom a number belongs to."""
        return self._numbers.get(number, self.default)

    def dial(self, order: CallOrder) -> PhoneCall:
        """Begin a call that was ordered."""
        call = PhoneCall(order.to, order.from_, "outbound-api", self.account_sid, order)
        if order.url:  # it wins over `twiml`
            source = Source(order.url, order.method, fallback_url=order.fallback_url)
        else:
            source = Source(twiml=order.twiml)
        told = (order.status_callback, order.events, order.status_method)
        self._begin(call, self.find(order.to), source, told)
        return call

    def flow_of(self, sid: str) -> CallFlow | None:
        """Return what leads a call; None for legs of `<Dial>`."""
        return self._flows.get(sid)

    def take_fault(self, kind: Request) -> RestFault | None:
        """Return the fault that is due for a request, and count it."""
        for place, fault in enumerate(self._faults):
            if fault.on in ("any", kind):
                rest = fault.used()
                self._faults[place : place + 1] = [rest] if rest else []
                return fault
        return None

    def _begin(
        self,
        call: PhoneCall,
        subscriber: Subscriber,
        source: Source,
        told: tuple[str, tuple[str, ...], str],
    ) -> None:
        flow = CallFlow(self._exchange, call, subscriber, source, told)
        self._flows[call.sid] = flow
        self._add(call)
        self._spawn(flow.run())

    def _add(self, call: PhoneCall) -> None:
        self.calls[call.sid] = call

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._is_closing:
            work.close()
            return
        task = self._tasks.create_task(self._guard(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """A fault of the network must not end the test in the middle of something else."""
        try:
            await work
        except Exception as error:
            self._failures.append(error)
