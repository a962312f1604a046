"""Placing calls over REST, as the seed writes it and as the official SDK does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError

from sdr_lab.simulate.phone_faults import RestFault
from sdr_lab.simulate.phone_subscriber import Subscriber
from tests.live.served import HIS, OURS, served

PATH = "/v1/convai/twilio/outbound-call"
KEY = "the-right-key"


async def test_the_seeds_fields_and_the_sdks_place_the_same_call(home: Path):
    async with served(home, API_KEYS=KEY) as server:
        server.network.subscribe(HIS, Subscriber(outcome="busy"))
        number = server.lab.numbers.get(OURS).id
        sdk = ElevenLabs(base_url=server.url, api_key=KEY).conversational_ai.twilio

        placed = await asyncio.to_thread(
            sdk.outbound_call,
            agent_id="joe",
            agent_phone_number_id=number,
            to_number=HIS,
            conversation_initiation_client_data={  # type: ignore[arg-type]
                "dynamic_variables": {"lead": "Dana"},
                "conversation_config_override": {"agent": {"first_message": "Hi {{lead}}."}},
            },
        )
        async with httpx.AsyncClient(base_url=server.url, headers={"xi-api-key": KEY}) as client:
            seed = await client.post(
                PATH,
                json={
                    "agent_id": "joe",
                    "to_number": HIS,
                    "first_message": "Hi {{lead}}.",
                    "dynamic_variables": {"lead": "Dana"},
                    "enable_recording": True,
                },
            )

        assert placed.success
        assert seed.status_code == 200
        assert placed.conversation_id is not None
        keys = [placed.conversation_id, seed.json()["conversation_id"]]
        sids = [placed.call_sid, seed.json()["callSid"]]
        rows = [server.lab.calls.get(key) for key in keys]
        assert [row.call_sid for row in rows] == sids
        for row in rows:
            assert row.overrides == {"first_message": "Hi {{lead}}."}
            assert row.variables == {"lead": "Dana"}
        orders = [server.network.calls[sid].order for sid in sids if sid]
        assert [order and order.records for order in orders] == [False, True]


async def test_refusals_are_clear(home: Path):
    async with served(home, API_KEYS=KEY) as server:
        await server.lab.do_not_call.add("+14155550199", "asked", "")
        async with httpx.AsyncClient(base_url=server.url, headers={"xi-api-key": KEY}) as client:

            async def post(**changes: object) -> httpx.Response:
                return await client.post(
                    PATH, json={"agent_id": "joe", "to_number": HIS, **changes}
                )

            forbidden = await post(to_number="+1 415 555 0199")
            assert forbidden.status_code == 403
            assert forbidden.json()["detail"]["status"] == "do_not_call"

            wrong = await post(to_number="12345")
            assert wrong.status_code == 422
            assert "E.164" in wrong.json()["error"]

            assert (await post(agent_id="nobody")).status_code == 404
            assert (await post(to_number=None)).status_code == 422

            server.network.fail(RestFault.refused(21215, 400))
            refused = await post()
            assert refused.status_code == 403
            assert refused.json()["detail"]["twilio_code"] == 21215
            assert "Geo permissions" in refused.json()["error"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to_number": "12"}, ["to_number"]),
        ({"dynamic_variables": {"a": "x" * 3000}}, ["dynamic_variables"]),
        ({"first_message": "Hi {{who}}."}, ["dynamic_variables", "who"]),
        ({"first_message": "x" * 2000}, ["first_message"]),
        ({"custom_voice": "x"}, ["custom_voice"]),
        (
            {
                "conversation_initiation_client_data": {
                    "conversation_config_override": {"agent": {"language": "fr"}}
                }
            },
            ["conversation_initiation_client_data", "conversation_config_override"],
        ),
    ],
)
async def test_what_is_wrong_is_named(home: Path, change: dict[str, Any], field: list[str]):
    async with served(home) as server, httpx.AsyncClient(base_url=server.url) as client:
        reply = await client.post(PATH, json={"agent_id": "joe", "to_number": HIS, **change})

        assert reply.status_code == 422
        assert reply.json()["detail"][0]["loc"] == ["body", *field]
        assert server.network.calls == {}


async def test_null_is_as_good_as_left_out_and_the_reply_says_who_is_called(home: Path):
    body = {
        "agent_id": "joe",
        "to_number": "(415) 555-0137",
        "agent_phone_number_id": None,
        "conversation_initiation_client_data": None,
        "first_message": None,
        "enable_recording": None,
    }
    async with served(home) as server, httpx.AsyncClient(base_url=server.url) as client:
        server.network.subscribe(HIS, Subscriber(outcome="busy"))
        reply = (await client.post(PATH, json=body)).json()

    assert (reply["agent_id"], reply["phone_number"], reply["status"]) == ("joe", HIS, "initiated")
    assert reply["callSid"] == reply["call_sid"]


async def test_a_call_that_is_asked_for_twice_is_placed_once(home: Path):
    async with served(home) as server:
        server.network.subscribe(HIS, Subscriber(outcome="no-answer"))
        headers = {"Idempotency-Key": "order-7"}
        body = {"agent_id": "joe", "to_number": HIS}
        async with httpx.AsyncClient(base_url=server.url) as client:
            replies = [await client.post(PATH, json=body, headers=headers) for _ in range(2)]
            other = {**body, "to_number": "+14155550199"}
            changed = await client.post(PATH, json=other, headers=headers)

        assert [reply.status_code for reply in replies] == [200, 200]
        assert replies[0].json() == replies[1].json()
        assert len(server.network.calls) == 1
        assert changed.status_code == 409


async def test_the_sdk_gets_our_errors(home: Path):
    async with served(home, API_KEYS=KEY) as server:
        sdk = ElevenLabs(base_url=server.url, api_key=KEY).conversational_ai.twilio
        with pytest.raises(ApiError) as caught:
            await asyncio.to_thread(
                sdk.outbound_call, agent_id="nobody", agent_phone_number_id="", to_number=HIS
            )

    assert caught.value.status_code == 404
    assert caught.value.body["detail"]["status"] == "not_found"


async def test_twiml_for_a_call_of_ones_own(home: Path):
    async with served(home, API_KEYS=KEY) as server:
        sdk = ElevenLabs(base_url=server.url, api_key=KEY).conversational_ai.twilio
        await asyncio.to_thread(sdk.register_call, agent_id="joe", from_number=HIS, to_number=OURS)

        [call] = server.lab.calls.list().calls
        assert (call.phone_number, call.agent_number, call.line) == (HIS, OURS, "twilio")
