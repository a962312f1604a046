"""What must not come about: calls that Twilio refuses, calls made twice, streams of strangers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from elevenlabs.core.api_error import ApiError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from sdr_lab.logs import Masked
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_faults import CallbackFaults, RestFault, StreamFaults
from sdr_lab.simulate.phone_network import AUTH_TOKEN
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.telephony.signature import sign
from tests.e2e.world import INCOMING, OURS, PUBLIC, WAIT_S, World, world

pytestmark = pytest.mark.asyncio(loop_scope="package")

HIS, BUSY = "+14155550137", "+14155550138"
CALL = {"to_number": HIS, "from_number": OURS}
STREAM_FAILED = 31920
CLOSED_EARLY = 31921
WEBHOOK_FAILED = 11200


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    home = tmp_path_factory.mktemp("home")
    async with world(home, TWILIO_TIMEOUT_S=1, SHUTDOWN_GRACE_S=0) as made:
        agent_id = await made.agent()
        await made.post("/phone-numbers", {"phone_number": OURS, "agent_id": agent_id})
        made.network.subscribe(BUSY, Subscriber(outcome="busy"))
        CALL["agent_id"] = agent_id
        yield made


# ---- what Twilio refuses


@pytest.mark.parametrize(
    ("fault", "status", "code", "words"),
    [
        (RestFault.refused(21211), 422, 21211, "no phone number"),
        (RestFault.refused(21215), 403, 21215, "Geo permissions"),
        (RestFault.refused(20003, 401), 502, 20003, "TWILIO_AUTH_TOKEN"),
        (RestFault.too_many(), 429, 20429, "try again"),
        (RestFault(status=500), 502, None, "try again later"),
        (RestFault(status=503, delay_s=1.3), 504, None, "no answer within 1 s"),
        (RestFault(is_cut=True), 502, None, "twilio"),
        (RestFault(body="<html>"), 502, None, "twilio"),
    ],
    ids=["bad-number", "country", "credentials", "too-many", "broken", "late", "cut", "no-json"],
)
async def test_what_twilio_refuses_is_said_clearly_and_kept(
    here: World, fault: RestFault, status: int, code: int | None, words: str
):
    here.network.fail(fault)
    reply = await here.http.post("/v1/convai/twilio/outbound-call", json=CALL)

    told = reply.json()
    assert reply.status_code == status, told
    assert told["detail"].get("twilio_code") == code
    assert words in told["error"]
    assert AUTH_TOKEN not in reply.text
    (newest,) = (await here.get("/conversations", page_size=1))["conversations"]
    assert (newest["call_status"], newest["status"]) == ("failed", "failed")
    assert words in newest["ended_reason"]


async def test_a_call_that_twilio_placed_all_the_same_is_held(here: World):
    """Its answer was lost, the callee was not."""
    here.network.subscribe(HIS, Subscriber(Caller().hangs_up(at=1.5)))
    here.network.fail(RestFault(delay_s=1.3))
    told = await here.post("/twilio/outbound-call", CALL, 504)
    call = list(here.network.calls.values())[-1]
    account = await here.settled(call)

    assert "may have been placed" in told["error"]
    assert call.warnings == []
    assert (account["call_status"], account["status"]) == ("completed", "done")
    assert account["transcript"][0]["message"] == "Hi, this is Joe."


async def test_the_sdk_learns_why(here: World):
    here.network.fail(RestFault.refused(21211))

    with pytest.raises(ApiError) as refused:
        await here.sdk.conversational_ai.twilio.outbound_call(
            agent_id=CALL["agent_id"], agent_phone_number_id=OURS, to_number=HIS
        )
    assert refused.value.status_code == 422
    assert "21211" in str(refused.value.body)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"to_number": "12"}, 422),
        ({"agent_id": "nobody"}, 404),
        ({"from_number": "+15559990000"}, 404),
    ],
)
async def test_what_can_not_be_dialled_is_not_dialled(here: World, change: dict, status: int):
    before = len(here.network.requests)
    await here.post("/twilio/outbound-call", {**CALL, **change}, status)

    assert len(here.network.requests) == before


async def test_without_the_key_nobody_calls(here: World):
    path = "/v1/convai/twilio/outbound-call"
    before = len(here.network.requests)
    reply = await here.http.post(path, json=CALL, headers={"xi-api-key": "wrong"})

    assert reply.status_code == 401
    assert len(here.network.requests) == before


# ---- once is enough


async def test_the_same_key_twice_is_one_call(here: World):
    before = len(here.network.calls)
    order = {**CALL, "to_number": BUSY}
    path = "/v1/convai/twilio/outbound-call"
    headers = {"Idempotency-Key": "order-4711"}

    first = await here.http.post(path, json=order, headers=headers)
    again = await here.http.post(path, json=order, headers=headers)
    other = await here.http.post(path, json=CALL, headers=headers)

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(here.network.calls) == before + 1
    await here.settled(here.network.calls[first.json()["call_sid"]])


async def test_the_same_key_at_the_same_moment_is_one_call(here: World):
    before = len(here.network.calls)
    order = {**CALL, "to_number": BUSY}
    replies = await asyncio.gather(
        *(
            here.http.post(
                "/v1/convai/twilio/outbound-call",
                json=order,
                headers={"Idempotency-Key": "order-4712"},
            )
            for _ in range(4)
        )
    )

    assert {reply.status_code for reply in replies} <= {200, 409}
    assert len({reply.json().get("call_sid") for reply in replies if reply.is_success}) == 1
    assert len(here.network.calls) == before + 1


# ---- streams and webhooks of strangers


async def ring(here: World, subscriber: Subscriber) -> PhoneCall:
    call = await here.network.ring(OURS, subscriber, INCOMING)
    async with asyncio.timeout(WAIT_S):
        await here.network.settled(call)
    return call


def hangs_up_soon() -> Caller:
    return Caller(number=HIS).hangs_up(at=0.4)


@pytest.mark.parametrize("signature", ["wrong", "none"])
async def test_a_forged_webhook_is_not_answered(here: World, signature: str):
    faults = CallbackFaults(signature=signature)  # type: ignore[arg-type]
    call = await ring(here, Subscriber(hangs_up_soon(), callback_faults=faults))

    assert [notice.code for notice in call.warnings] == [WEBHOOK_FAILED]
    assert call.streams == []
    reply = await here.http.get(f"/v1/convai/conversations/{call.sid}")
    assert reply.status_code == 404


@pytest.mark.parametrize("signature", ["wrong", "none"])
async def test_a_forged_stream_is_turned_away(
    here: World, signature: str, caplog: pytest.LogCaptureFixture
):
    faults = StreamFaults(signature=signature)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        call = await ring(here, Subscriber(hangs_up_soon(), stream_faults=faults))

    assert [notice.code for notice in call.warnings] == [STREAM_FAILED]
    assert "HTTP 403" in call.warnings[0].text
    assert "we can't take your call" in call.said[-1]
    assert "signature" in caplog.text
    token = call.stream.verb.url.rsplit("/", 1)[1]  # still good for Twilio
    assert token not in Masked(here.desk.settings).hide(caplog.text)
    assert (await here.done(call.sid))["call_status"] == "failed"


async def test_a_stream_of_another_call_is_closed(here: World, caplog: pytest.LogCaptureFixture):
    faults = StreamFaults(call_sid="CA" + "0" * 32)
    with caplog.at_level(logging.WARNING):
        call = await ring(here, Subscriber(hangs_up_soon(), stream_faults=faults))

    assert call.stream.close_code == 1008
    assert [notice.code for notice in call.warnings] == [CLOSED_EARLY]
    assert "is of call 'CA0000" in caplog.text
    assert (await here.done(call.sid))["ended_reason"] == "its stream never came"


async def test_a_stream_is_let_in_once(here: World):
    call = await ring(here, Subscriber(hangs_up_soon()))
    assert call.warnings == []

    url = call.stream.verb.url
    real = url.replace(f"wss{PUBLIC.removeprefix('https')}", f"ws{here.url.removeprefix('http')}")
    signature = sign(url, {}, AUTH_TOKEN)
    for headers in ({"X-Twilio-Signature": signature}, {}):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(real, additional_headers=headers):
                pytest.fail("it was let in")
        assert refused.value.response.status_code == 403


async def test_all_of_it_is_counted(here: World):
    text = (await here.http.get("/metrics")).text
    refused = "sdr_lab_calls_refused_total"
    counted = {
        line.split()[0].removeprefix(refused): float(line.split()[1])
        for line in text.splitlines()
        if line.startswith(refused)
    }

    assert counted == {'{why="signature"}': 4, '{why="stream"}': 1, '{why="token"}': 2}
