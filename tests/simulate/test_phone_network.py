"""Whole calls over sockets: twilio's own client orders them, a small server takes them."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

from sdr_lab.simulate.caller import SILENCE, Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_faults import CallbackFaults, RestFault, StreamFaults
from sdr_lab.simulate.phone_network import ACCOUNT_SID, AUTH_TOKEN, WITHHELD, PhoneNetwork
from sdr_lab.simulate.phone_subscriber import Subscriber
from tests.simulate.phone_server import A, B, Media, PhoneServer, close, echo, xml

pytestmark = [  # twilio 9.13 hands aiohttp its credentials in the old way
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter.*:DeprecationWarning"),
]

OURS, THEIRS = "+14155550100", "+14155550137"
ALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
SHORT = Caller().hangs_up(at=0.1)


@asynccontextmanager
async def account(network: PhoneNetwork, token: str = AUTH_TOKEN) -> AsyncIterator[Client]:
    http = AsyncTwilioHttpClient()
    client = Client(ACCOUNT_SID, token, http_client=http)
    client.api.base_url = network.base_url
    try:
        yield client
    finally:
        await http.close()


async def place(
    network: PhoneNetwork, server: PhoneServer, *, wait: bool = True, **order: Any
) -> PhoneCall:
    """Order a call and return it when everything about it is over, or at once."""
    order = {
        "to": THEIRS,
        "from_": OURS,
        "url": f"{server.public or server.url}/voice",
        "status_callback": f"{server.public or server.url}/status",
        "status_callback_event": ALL_EVENTS,
        **order,
    }
    async with account(network) as client:
        placed = await client.calls.create_async(**order)
    call = network.calls[str(placed.sid)]
    async with asyncio.timeout(10):
        if wait:
            await network.settled(call)
    return call


def has_stream(call: PhoneCall) -> bool:
    return bool(call.streams) and call.stream.is_open


@asynccontextmanager
async def both(talk: Any = None, **network: Any) -> AsyncIterator[tuple[PhoneNetwork, PhoneServer]]:
    server = PhoneServer(talk) if talk else PhoneServer()
    async with server, PhoneNetwork(**network) as phone:
        yield phone, server


async def test_a_call_from_order_to_recording():
    async with both(echo) as (network, server):
        server.parameters = {"call_id": "abc"}
        network.subscribe(THEIRS, Caller().says("hello", at=0.04, sound=A * 3).hangs_up(at=0.2))
        call = await place(
            network,
            server,
            record=True,
            recording_status_callback=f"{server.url}/recording",
            machine_detection="Enable",
            async_amd="true",
            async_amd_status_callback=f"{server.url}/amd",
        )
        async with account(network) as client:
            fetched = await client.calls(call.sid).fetch_async()
            (recording,) = await client.calls(call.sid).recordings.list_async()
        auth = aiohttp.BasicAuth(ACCOUNT_SID, AUTH_TOKEN)
        address = server.forms("/recording")[0]["RecordingUrl"]
        async with aiohttp.ClientSession() as http:
            wav = await (await http.get(address, auth=auth)).read()
            unsigned = await http.get(address)

    assert call.warnings == []
    assert server.forged == []
    assert call.statuses == ["queued", "initiated", "ringing", "in-progress", "completed"]
    told = server.forms("/status")
    assert [form["CallStatus"] for form in told] == call.statuses[1:]
    assert [form["SequenceNumber"] for form in told] == ["0", "1", "2", "3"]
    assert int(told[-1]["CallDuration"]) >= 1
    assert (fetched.status, fetched.answered_by) == ("completed", "human")
    assert fetched.duration == told[-1]["CallDuration"]
    assert server.forms("/amd") == [
        {
            "CallSid": call.sid,
            "AccountSid": ACCOUNT_SID,
            "AnsweredBy": "human",
            "MachineDetectionDuration": "100",
        }
    ]
    assert [form["StreamEvent"] for form in server.forms("/stream")] == [
        "stream-started",
        "stream-stopped",
    ]
    assert recording.sid == server.forms("/recording")[0]["RecordingSid"]
    assert unsigned.status == 401
    with wave.open(io.BytesIO(wav)) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (8000, 1)
        assert sound.getnframes() == len(call.heard)
    assert call.spoken[160 * 2 : 160 * 5] == A * 3
    assert call.heard.count(A) == 3


async def test_a_stream_speaks_twilio():
    caller = Caller().presses("7", at=0.04).hangs_up(at=0.3)
    async with both() as (network, server):
        server.parameters = {"a": "1", "b": "2"}
        call = await network.ring(OURS, caller, f"{server.url}/voice")
        await network.settled(call)
        media = server.streams[0]

    kinds = [message["event"] for message in media.messages]
    assert kinds[:3] == ["connected", "start", "media"]
    assert kinds[-1] == "stop"
    assert media.messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    numbered = media.messages[1:]
    assert [m["sequenceNumber"] for m in numbered] == [str(n) for n in range(1, len(kinds))]
    assert {m["streamSid"] for m in numbered} == {call.stream.sid}
    assert media.messages[1]["start"] == {
        "accountSid": ACCOUNT_SID,
        "streamSid": call.stream.sid,
        "callSid": call.sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"a": "1", "b": "2"},
    }
    sound = [m["media"] for m in media.of("media")]
    assert [m["chunk"] for m in sound] == [str(n + 1) for n in range(len(sound))]
    assert [m["timestamp"] for m in sound] == [str(20 * n) for n in range(len(sound))]
    assert {(m["track"], len(m["payload"])) for m in sound} == {("inbound", 216)}
    assert [m["dtmf"] for m in media.of("dtmf")] == [{"track": "inbound_track", "digit": "7"}]
    assert media.messages[-1]["stop"] == {"accountSid": ACCOUNT_SID, "callSid": call.sid}
    url = f"{server.url}/media".replace("http", "ws")
    assert RequestValidator(AUTH_TOKEN).validate(url, {}, media.signature)


async def test_marks_come_back_when_what_precedes_them_was_heard_or_cleared():
    names: list[str] = []

    async def talk(media: Media) -> None:
        await media.next("start")
        await media.mark("at once")
        names.append((await media.next("mark"))["mark"]["name"])
        await media.play(A * 2 + B[:80])  # any length
        await media.mark("heard")
        names.append((await media.next("mark"))["mark"]["name"])
        await media.play(B * 50)
        await media.mark("cleared 1")
        await media.mark("cleared 2")
        await media.clear()
        names.extend([(await media.next("mark"))["mark"]["name"] for _ in range(2)])
        await media.rest()

    async with both(talk) as (network, server):
        call = await network.ring(OURS, Caller().hangs_up(at=0.6), f"{server.url}/voice")
        await network.settled(call)

    leg = call.stream
    assert call.warnings == []
    assert names == ["at once", "heard", "cleared 1", "cleared 2"]
    assert call.heard.replace(SILENCE, b"").startswith(A * 2 + B[:80])
    times = {name: at_ms for at_ms, name in leg.marks}
    begun_ms = call.heard.index(A) // 8
    assert times["heard"] == begun_ms + 60  # 50 ms of sound end within the third slot
    (clear,) = leg.handset.clears
    assert times["cleared 1"] == times["cleared 2"] == clear.at_ms
    assert clear.dropped_ms >= 800
    assert leg.ahead_ms == 1000


async def test_a_script_waits_for_the_agent_and_cuts_in():
    async def talk(media: Media) -> None:
        await media.next("start")
        await media.play(A * 20)
        await media.rest()

    caller = Caller().cuts_in("wait", into=0.2, sound=B * 5).hangs_up(after=0.1)
    async with both(talk) as (network, server):
        call = await network.ring(OURS, caller, f"{server.url}/voice")
        await network.settled(call)

    begun_ms = call.heard.index(A) // 8
    (said,) = call.stream.handset.caller.spoken
    assert (said.text, said.start_ms) == ("wait", begun_ms + 200)
    assert call.heard.count(A) == 20


async def test_wrong_messages_are_dropped_and_named():
    async def talk(media: Media) -> None:
        await media.next("start")
        await media.ws.send_bytes(b"\0")
        await media.ws.send_str("no json")
        await media.send({"event": "media", "media": {"payload": "?"}})
        await media.send({"event": "mark", "mark": {"name": "x"}, "extra": 1})
        await media.ws.send_json({"event": "clear", "streamSid": "MZ0"})
        await media.mark("right")
        await media.rest()

    async with both(talk) as (network, server):
        call = await network.ring(OURS, Caller().hangs_up(at=0.2), f"{server.url}/voice")
        await network.settled(call)

    assert [warning.code for warning in call.warnings] == [31950, 31950, 31951, 31951, 31951]
    assert [name for _, name in call.stream.marks] == ["right"]
    assert call.stream.handset.clears == []


async def test_the_call_goes_on_when_the_server_closes_the_stream():
    async with both(close) as (network, server):
        server.answers["/voice"] = lambda: server.connect(action="/after")
        server.answers["/after"] = lambda: xml("<Response><Say>Bye now.</Say></Response>")
        call = await network.ring(OURS, Caller().hangs_up(at=5), f"{server.url}/voice")
        await network.settled(call)

    assert call.said == ["Bye now."]
    assert (call.stream.ending, call.stream.close_code) == ("server closed", 1000)
    assert [notice.code for notice in call.notices] == [31921]
    assert call.warnings == []
    assert call.status == "completed"
    assert server.forms("/after")[0]["CallStatus"] == "in-progress"


async def test_hanging_up_and_moving_a_call_over_rest():
    async with both() as (network, server), account(network) as client:
        server.answers["/status"] = lambda: web.Response(status=200)
        moved = await network.ring(OURS, Caller().hangs_up(at=9), f"{server.url}/voice")
        ended = await network.ring(OURS, Caller().hangs_up(at=9), f"{server.url}/voice")
        for call in (moved, ended):
            await call.until(has_stream)
        await client.calls(moved.sid).update_async(
            twiml="<Response><Say>One moment.</Say><Dial>+14155550199</Dial></Response>"
        )
        await client.calls(ended.sid).update_async(status="completed")
        await network.settled(moved)
        await network.settled(ended)
        with pytest.raises(TwilioRestException) as late:
            await client.calls(ended.sid).update_async(status="completed")
        with pytest.raises(TwilioRestException) as unknown:
            await client.calls("CA" + "0" * 32).fetch_async()

    assert (late.value.status, late.value.code) == (400, 21220)
    assert (unknown.value.status, unknown.value.code) == (404, 20404)
    assert moved.said == ["One moment."]
    assert [leg.to for leg in moved.dialled] == ["+14155550199"]
    for call, media in zip((moved, ended), server.streams, strict=True):
        assert call.stream.ending == "replaced"
        assert media.messages[-1]["event"] == "stop"
        assert call.status == "completed"
        assert call.warnings == []


async def test_a_call_is_transferred_and_the_action_learns_how_it_went():
    def dial() -> web.Response:
        response = VoiceResponse()
        verb = Dial(caller_id=OURS, action="/dialled", record="record-from-answer-dual")
        verb.number(
            "+14155550199",
            status_callback=f"{server.url}/leg",
            status_callback_event="initiated ringing answered completed",
        )
        response.append(verb)
        return xml(str(response))

    async with both() as (network, server):
        server.answers |= {"/voice": dial, "/dialled": lambda: xml("<Response/>")}
        for outcome in ("answers", "busy"):
            network.subscribe("+14155550199", Subscriber(outcome=outcome))
            call = await network.ring(OURS, SHORT, f"{server.url}/voice", from_=THEIRS)
            await network.settled(call)
            assert call.warnings == []
            assert call.status == "completed"

    answered, busy = server.forms("/dialled")
    assert answered["DialCallStatus"] == "completed"
    assert int(answered["DialCallDuration"]) >= 1
    assert "RecordingUrl" in answered
    assert busy["DialCallStatus"] == "busy"
    legs = server.forms("/leg")
    assert legs[0]["ParentCallSid"] == answered["CallSid"]
    assert [leg["CallStatus"] for leg in legs if leg["CallSid"] == answered["DialCallSid"]] == [
        "initiated",
        "ringing",
        "in-progress",
        "completed",
    ]


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "failed"])
async def test_calls_that_nobody_takes(outcome: Any):
    async with both() as (network, server):
        network.subscribe(THEIRS, Subscriber(outcome=outcome))
        call = await place(network, server)

    assert server.forms("/status")[-1]["CallStatus"] == outcome
    assert "in-progress" not in call.statuses
    assert server.forms("/voice") == []
    assert call.warnings == []


async def test_a_call_is_canceled_while_it_rings():
    async with both() as (network, server), account(network) as client:
        network.subscribe(THEIRS, Subscriber(ring_s=60))
        placed = await client.calls.create_async(to=THEIRS, from_=OURS, url=f"{server.url}/voice")
        call = network.calls[str(placed.sid)]
        await call.until(lambda call: call.status == "ringing")
        await client.calls(call.sid).update_async(status="canceled")
        await network.settled(call)

    assert call.statuses == ["queued", "initiated", "ringing", "canceled"]


async def test_a_call_is_rejected_and_one_is_withheld():
    async with both() as (network, server):
        server.answers["/voice"] = lambda: xml('<Response><Reject reason="busy"/></Response>')
        call = await network.ring(OURS, SHORT, f"{server.url}/voice", method="GET")
        await network.settled(call)

    assert call.statuses == ["queued", "ringing", "busy"]
    assert server.forms("/voice")[0]["From"] == WITHHELD
    assert server.forms("/voice")[0]["Direction"] == "inbound"
    assert server.forged == []


async def test_machine_detection_before_the_call_goes_on():
    async with both() as (network, server):
        machine = Subscriber(SHORT, answered_by="machine_start", amd_s=0.01)
        network.subscribe(THEIRS, machine)
        await place(network, server, machine_detection="Enable")

    assert server.forms("/voice")[0]["AnsweredBy"] == "machine_start"


async def test_callbacks_repeated_reversed_and_dropped():
    faults = CallbackFaults(repeats=1, is_reversed=True, drops=frozenset({"initiated"}))
    async with both() as (network, server):
        network.subscribe(THEIRS, Subscriber(SHORT, callback_faults=faults))
        await place(network, server)

    numbers = [form["SequenceNumber"] for form in server.forms("/status")]
    assert numbers == ["3", "3", "2", "2", "1", "1"]


async def test_a_late_callback_is_overtaken():
    faults = CallbackFaults(delays_s={"ringing": 0.8})
    async with both() as (network, server):
        network.subscribe(THEIRS, Subscriber(SHORT, callback_faults=faults))
        await place(network, server)

    assert [form["SequenceNumber"] for form in server.forms("/status")] == ["0", "2", "3", "1"]


async def test_a_public_address_is_reached_on_this_machine():
    public = "https://agent.example"
    async with PhoneServer(public=public) as server:
        async with PhoneNetwork(reach={public: server.url}) as network:
            call = await network.ring(OURS, SHORT, f"{public}/voice?x=1")
            await network.settled(call)
        media = server.streams[0]

    assert call.warnings == []
    assert server.forged == []
    assert media.host == "agent.example"
    validator = RequestValidator(AUTH_TOKEN)
    assert validator.validate("wss://agent.example/media", {}, media.signature)


@pytest.mark.parametrize("signature", ["wrong", "none"])
async def test_forged_webhooks_and_upgrades(signature: Any):
    subscriber = Subscriber(
        SHORT,
        callback_faults=CallbackFaults(signature=signature),
        stream_faults=StreamFaults(signature=signature),
    )
    async with both() as (network, server):
        call = await network.ring(OURS, subscriber, f"{server.url}/voice")
        await network.settled(call)
        url = f"{server.url}/media".replace("http", "ws")

    assert "/voice" in server.forged
    assert not RequestValidator(AUTH_TOKEN).validate(url, {}, server.streams[0].signature)


async def test_what_the_voice_webhook_does_wrong():
    wrong: dict[int, Callable[[], web.Response]] = {
        11200: lambda: web.Response(status=500),
        11750: lambda: xml("<Response>" + " " * 65536 + "</Response>"),
        12100: lambda: xml("<Response>"),
        12200: lambda: xml("<Response><Speak>hi</Speak></Response>"),
        12300: lambda: web.json_response({}),
        31920: lambda: xml(
            '<Response><Connect><Stream url="wss://x.example/m?id=1"/></Connect></Response>'
        ),
        31941: lambda: xml(
            f'<Response><Connect><Stream track="both_tracks" url="{socket}"/></Connect></Response>'
        ),
        13223: lambda: xml("<Response><Dial>911</Dial></Response>"),
    }
    async with both() as (network, server):
        socket = f"{server.url}/media".replace("http", "ws")
        for code, answer in wrong.items():
            server.answers["/voice"] = answer
            call = await network.ring(OURS, SHORT, f"{server.url}/voice")
            await network.settled(call)
            assert [warning.code for warning in call.warnings] == [code]
            assert call.status == "completed"


async def test_a_fallback_url_is_asked_when_the_first_fails():
    async with both() as (network, server):
        server.answers["/voice"] = lambda: web.Response(status=500)
        server.answers["/spare"] = lambda: xml("<Response><Say>Sorry.</Say></Response>")
        call = await network.ring(
            OURS, SHORT, f"{server.url}/voice", fallback_url=f"{server.url}/spare"
        )
        await network.settled(call)

    assert call.said == ["Sorry."]
    assert server.forms("/spare")[0]["ErrorCode"] == "11200"


async def test_a_stream_that_is_refused_is_named_and_the_call_goes_on():
    async with both() as (network, server):
        server.answers["/voice"] = lambda: xml(
            f'<Response><Connect><Stream url="{server.url.replace("http", "ws")}/no/such"'
            f' statusCallback="{server.url}/stream"/></Connect><Say>Bye.</Say></Response>'
        )
        call = await network.ring(OURS, SHORT, f"{server.url}/voice")
        await network.settled(call)

    assert [warning.code for warning in call.warnings] == [31920]
    assert call.said == ["Bye."]
    (form,) = server.forms("/stream")
    assert form["StreamEvent"] == "stream-error"
    assert "404" in form["StreamError"]


async def test_faults_of_a_stream():
    """One call a fault, all at once."""
    faults = {
        "jump": StreamFaults(jump_at_s=0.1, jump_ms=400),
        "mute": StreamFaults(mute_at_s=0.1),
        "cut": StreamFaults(cut_at_s=0.1),
        "stall": StreamFaults(stall_at_s=0.1, stall_s=0.1),
        "odd": StreamFaults(payload_bytes=400),
        "silent": StreamFaults(has_start=False),
        "foreign": StreamFaults(call_sid="CA" + "1" * 32),
    }
    async with both() as (network, server):
        server.answers |= {f"/{name}": server.connect for name in faults}
        calls: dict[str, PhoneCall] = {}
        media: dict[str, Media] = {}
        for name, fault in faults.items():
            subscriber = Subscriber(Caller().hangs_up(at=0.3), stream_faults=fault)
            calls[name] = await network.ring(OURS, subscriber, f"{server.url}/{name}")
            await calls[name].until(has_stream)
            media[name] = server.streams[-1]
        for call in calls.values():
            await network.settled(call)

    def times(name: str) -> list[int]:
        return [int(m["media"]["timestamp"]) for m in media[name].of("media")]

    assert times("jump") == [*range(0, 100, 20), *range(500, 720, 20)]
    assert times("mute") == list(range(0, 80, 20))
    assert times("stall") == list(range(0, 320, 20))
    assert times("odd") == list(range(0, 300, 50))
    assert {len(m["media"]["payload"]) for m in media["odd"].of("media")} == {536}
    assert media["silent"].of("start") == media["silent"].of("stop") == []
    assert media["foreign"].of("start")[0]["start"]["callSid"] == "CA" + "1" * 32
    assert media["cut"].of("stop") == []
    assert calls["cut"].stream.ending == "cut"
    assert all(call.warnings == [] for call in calls.values())


async def test_a_time_limit_ends_the_call():
    async with both() as (network, server):
        network.subscribe(THEIRS, Caller().hangs_up(at=60))
        call = await place(network, server, time_limit=1)

    assert call.status == "completed"
    assert call.stream.ending == "replaced"


async def test_a_time_limit_may_be_changed_while_the_call_goes_on():
    twiml = '<Response><Pause length="2"/></Response>'
    async with both() as (network, server), account(network) as client:
        network.subscribe(THEIRS, Caller().hangs_up(at=60))
        call = await place(network, server, time_limit=1, wait=False)
        await call.until(has_stream)
        with pytest.raises(TwilioRestException, match="TimeLimit"):
            await client.calls(call.sid).update_async(twiml=twiml, time_limit=90_000)
        await client.calls(call.sid).update_async(twiml=twiml, time_limit=60)
        await network.settled(call)

    assert call.duration_s >= 2


async def test_a_failure_of_the_network_itself_is_raised():
    def broken():
        raise RuntimeError("no sound card")

    caller = Caller().says("x", at=0.0, sound=lambda: broken())

    async def call_up() -> None:
        async with both() as (network, server):
            call = await network.ring(OURS, caller, f"{server.url}/voice")
            await network.settled(call)

    with pytest.raises(ExceptionGroup, match="phone network itself") as failed:
        await call_up()
    assert failed.group_contains(RuntimeError, match="no sound card", depth=None)


REFUSED = [
    ({"to": "911"}, 21211),
    ({"from_": "x"}, 21212),
    ({"from_": "+14155550111"}, 21210),
    ({"url": "ftp://x"}, 21205),
    ({"url": None}, 21205),
    ({"url": None, "twiml": "x" * 4001}, 21205),
    ({"timeout": 601}, 21208),
    ({"status_callback": "/relative"}, 21205),
    ({"status_callback_event": ["ended"]}, 21626),
]


async def test_orders_that_are_refused():
    async with both(owned=[OURS]) as (network, server), account(network) as client:
        for order, code in REFUSED:
            whole = {"to": THEIRS, "from_": OURS, "url": f"{server.url}/voice", **order}
            whole = {name: value for name, value in whole.items() if value is not None}
            with pytest.raises(TwilioRestException) as refused:
                await client.calls.create_async(**whole)
            assert (refused.value.status, refused.value.code) == (400, code), order
    assert network.calls == {}


async def test_a_stranger_is_refused():
    async with both() as (network, _), account(network, "another token") as client:
        with pytest.raises(TwilioRestException) as refused:
            await client.calls("CA" + "0" * 32).fetch_async()
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_faults_of_the_rest_api():
    async with both() as (network, server), account(network) as client:

        async def create() -> Any:
            url = f"{server.url}/voice"
            return await client.calls.create_async(to=THEIRS, from_=OURS, url=url)

        network.default = Subscriber(SHORT)
        network.fail(RestFault.refused(21215, 403))
        with pytest.raises(TwilioRestException, match="geographic"):
            await create()
        network.fail(RestFault.too_many(7))
        with pytest.raises(TwilioRestException) as too_many:
            await create()
        assert (too_many.value.status, too_many.value.code) == (429, 20429)
        network.fail(RestFault(body="<html>"))
        with pytest.raises(ValueError, match="Expecting value"):
            await create()
        network.fail(RestFault(is_cut=True))
        with pytest.raises(aiohttp.ClientError):
            await create()
        assert network.calls == {}
        network.fail(RestFault(is_cut=True, acts=True))
        with pytest.raises(aiohttp.ClientError):
            await create()
        assert len(network.calls) == 1
        network.fail(RestFault.refused(20404, 404, on="fetch"))  # not for what follows
        network.fail(RestFault(delay_s=0.01, on="create", times=2))
        first, second = await create(), await create()
        assert len({first.sid, second.sid}) == 2
        for call in list(network.calls.values()):
            await network.settled(call)
        with pytest.raises(TwilioRestException) as gone:
            await client.calls(str(first.sid)).fetch_async()
        assert gone.value.code == 20404
        listed = await client.calls.list_async()
    assert {call.sid for call in listed} == set(network.calls)
    assert network.requests[0][:2] == ("create", "POST")


async def test_the_number_of_seconds_to_wait_is_in_the_header():
    async with both() as (network, _):
        network.fail(RestFault.too_many(7))
        async with aiohttp.ClientSession() as http:
            answer = await http.get(f"{network.base_url}/2010-04-01/Accounts/AC/Calls.json")
            body = await answer.json()
    assert answer.headers["Retry-After"] == "7"
    assert body["status"] == 429
    assert body["more_info"].endswith("/20429")


async def test_waiting_for_what_never_comes_ends_with_the_call():
    async with both() as (network, server):
        server.answers["/voice"] = lambda: xml("<Response/>")
        call = await network.ring(OURS, SHORT, f"{server.url}/voice")
        with pytest.raises(LookupError, match="ended as completed"):
            await call.until(has_stream)
        with pytest.raises(LookupError, match="no stream was opened"):
            _ = call.stream
