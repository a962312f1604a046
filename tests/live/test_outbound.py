from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdr_lab.agents.overrides import Overrides
from sdr_lab.errors import BadInput, NotFound
from sdr_lab.live.desk import Desk
from sdr_lab.live.outbound import MustNotCall, OutboundRequest, place_call
from sdr_lab.live.prepared import prepare
from sdr_lab.live.switchboard import NoRoom
from sdr_lab.simulate.phone_faults import RestFault
from sdr_lab.simulate.phone_network import PhoneNetwork
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.store.folder import Status
from sdr_lab.telephony.twilio_errors import TwilioError
from tests.live.served import AGENT, HIS, OURS, PUBLIC, ScriptedLab, scripted_lab

JOE = OutboundRequest("joe", HIS)


@asynccontextmanager
async def dialling(
    home: Path, **changes: Any
) -> AsyncIterator[tuple[Desk, ScriptedLab, PhoneNetwork]]:
    """A desk and a phone network that it can dial; nobody answers its webhooks."""
    reach = {PUBLIC: "http://127.0.0.1:9"}
    async with PhoneNetwork(reach=reach, owned=[OURS, "+15550003333"]) as network:
        network.subscribe(HIS, Subscriber(outcome="busy"))
        lab = scripted_lab(home, TWILIO_API_URL=network.base_url, **changes)
        desk = await Desk.open(lab.settings, lab, background=False)
        try:
            yield desk, lab, network
        finally:
            await desk.close()


async def test_a_call_is_dialled_with_all_that_was_asked_for(home: Path):
    async with dialling(home) as (desk, lab, network):
        request = OutboundRequest(
            "joe",
            "(415) 555-0137",
            variables={"lead": "Dana"},
            overrides=Overrides(first_message="Hi {{lead}}."),
            recording=True,
            ring_s=15,
        )

        placed = await place_call(desk, request)

        order = network.calls[placed.call_sid].order
        assert order is not None
        about = f"?conversation_id={placed.conversation_id}"
        assert (order.to, order.from_) == (HIS, OURS)
        assert order.url == f"{PUBLIC}/voice/outbound{about}"
        assert order.status_callback == f"{PUBLIC}/voice/status{about}"
        row = lab.calls.get(placed.call_sid)
        assert (row.id, row.status) == (placed.conversation_id, Status.INITIATED)
        assert (row.direction, row.phone_number, row.agent_number) == ("outbound", HIS, OURS)
        assert row.overrides == {"first_message": "Hi {{lead}}."}
        assert row.variables == {"lead": "Dana"}


async def test_the_row_is_there_before_twilio_is_asked(home: Path):
    async with dialling(home) as (desk, lab, network):
        network.fail(RestFault.refused(21215, 400))

        with pytest.raises(TwilioError) as caught:
            await place_call(desk, JOE)

        assert (caught.value.status, caught.value.code) == (403, 21215)
        [call] = lab.calls.list().calls
        assert call.status is Status.FAILED
        assert "21215" in call.ended_reason
        assert desk.switchboard.is_open


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (RestFault.refused(20003, 401), 502, 20003),
        (RestFault.refused(21211), 422, 21211),
        (RestFault.too_many(), 429, 20429),
        (RestFault(status=500), 502, None),
        (RestFault(is_cut=True), 502, None),
        (RestFault(delay_s=5), 504, None),
        (RestFault(body="<html>"), 502, None),
    ],
    ids=["credentials", "number", "too many", "broken", "cut", "slow", "nonsense"],
)
async def test_what_twilio_refuses_is_told_with_its_code(
    home: Path, fault: RestFault, status: int, code: int | None
):
    async with dialling(home, TWILIO_TIMEOUT_S=1) as (desk, lab, network):
        network.fail(fault)

        with pytest.raises(TwilioError) as caught:
            await place_call(desk, JOE)

        assert (caught.value.status, caught.value.code) == (status, code)
        assert lab.calls.list().calls[0].status is Status.FAILED


async def test_a_call_that_rings_although_twilio_did_not_answer_may_go_on(home: Path):
    async with dialling(home, TWILIO_TIMEOUT_S=1) as (desk, lab, network):
        network.fail(RestFault(delay_s=3, acts=True))
        with pytest.raises(TwilioError):
            await place_call(desk, JOE)
        [call] = lab.calls.list().calls

        from sdr_lab.live.callbacks import on_status

        rings = {"CallSid": "CA1", "CallStatus": "busy", "SequenceNumber": "2"}
        await on_status(desk, rings, call.id)

        known = lab.calls.get("CA1")
        assert (known.id, known.status) == (call.id, Status.BUSY)  # the network knows better


