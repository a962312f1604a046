"""An outbound call from end to end: the official SDK asks for it, a phone network that signs as
Twilio does dials, the callee cuts in, books a demo and says goodbye, and every record of it is
read back, over REST and by the SDK.

There is one call; the tests look at it from all sides.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import pytest_asyncio
from elevenlabs import ConversationInitiationClientDataRequestInput as ClientData
from elevenlabs.client import ElevenLabs
from elevenlabs.errors import BadRequestError
from elevenlabs.types import TwilioOutboundCallResponse

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_checks import AskClear, Play
from sdr_lab.simulate.phone_faults import CallbackFaults
from sdr_lab.simulate.phone_stream import StreamLeg
from sdr_lab.simulate.phone_subscriber import Subscriber
from tests.e2e.ears import sound_of
from tests.e2e.stage import Stage
from tests.e2e.world import JOE, OURS, WAIT_S, World, eventually, says, told_of, world
from tests.live.receiver import Receiver, receiving

pytestmark = pytest.mark.asyncio(loop_scope="package")

HIS = "+14155550137"
GREETING = "Hi Dana, this is Joe."
PRICES = (
    "Sure. The small plan is 49 dollars a month for up to three people, and the large plan is "
    "129 dollars a month for up to fifteen people."
)
BOOKING = "Please book me a demo for Tuesday at ten."
CHICAGO = ZoneInfo("America/Chicago")

FAULTS = CallbackFaults(
    repeats=1, is_reversed=True, delays_s={"answered": 0.3, "recording": 0.2, "stream-started": 0.5}
)
"""Twilio promises no order, and sends again what it thinks was lost."""


@dataclass
class Ride:
    """The call, and where everything about it can be asked for."""

    world: World
    agent_id: str
    number_id: str
    hook: dict[str, Any]
    receiver: Receiver
    placed: TwilioOutboundCallResponse
    call: PhoneCall
    """As the phone network saw it."""
    account: dict[str, Any]
    """As our server tells it."""

    @property
    def key(self) -> str:
        assert self.placed.conversation_id
        return self.placed.conversation_id

    @property
    def folder(self) -> Path:
        return self.world.lab.calls.calls_dir / self.key


def callee() -> Caller:
    caller = says(Caller(), "What does it cost?", after=0.3)
    caller.cuts_in(BOOKING, into=0.7, sound=sound_of(BOOKING))
    return says(caller, "No thanks, goodbye.", after=0.3)


@asynccontextmanager
async def the_call(home: Path) -> AsyncIterator[Ride]:
    """Make the call and wait until all that follows it has been done."""
    async with receiving() as receiver, world(home) as here:
        agent_id = (await here.post("/agents", JOE))["agent_id"]
        number = await here.post("/phone-numbers", {"phone_number": OURS, "agent_id": agent_id})
        hook = await here.post("/webhooks", {"url": receiver.url, "events": ["*"]})
        here.network.subscribe(HIS, Subscriber(callee(), callback_faults=FAULTS))
        placed = await here.sdk.conversational_ai.twilio.outbound_call(
            agent_id=agent_id,
            agent_phone_number_id=number["phone_number_id"],
            to_number=HIS,
            call_recording_enabled=True,
            conversation_initiation_client_data=ClientData(
                dynamic_variables={"lead_name": "Dana", "visits": 3},
                conversation_config_override={  # type: ignore[arg-type]
                    "agent": {"first_message": "Hi {{lead_name}}, this is Joe."}
                },
                user_id="crm-17",
            ),
        )
        assert placed.conversation_id
        assert placed.call_sid
        call = here.network.calls[placed.call_sid]
        async with asyncio.timeout(WAIT_S):
            await here.network.settled(call)
        account = await here.done(placed.conversation_id)
        await eventually(
            lambda: told_of(receiver, "post_call_transcription"), "no webhook told of the end"
        )
        number_id = number["phone_number_id"]
        yield Ride(here, agent_id, number_id, hook, receiver, placed, call, account)


PLAY = the_call


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def ride(stage: Stage) -> Ride:
    return await stage.of(PLAY)


def ahead_ms(leg: StreamLeg) -> int:
    """Return the most sound that waited at the phone network to be played."""
    most_ms = ends_ms = 0
    for at_ms, order in leg.received:
        if isinstance(order, Play):
            ends_ms = max(ends_ms, at_ms) + len(order.mulaw) // 8
        elif isinstance(order, AskClear):
            ends_ms = at_ms
        most_ms = max(most_ms, ends_ms - at_ms)
    return most_ms


# ---- as the phone network saw it


async def test_the_network_has_nothing_to_complain_of(ride: Ride):
    assert ride.call.warnings == []
    assert ride.call.statuses == ["queued", "initiated", "ringing", "in-progress", "completed"]
    order = ride.call.order
    assert order is not None
    assert (order.to, order.from_) == (HIS, OURS)
    assert (order.is_async_amd, order.records) == (True, True)


async def test_every_webhook_was_signed_and_taken(ride: Ride):
    events = {webhook.event for webhook in ride.call.webhooks}

    assert {"voice", "initiated", "ringing", "answered", "completed"} <= events
    assert {"amd", "recording", "stream-started", "stream-stopped"} <= events
    assert {webhook.status for webhook in ride.call.webhooks} <= {200, 204}
    assert len(ride.call.callbacks("completed")) == 2  # it came twice


async def test_the_sound_is_sent_little_ahead_and_cut_when_he_cuts_in(ride: Ride):
    stream = ride.call.stream
    clears = [at_ms for at_ms, order in stream.received if isinstance(order, AskClear)]
    into_ms = stream.handset.caller.spoken[1].start_ms

    assert len(clears) == 1
    assert 0 < clears[0] - into_ms < 1000
    print("ahead, with the greeting:", ahead_ms(stream), "ms")
    assert 0 < ahead_ms(stream) <= 300  # the greeting, too: all is ready before the line opens


async def test_it_hangs_up_over_rest_and_sees_that_it_is_over(ride: Ride):
    about_it = [
        (kind, method)
        for kind, method, path in ride.world.network.requests
        if ride.call.sid in path
    ]

    assert about_it[0] == ("update", "POST")
    assert about_it[-1] == ("fetch", "GET")
    assert ride.call.stream.ending == "replaced"  # not by closing the socket


# ---- as our server tells it


async def test_the_transcript_is_what_was_heard(ride: Ride):
    said = [(turn["role"], turn["message"]) for turn in ride.account["transcript"]]
    heard = said[2][1]

    assert [role for role, _ in said] == [
        "agent",
        "user",
        "agent",
        "user",
        "agent",
        "user",
        "agent",
    ]
    assert said[0] == ("agent", GREETING)
    assert [text for role, text in said if role == "user"] == [
        "What does it cost?",
        BOOKING,
        "No thanks, goodbye.",
    ]
    assert PRICES.startswith(heard)
    assert 0 < len(heard) < len(PRICES)
    assert "booked for Tuesday" in said[4][1]
    assert said[6][1].endswith("Goodbye.")


async def test_the_interrupted_turn_keeps_what_was_meant(ride: Ride):
    turns = ride.account["transcript"]

    assert [turn["interrupted"] for turn in turns].count(True) == 1
    assert turns[2]["interrupted"]
    assert turns[2]["original_message"] == PRICES


async def test_the_tool_ran_once_with_what_he_said(ride: Ride):
    calls = [call for turn in ride.account["transcript"] for call in turn["tool_calls"]]
    results = [result for turn in ride.account["transcript"] for result in turn["tool_results"]]
    booking = json.loads(calls[0]["params_as_json"])

    assert [call["tool_name"] for call in calls] == ["book_appointment", "end_call"]
    assert not any(result["is_error"] for result in results)
    assert calls[0]["request_id"] == results[0]["request_id"]
    assert datetime.fromisoformat(booking["start"]).weekday() == 1


async def test_the_appointment_is_in_the_calendar_and_in_the_folder(ride: Ride):
    (booking,) = ride.world.lab.calendar.bookings(ride.agent_id)
    start = booking.start.astimezone(CHICAGO)

    assert (start.weekday(), start.hour, start.minute) == (1, 10, 0)
    assert (ride.folder / Path(booking.ics_path).name).is_file()
    assert {path.name for path in ride.folder.iterdir()} >= {
        "audio.wav",
        "call.json",
        "events.jsonl",
        "transcript.txt",
    }


async def test_times_and_metrics(ride: Ride):
    account = ride.account
    times = [turn["at_ms"] for turn in account["transcript"]]
    metrics = [
        turn["conversation_turn_metrics"]["metrics"]
        for turn in account["transcript"]
        if turn["conversation_turn_metrics"]
    ]
    answers = [of_turn for of_turn in metrics if "voice_to_voice" in of_turn]

    assert times == sorted(times)
    assert account["start_time_unix_secs"] == pytest.approx(
        datetime.fromisoformat(account["started_at"]).timestamp(), abs=1
    )
    length_s = ride.call.stream.handset.at_ms / 1000
    assert account["duration_secs"] == pytest.approx(length_s, abs=0.5)
    assert len(answers) == 3
    assert all(0 < of_turn["voice_to_voice"]["elapsed_time"] < 3 for of_turn in answers)


async def test_what_twilio_reported_is_kept_whatever_its_order(ride: Ride):
    account, phone = ride.account, ride.account["metadata"]["phone_call"]

    assert (account["status"], account["call_status"]) == ("done", "completed")
    assert account["ended_reason"] == "agent"
    assert account["metadata"]["answered_by"] == "human"
    assert (phone["call_sid"], phone["stream_sid"]) == (ride.call.sid, ride.call.stream.sid)
    assert (phone["external_number"], phone["agent_number"]) == (HIS, OURS)
    assert (phone["direction"], phone["phone_number_id"]) == ("outbound", ride.number_id)
    late = await ride.world.get(f"/conversations/{ride.key}")  # the recording comes last
    assert late["call_status"] == "completed"
    assert late["recording_url"].startswith(ride.world.network.base_url)


async def test_what_the_client_gave_is_given_back(ride: Ride):
    given = ride.account["conversation_initiation_client_data"]

    assert given["dynamic_variables"] == {"lead_name": "Dana", "visits": "3"}
    assert given["user_id"] == "crm-17"
    override = given["conversation_config_override"]
    assert override["agent"]["first_message"] == "Hi {{lead_name}}, this is Joe."


async def test_the_call_is_judged(ride: Ride):
    analysis = ride.account["analysis"]

    assert analysis["call_successful"] == "success"
    assert analysis["disposition"] == "booked"
    assert "What does it cost?" in analysis["transcript_summary"]
    assert ride.account["outcome"] == "booked"


# ---- read back


async def test_the_call_is_found_by_its_call_sid_in_the_list_and_in_latency(ride: Ride):
    world = ride.world
    by_sid = await world.get(f"/conversations/{ride.call.sid}")
    (listed,) = (await world.get("/conversations", agent_id=ride.agent_id))["conversations"]
    latency = await world.get(f"/latency/{ride.call.sid}")
    all_calls = await world.get("/latency", agent_id=ride.agent_id)

    assert by_sid["conversation_id"] == listed["conversation_id"] == ride.key
    assert (listed["message_count"], listed["status"]) == (7, "done")
    assert latency["conversation_id"] == ride.key
    assert len(latency["barge_ins"]) == 1
    groups = latency["percentiles"]
    assert groups["heard out"]["voice_to_voice_ms"]["count"] == 2
    assert groups["interrupted"]["voice_to_voice_ms"]["count"] == 1
    assert all_calls["calls"] == 1
    assert all_calls["stages"]["voice_to_voice_ms"]["count"] == 3


async def test_the_sound_has_both_sides(ride: Ride):
    reply = await ride.world.http.get(f"/v1/convai/conversations/{ride.key}/audio")
    with wave.open(io.BytesIO(reply.content)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
        seconds = sound.getnframes() / 8000
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)

    assert seconds == pytest.approx(ride.account["duration_secs"], abs=0.1)
    question = mulaw_to_pcm(sound_of("What does it cost?"))
    found = np.correlate(pcm[:, 0].astype(float), question.astype(float))
    at_ms = int(np.argmax(found)) / 8
    assert at_ms == pytest.approx(ride.call.stream.handset.caller.spoken[0].start_ms, abs=60)
    loud = np.abs(pcm[:, 1].astype(int)) > 1000
    assert loud[:8000].any()  # the greeting, and then he is heard out
    assert not loud[round(at_ms * 8) : round(at_ms * 8) + 2000].any()


async def test_a_part_of_the_sound(ride: Ride):
    path = f"/v1/convai/conversations/{ride.key}/audio"
    whole = await ride.world.http.get(path)
    part = await ride.world.http.get(path, headers={"Range": "bytes=1000-1999"})
    beyond = await ride.world.http.get(path, headers={"Range": "bytes=999999999-"})

    assert part.status_code == 206
    assert part.content == whole.content[1000:2000]
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert beyond.status_code == 416


async def test_twilios_own_recording_is_passed_on(ride: Ride):
    reply = await ride.world.http.get(f"/v1/convai/conversations/{ride.key}/recording")

    assert reply.headers["x-recording-source"] == "twilio"
    assert reply.content == ride.call.recordings[0].wav


async def test_the_official_sdk_reads_all_of_it(ride: Ride):
    sdk = ride.world.sdk.conversational_ai
    told = await sdk.conversations.get(ride.key)
    page = await sdk.conversations.list(agent_id=ride.agent_id, summary_mode="include")
    sound = b"".join([piece async for piece in sdk.conversations.audio.get(ride.key)])

    assert (told.status, told.has_audio, told.user_id) == ("done", True, "crm-17")
    assert [turn.interrupted for turn in told.transcript].count(True) == 1
    assert told.transcript[2].original_message == PRICES
    assert told.analysis is not None
    assert told.analysis.call_successful == "success"
    assert told.metadata.phone_call is not None
    assert told.metadata.phone_call.call_sid == ride.call.sid  # type: ignore[union-attr]
    called = [call.tool_name for turn in told.transcript for call in turn.tool_calls or ()]
    assert called == ["book_appointment", "end_call"]
    (listed,) = page.conversations
    assert (listed.conversation_id, listed.status) == (ride.key, "done")
    assert listed.transcript_summary
    assert sound.startswith(b"RIFF")


# ---- what was told to others


async def test_webhooks_carry_a_signature_that_the_sdk_accepts(ride: Ride):
    verify = ElevenLabs(api_key="none").webhooks.construct_event
    secret = ride.hook["secret"]
    events = [
        verify(body, headers["ElevenLabs-Signature"], secret)
        for body, headers in zip(ride.receiver.bodies, ride.receiver.requests, strict=True)
    ]
    with pytest.raises(BadRequestError):
        verify(
            ride.receiver.bodies[0] + " ", ride.receiver.requests[0]["ElevenLabs-Signature"], secret
        )

    kinds = [event["type"] for event in events]
    assert kinds[0] == "call.initiated"
    assert kinds[-1] == "post_call_transcription"
    assert kinds.index("call.started") < kinds.index("call.ended")
    assert kinds.count("call.ended") == kinds.count("post_call_transcription") == 1
    assert kinds.count("user.interrupted") == 1
    assert kinds.count("tool.called") == 2
    assert kinds.count("transcript.final") == 3
    assert "call.failed" not in kinds
    assert {event["data"]["conversation_id"] for event in events} == {ride.key}
    assert len({event["id"] for event in events}) == len(events)


async def test_the_last_webhook_holds_the_account_of_the_call(ride: Ride):
    last = ride.receiver.events[-1]["data"]

    assert last["transcript"] == ride.account["transcript"]
    assert last["analysis"] == ride.account["analysis"]
    assert last["metadata"]["phone_call"]["call_sid"] == ride.call.sid


async def test_deliveries_are_listed_as_delivered(ride: Ride):
    page = await ride.world.get("/webhooks/deliveries", page_size=100)
    sent = page["deliveries"]

    assert len(sent) == len(ride.receiver.bodies)
    assert {delivery["status"] for delivery in sent} == {"delivered"}
    assert {delivery["attempts"] for delivery in sent} == {1}


async def test_metrics_count_the_call(ride: Ride):
    text = (await ride.world.http.get("/metrics")).text

    assert re.search(r"^sdr_lab_barge_ins_total.* 1\.0$", text, re.MULTILINE), text
