"""Webhooks: what is told, how it is signed, and what happens when nobody answers."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.errors import BadRequestError

from sdr_lab.config import Settings
from sdr_lab.events import CallEnded, Event, TurnOver, WordsHeard
from sdr_lab.lab import Lab
from sdr_lab.live.hook_events import CALL_EVENTS, HOOK_EVENTS, CallNotices, Notice
from sdr_lab.live.hook_sender import Patience, signature
from sdr_lab.live.hooks import Hooks, without_stale
from sdr_lab.store.hook_rows import Delivery
from tests.live.finished_call import JOE, TALK, at, config
from tests.live.receiver import Receiver, receiving

QUICK = Patience(timeout_s=2, waits_s=(0.01, 0.01), jitter=0)
SECRET = "whsec_of_the_tests_0123456789"


def make_lab(home: Path, **changes: object) -> Lab:
    given = {"SDR_LAB_HOME": home, "INSECURE_PRIVATE_WEBHOOKS": True, **changes}
    return Lab(Settings.load(None, given, environ={}))


@pytest.fixture
def lab(tmp_path: Path):
    lab = make_lab(tmp_path)
    yield lab
    lab.database.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@asynccontextmanager
async def running(hooks: Hooks) -> AsyncIterator[Hooks]:
    """Let webhooks be sent."""
    task = asyncio.create_task(hooks.run())
    try:
        yield hooks
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await hooks.close()


async def delivery(lab: Lab, status: str) -> Delivery:
    """Wait for the one delivery to have a status."""
    async with asyncio.timeout(10):
        while True:
            found = lab.deliveries.list(status).deliveries  # type: ignore[arg-type]
            if found:
                return found[0]
            await asyncio.sleep(0.01)


def told(events: tuple[Event, ...]) -> list[Notice]:
    notices: list[Notice] = []
    listener = CallNotices(config(), notices.append)
    for event in events:
        listener(event)
    return notices


def test_a_call_is_told_in_the_seed_s_events():
    notices = told(TALK)

    assert [notice.event for notice in notices] == [
        "call.started",
        "agent.response",
        "transcript.final",
        "user.interrupted",
        "agent.response",
        "transcript.final",
        "tool.called",
        "agent.response",
        "call.ended",
    ]
    cut = notices[4].data
    assert (cut["text"], cut["interrupted"]) == ("It is forty-nine", True)
    assert cut["original_text"] == "It is forty-nine dollars a month."
    tool = notices[6].data
    assert tool["tool_name"] == "book_appointment"
    assert tool["arguments"]["start"].startswith("2026-12-01")
    assert tool["success"] is True
    assert notices[-1].data["duration_secs"] == 10.0
    assert {notice.conversation_id for notice in notices} == {"conv_1"}


def test_all_events_of_the_seed_exist():
    assert set(CALL_EVENTS) == {
        "call.initiated", "call.started", "call.ended", "call.failed", "transcript.partial",
        "transcript.final", "agent.response", "tool.called", "user.interrupted",
    }  # fmt: skip
    assert len(HOOK_EVENTS) == 10


@pytest.mark.parametrize("reason", ["error", "stalled", "cancelled"])
def test_a_call_that_broke_down_has_failed(reason: str):
    end = CallEnded(**at(900), reason=reason, duration_ms=900)

    assert told((end,))[0].event == "call.failed"


def test_of_partial_transcripts_only_the_newest_is_told():
    words = {"start_ms": 0, "end_ms": 10, "confidence": 1.0}
    partial = [
        WordsHeard(**at(ms), text=text, is_final=False, **words)
        for ms, text in ((100, "how"), (200, "how much"), (300, "how much is it"))
    ]
    over = TurnOver(
        **at(400), turn=1, text="How much is it?", last_voiced_ms=1, pause_ms=1, why="plain"
    )

    assert [n.data["text"] for n in without_stale(told(tuple(partial)))] == ["how much is it"]
    assert [n.event for n in without_stale(told((*partial, over)))] == ["transcript.final"]


def test_the_signature_is_the_one_the_sdk_checks():
    body = json.dumps({"type": "call.ended", "data": {"text": "Grüße, ‘quoted’"}})
    signed = signature(SECRET, body.encode(), int(time.time()))
    sdk = ElevenLabs(api_key="none")

    assert sdk.webhooks.construct_event(body, signed, SECRET)["type"] == "call.ended"
    with pytest.raises(BadRequestError):
        sdk.webhooks.construct_event(body + " ", signed, SECRET)
    with pytest.raises(BadRequestError):
        sdk.webhooks.construct_event(body, signed, SECRET + "x")


async def test_a_webhook_gets_what_it_asked_for_signed(lab: Lab, receiver: Receiver):
    hook = lab.hooks.create(receiver.url, ["call.ended"], SECRET)
    async with running(Hooks(lab, QUICK)) as hooks:
        listener = hooks.listener(config())
        for event in TALK:
            listener(event)
        await receiver.wait_for(1)
        found = await delivery(lab, "delivered")

    assert receiver.kinds == ["call.ended"]
    headers, body = receiver.requests[0], receiver.bodies[0]
    checked = ElevenLabs(api_key="none").webhooks.construct_event(
        body, headers["ElevenLabs-Signature"], SECRET
    )
    assert checked["data"]["ended_reason"] == "caller"
    assert checked["agent_id"] == "joe"
    assert headers["X-SDR-Lab-Signature"] == headers["ElevenLabs-Signature"]
    assert headers["X-SDR-Lab-Delivery"] == found.id
    assert (found.webhook_id, found.last_status, found.attempts) == (hook.id, 200, 1)


async def test_an_agent_s_webhook_hears_of_its_calls_only(lab: Lab, receiver: Receiver):
    lab.agents.save(JOE)
    lab.hooks.create(receiver.url, ["*"], agent_id="joe")
    hooks = Hooks(lab, QUICK)
    await hooks.emit("call.ended", {"conversation_id": "conv_2"}, "somebody_else")
    await hooks.emit("call.started", {"conversation_id": "conv_1"}, "joe")

    assert [d.event for d in lab.deliveries.list().deliveries] == ["call.started"]
    await hooks.close()


async def test_what_failed_is_tried_again_and_then_given_up(lab: Lab, receiver: Receiver):
    lab.hooks.create(receiver.url, ["call.ended"])
    receiver.statuses = [500, 503, 302]
    outcomes: list[str] = []
    async with running(Hooks(lab, QUICK, outcomes.append)) as hooks:
        await hooks.emit("call.ended", {"conversation_id": "conv_1"})
        dead = await delivery(lab, "dead")

        assert outcomes == ["failed", "failed", "dead"]
        assert (dead.attempts, dead.last_status) == (3, 302)
        assert "redirects are not followed" in dead.last_error

        lab.deliveries.resend(dead.id)
        hooks.wake()
        again = await delivery(lab, "delivered")

    assert again.id == dead.id
    assert len(receiver.bodies) == 4
    assert len(set(receiver.bodies)) == 1  # the same bytes, signed anew


async def test_a_receiver_that_is_gone_for_good_is_not_tried_again(lab: Lab, receiver: Receiver):
    lab.hooks.create(receiver.url, ["call.ended"])
    receiver.statuses = [410]
    async with running(Hooks(lab, QUICK)) as hooks:
        await hooks.emit("call.ended", {})
        dead = await delivery(lab, "dead")

    assert dead.attempts == 1


async def test_what_was_stored_is_sent_after_a_restart(lab: Lab, receiver: Receiver):
    lab.hooks.create(receiver.url, ["*"])
    first = Hooks(lab, QUICK)
    await first.emit("call.started", {"conversation_id": "conv_1"})
    await first.close()  # this server sends nothing

    async with running(Hooks(lab, QUICK)):
        await receiver.wait_for(1)

    assert receiver.kinds == ["call.started"]


async def test_events_of_a_call_arrive_in_order_though_one_is_refused(lab: Lab, receiver: Receiver):
    lab.hooks.create(receiver.url, ["*"])
    receiver.statuses = [500]
    async with running(Hooks(lab, QUICK)) as hooks:
        listener = hooks.listener(config())
        for event in TALK:
            listener(event)
        await receiver.wait_for(len(told(TALK)) + 1)

    assert receiver.kinds[0] == receiver.kinds[1]  # refused, then taken
    assert receiver.kinds[1:] == [notice.event for notice in told(TALK)]


async def test_what_is_noted_while_others_are_stored_does_not_wait(lab: Lab, receiver: Receiver):
    lab.hooks.create(receiver.url, ["*"])
    async with running(Hooks(lab, QUICK)) as hooks:
        for number in range(40):
            hooks.note(Notice("call.ended", "joe", f"conv_{number}", {}))
            await asyncio.sleep(0.02)
        await receiver.wait_for(40)

    assert {event["conversation_id"] for event in receiver.events} == {
        f"conv_{number}" for number in range(40)
    }


async def test_a_private_address_is_never_called(tmp_path: Path, receiver: Receiver):
    lab = make_lab(tmp_path, INSECURE_PRIVATE_WEBHOOKS=False)
    lab.hooks.create(receiver.url.replace("http:", "https:"), ["*"])
    async with running(Hooks(lab, replace(QUICK, waits_s=()))) as hooks:
        await hooks.emit("call.ended", {})
        dead = await delivery(lab, "dead")

    assert "127.0.0.1, which is not public" in dead.last_error
    assert receiver.bodies == []
    lab.database.close()


async def test_ping_says_what_the_receiver_answered(lab: Lab, receiver: Receiver):
    hook = lab.hooks.create(receiver.url, ["call.ended"])
    hooks = Hooks(lab, QUICK)
    receiver.statuses = [204, 401]

    assert (await hooks.ping(hook)).ok
    refused = await hooks.ping(hook)

    assert (refused.status, refused.error) == (401, "answered 401: noted")
    assert receiver.kinds == ["ping", "ping"]
    assert lab.deliveries.list().deliveries == ()
    await hooks.close()


async def test_a_store_that_can_not_be_written_does_not_fail_the_call(tmp_path: Path):
    lab = make_lab(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'gone' / 'x.db'}")
    (tmp_path / "gone").write_text("a file, not a folder")
    hooks = Hooks(lab, QUICK)

    await hooks.emit("call.ended", {"conversation_id": "conv_1"})

    assert len(hooks.waiting) == 1
    await hooks.close()


def test_pauses_grow_and_end():
    patience = Patience(jitter=0)

    assert [patience.wait_s(tries) for tries in (1, 2, 3)] == [5, 15, 60]
    assert patience.wait_s(len(patience.waits_s) + 1) is None
    assert patience.wait_s(1, retry_after_s=30) == 30
    assert patience.wait_s(1, retry_after_s=1e9) == 3600