async def test_a_call_that_is_answered_before_twilio_answers_us_has_not_failed(home: Path):
    async with dialling(home, TWILIO_TIMEOUT_S=1) as (desk, lab, network):
        network.fail(RestFault(delay_s=3, acts=True))
        placing = asyncio.ensure_future(place_call(desk, JOE))
        while not (rows := await asyncio.to_thread(lambda: lab.calls.list().calls)):
            assert not placing.done()
            await asyncio.sleep(0.01)
        ready = await prepare(lab, desk.background, rows[0].id, "twilio")
        await asyncio.to_thread(lab.calls.start, ready.config)  # its stream

        with pytest.raises(TwilioError) as late:
            await placing

        assert late.value.status == 504
        assert lab.calls.get(rows[0].id).status is Status.IN_PROGRESS


async def test_a_number_on_the_do_not_call_list_is_never_dialled(home: Path):
    async with dialling(home) as (desk, lab, network):
        await lab.do_not_call.add("(415) 555-0137", "asked on the phone", "conv_1")

        with pytest.raises(MustNotCall, match="do-not-call"):
            await place_call(desk, JOE)

        assert lab.calls.count() == 0
        assert not network.requests


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        (replace(JOE, to_number="12"), BadInput, "to_number"),
        (replace(JOE, to_number="sip:dana@example.com"), BadInput, "to_number"),
        (replace(JOE, to_number="+19115551234"), BadInput, "service code"),
        (replace(JOE, to_number="+19005551234"), BadInput, "premium"),
        (replace(JOE, agent_id="nobody"), NotFound, "nobody"),
        (replace(JOE, from_number="phnum_none"), NotFound, "phnum_none"),
        (replace(JOE, overrides=Overrides(first_message="Hi {{who}}.")), BadInput, "who"),
    ],
    ids=["short", "sip", "emergency", "premium", "agent", "number", "variable"],
)
async def test_what_can_not_be_dialled_is_refused_before_anything_happens(
    home: Path, request_: OutboundRequest, error: type[Exception], said: str
):
    async with dialling(home) as (desk, lab, network):
        with pytest.raises(error, match=said):
            await place_call(desk, request_)

        assert lab.calls.count() == 0
        assert not network.requests


async def test_the_number_called_from_is_chosen_in_order(home: Path):
    async with dialling(home, TWILIO_PHONE_NUMBER="+15550003333") as (desk, lab, network):

        async def caller_id(**changes: Any) -> str:
            placed = await place_call(desk, replace(JOE, **changes))
            return network.calls[placed.call_sid].from_

        assert await caller_id() == OURS  # the agent's own
        lab.numbers.update(OURS, supports_outbound=False)
        assert await caller_id() == "+15550003333"  # the setting
        with pytest.raises(BadInput, match="not for outbound"):
            await caller_id(from_number=OURS)
        lab.numbers.update(OURS, supports_outbound=True, agent_id=None)
        assert await caller_id(from_number=lab.numbers.get(OURS).id) == OURS  # named


@pytest.mark.parametrize(
    ("on_voicemail", "detection"),
    [("hang_up", "Enable"), ("leave_message", "DetectMessageEnd"), ("ignore", "")],
)
async def test_machines_are_looked_for_as_the_agent_wants(
    home: Path, on_voicemail: Any, detection: str
):
    async with dialling(home) as (desk, lab, network):
        lab.agents.save(replace(AGENT, on_voicemail=on_voicemail), author="test")

        placed = await place_call(desk, JOE)

        order = network.calls[placed.call_sid].order
        assert order is not None
        assert order.machine_detection == detection
        assert order.is_async_amd is bool(detection)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL"),
    ],
    ids=["account", "address"],
)
async def test_what_is_not_set_up_is_named(home: Path, changes: dict[str, str], said: str):
    async with dialling(home, **changes) as (desk, lab, _):
        with pytest.raises(TwilioError, match=said) as caught:
            await place_call(desk, JOE)

        assert caught.value.status == 503
        assert lab.calls.count() == 0


async def test_no_more_than_max_calls(home: Path):
    async with dialling(home, MAX_CALLS=1) as (desk, lab, _):
        await place_call(desk, JOE)
        with pytest.raises(NoRoom):
            await place_call(desk, JOE)

        assert lab.calls.count() == 1
