"""Webhooks over HTTP."""

import asyncio
from pathlib import Path

import pytest
from elevenlabs.client import ElevenLabs
from fastapi.testclient import TestClient

from sdr_lab.api.hooks import DeliveryListReply, HookList
from sdr_lab.api.state import state_of
from sdr_lab.lab import Lab
from tests.api.data_server import data_server
from tests.live.finished_call import JOE, make_call
from tests.live.receiver import receiving

URL = "/v1/convai/webhooks"
HOOK = {"url": "https://crm.example.com/hook", "events": ["call.ended"]}


@pytest.fixture
def lab(client: TestClient) -> Lab:
    return state_of(client.app).lab  # type: ignore[arg-type]


def test_a_webhook_is_made_shown_changed_and_deleted(client: TestClient):
    made = client.post(URL, json=HOOK).json()
    key = made["webhook_id"]

    assert made["secret"].startswith("whsec_")
    shown = client.get(f"{URL}/{key}").json()
    assert "secret" not in shown
    assert shown["secret_hint"] == f"…{made['secret'][-4:]}"
    listed = client.get(URL).json()
    assert [hook.webhook_id for hook in HookList.model_validate(listed).webhooks] == [key]

    changed = client.patch(f"{URL}/{key}", json={"is_active": False, "events": ["*"]}).json()
    assert (changed["is_active"], changed["events"]) == (False, ["*"])
    assert "secret" not in changed
    renewed = client.patch(f"{URL}/{key}", json={"secret": ""}).json()
    assert renewed["secret"] != made["secret"]

    assert client.delete(f"{URL}/{key}").json() == {"success": True}
    assert client.get(f"{URL}/{key}").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://crm.example.com/hook"}, "url"),
        ({"url": "https://10.0.0.1/hook"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["call.exploded"]}, "events"),
        ({"secret": "short"}, "secret"),
    ],
)
def test_what_can_never_work_is_refused(client: TestClient, change: dict, field: str):
    reply = client.post(URL, json={**HOOK, **change})

    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", field]


def test_a_webhook_as_the_seed_writes_it(client: TestClient):
    body = {"webhook_url": HOOK["url"], "events": ["call.ended"]}
    made = client.post(URL, json=body).json()
    moved = client.patch(
        f"{URL}/{made['webhook_id']}", json={"webhook_url": "https://crm.example.com/new"}
    ).json()

    assert made["url"] == made["webhook_url"] == HOOK["url"]
    assert moved["url"] == "https://crm.example.com/new"
    assert client.get(URL).json()["total"] == 1


def test_a_misspelt_field_is_no_webhook_for_all_events(client: TestClient):
    reply = client.post(URL, json={"url": HOOK["url"], "event": ["call.ended"]})

    assert (reply.status_code, reply.json()["error"]) == (422, "event: there is no such field")
    assert client.get(URL).json()["webhooks"] == []


def test_of_an_unknown_agent(client: TestClient):
    assert client.post(URL, json={**HOOK, "agent_id": "nobody"}).status_code == 404


@pytest.mark.parametrize("name", ["url", "events", "is_active", "secret"])
def test_null_is_no_value(client: TestClient, name: str):
    key = client.post(URL, json=HOOK).json()["webhook_id"]

    assert client.patch(f"{URL}/{key}", json={name: None}).status_code == 422
    assert client.patch(f"{URL}/{key}", json={"agent_id": None}).status_code == 200


def test_deliveries_are_listed_with_what_became_of_them(client: TestClient, lab: Lab):
    key = client.post(URL, json=HOOK).json()["webhook_id"]
    lab.deliveries.enqueue("call.ended", '{"conversation_id": "conv_1"}', None)

    page = client.get(f"{URL}/deliveries", params={"status": "pending", "webhook_id": key}).json()

    (one,) = DeliveryListReply.model_validate(page).deliveries
    assert (one.event, one.conversation_id, one.attempts) == ("call.ended", "conv_1", 0)
    whole = client.get(f"{URL}/deliveries/{one.delivery_id}").json()
    assert whole["body"] == '{"conversation_id": "conv_1"}'
    again = client.post(f"{URL}/deliveries/{one.delivery_id}/resend")
    assert again.status_code == 409  # it waits anyway
    assert client.get(f"{URL}/deliveries/dlv_9").status_code == 404
    assert client.get(f"{URL}/deliveries", params={"status": "dead"}).json()["deliveries"] == []


async def test_from_the_end_of_a_call_to_a_receiver_and_back(tmp_path: Path):
    async with data_server(tmp_path) as server, receiving() as receiver:
        server.lab.agents.save(JOE)
        body = {"url": receiver.url, "events": ["post_call_transcription"]}
        made = (await server.http.post(URL, json=body)).json()
        tested = (await server.http.post(f"{URL}/{made['webhook_id']}/test")).json()

        path = make_call(server.lab.calls.calls_dir)
        await asyncio.to_thread(server.lab.calls.add_from_folder, path)
        await server.desk.post_call.run("conv_1")
        await receiver.wait_for(2)

        headers, raw = receiver.requests[1], receiver.bodies[1]
        event = ElevenLabs(api_key="none").webhooks.construct_event(
            raw, headers["ElevenLabs-Signature"], made["secret"]
        )
        shown = (await server.http.get("/v1/convai/conversations/conv_1")).json()
        async with asyncio.timeout(5):
            while True:
                listed = await server.http.get(f"{URL}/deliveries", params={"status": "delivered"})
                if found := listed.json()["deliveries"]:
                    break
                await asyncio.sleep(0.01)

    assert tested == {"success": True, "status": 200, "error": None, "took_ms": tested["took_ms"]}
    assert event["type"] == "post_call_transcription"
    assert event["data"] == shown
    assert found[0]["last_status"] == 200
