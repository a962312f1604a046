"""`<Dial>`: another number is called and connected with the caller."""

from __future__ import annotations

import asyncio

from sdr_lab.simulate.phone_call import Final, PhoneCall, Status
from sdr_lab.simulate.phone_callbacks import Callbacks
from sdr_lab.simulate.phone_exchange import Exchange
from sdr_lab.simulate.phone_order import E164
from sdr_lab.simulate.phone_recording import recording_form, recording_of
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.simulate.phone_twiml import Dial, Number


async def run_dial(exchange: Exchange, call: PhoneCall, verb: Dial) -> dict[str, str]:
    """Call the numbers until one answers; return the fields that `action` is told.

    The connected parties are left to themselves for as long as the subscriber says: what people
    tell each other is nothing that a server hears.
    """
    if verb.caller_id and not E164.fullmatch(verb.caller_id):
        call.report(13214, f"<Dial callerId={verb.caller_id!r}> is no E.164 number")
    leg: PhoneCall | None = None
    for number in verb.numbers:
        if not E164.fullmatch(number.number):
            call.report(13223, f"<Dial> {number.number!r} is no E.164 number")
            continue
        leg = PhoneCall(
            to=number.number,
            from_=verb.caller_id or call.from_,
            direction="outbound-dial",
            account_sid=call.account_sid,
            parent_sid=call.sid,
        )
        call.dialled.append(leg)
        exchange.add(leg)
        await _Leg(exchange, leg, verb, number).run()
        if leg.answered_at is not None:
            break
    if leg is None:
        return {"DialCallStatus": "failed"}
    return _result(exchange, leg, verb)


class _Leg:
    """The called end."""

    def __init__(self, exchange: Exchange, leg: PhoneCall, verb: Dial, number: Number) -> None:
        self.leg = leg
        self.verb = verb
        self.number = number
        self.timing = exchange.timing
        self.subscriber: Subscriber = exchange.find(number.number)
        faults = self.subscriber.callback_faults
        self.callbacks = Callbacks(leg, exchange.courier, faults, exchange.spawn)

    async def run(self) -> None:
        ending: Final = "completed"
        try:
            ending = await self._talk()
        finally:
            self._become(ending)

    async def _talk(self) -> Final:
        subscriber = self.subscriber
        self._become("initiated")
        if subscriber.outcome == "failed":
            return "failed"
        self._become("ringing")
        rings_s = self.timing.ring_s if subscriber.ring_s is None else subscriber.ring_s
        await asyncio.sleep(min(rings_s, self.verb.timeout_s))
        if subscriber.outcome == "busy":
            return "busy"
        if subscriber.outcome == "no-answer" or rings_s > self.verb.timeout_s:
            return "no-answer"
        self._become("in-progress")
        await asyncio.sleep(min(subscriber.talks_s, self.verb.time_limit_s))
        return "completed"

    def _become(self, status: Status) -> None:
        self.leg.become(status)
        number = self.number
        self.callbacks.status(status, number.status_callback, number.events, number.method)


def _result(exchange: Exchange, leg: PhoneCall, verb: Dial) -> dict[str, str]:
    fields = {"DialCallStatus": leg.status, "DialCallSid": leg.sid}
    if leg.answered_at is None:
        return fields
    fields |= {"DialCallDuration": str(leg.duration_s), "DialBridged": "true"}
    if verb.record.startswith("record-"):
        channels = 2 if verb.record.endswith("-dual") else 1
        recording = recording_of(leg, channels, "DialVerb")
        leg.recordings.append(recording)
        form = dict(recording_form(recording, leg, exchange.base_url))
        fields["RecordingUrl"] = form["RecordingUrl"]
        if verb.recording_callback:
            callbacks = Callbacks(
                leg, exchange.courier, exchange.find(leg.to).callback_faults, exchange.spawn
            )
            callbacks.send("recording", verb.recording_callback, tuple(form.items()))
    return fields
