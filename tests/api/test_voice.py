from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as Xml

import pytest
from starlette.testclient import TestClient

from sdr_lab.api.app import create_app
from sdr_lab.live.background import Background
from sdr_lab.live.prepared import Prepared, prepare
from sdr_lab.simulate.phone_network import ACCOUNT_SID, AUTH_TOKEN
from sdr_lab.store.folder import Status
from sdr_lab.telephony.signature import sign
from tests.live.finished_call import TALK, make_call
from tests.live.served import HIS, OURS, PUBLIC, ScriptedLab, scripted_lab

SID = "CA" + "0" * 32


@pytest.fixture
def lab(home: Path) -> ScriptedLab:
    return scripted_lab(home)


@pytest.fixture
def client(lab: ScriptedLab) -> Iterator[TestClient]:
    with TestClient(create_app(lab=lab)) as client:
        yield client


def fields(**more: str) -> dict[str, str]:
    return {"CallSid": SID, "AccountSid": ACCOUNT_SID, "From": HIS, "To": OURS, **more}


def twilio(client: TestClient, path: str, form: Mapping[str, str], token: str = AUTH_TOKEN) -> Any:
    """Send a webhook as Twilio does."""
    signature = sign(PUBLIC + path, form, token)
    return client.post(path, data=dict(form), headers={"X-Twilio-Signature": signature})


def verbs(reply: Any) -> list[str]:
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/xml")
    return [verb.tag for verb in Xml.fromstring(reply.text)]


def attribute(reply: Any, path: str, name: str) -> str:
    element = Xml.fromstring(reply.text).find(path)
    assert element is not None
    return element.attrib[name]


PATHS = ["incoming", "outbound", "after", "dial", "status", "amd", "recording", "stream"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_answered_without_a_signature(
    client: TestClient, lab: ScriptedLab, path: str, method: str
):
    reply = client.request(method, f"/voice/{path}?conversation_id=x&CallSid={SID}")

    assert reply.status_code == 403
    assert reply.json()["detail"]["status"] == "bad_signature"
    assert lab.calls.count() == 0


@pytest.mark.parametrize(
    ("form", "token", "path"),
    [
        (fields(), "another token", "/voice/incoming"),
        (fields(To="+15550009999"), AUTH_TOKEN, "/voice/incoming"),  # signed over other fields
        (fields(), AUTH_TOKEN, "/voice/incoming?conversation_id=x"),  # of another address
    ],
    ids=["token", "fields", "address"],
)
def test_a_wrong_signature_is_refused_and_logged(
    client: TestClient, caplog, form: dict[str, str], token: str, path: str
):
    signature = sign(PUBLIC + path, fields() if path == "/voice/incoming" else form, token)
    with caplog.at_level(logging.WARNING, "sdr_lab"):
        reply = client.post("/voice/incoming", data=form, headers={"X-Twilio-Signature": signature})

    assert reply.status_code == 403
    assert "a wrong signature" in caplog.text


def test_the_host_header_has_no_say(client: TestClient):
    form = fields()
    signature = sign("https://evil.example/voice/incoming", form, AUTH_TOKEN)
    headers = {"X-Twilio-Signature": signature, "Host": "evil.example"}

    reply = client.post("/voice/incoming", data=form, headers=headers)

    assert reply.status_code == 403


def test_a_body_without_end_is_not_read(client: TestClient):
    reply = twilio(client, "/voice/incoming", fields(Digits="1" * 70_000))

    assert reply.status_code == 413


def test_a_caller_is_connected_to_the_agent_of_the_number(client: TestClient, lab: ScriptedLab):
    reply = twilio(client, "/voice/incoming", fields())

    assert verbs(reply) == ["Connect", "Hangup"]
    call = lab.calls.get(SID)
    assert (call.agent_id, call.direction, call.status) == ("joe", "inbound", Status.INITIATED)
    assert (call.phone_number, call.agent_number) == (HIS, OURS)
    assert attribute(reply, "Connect/Stream/Parameter", "value") == call.id
    url = attribute(reply, "Connect/Stream", "url")
    assert url.startswith("wss://calls.example/media-stream/")
    ticket = lab.tickets.peek(url.rpartition("/")[2])
    assert ticket is not None
    assert (ticket.conversation_id, ticket.call_sid, ticket.kind) == (call.id, SID, "twilio")


def test_get_works_as_well(client: TestClient, lab: ScriptedLab):
    path = "/voice/incoming?" + urlencode(fields())
    reply = client.get(path, headers={"X-Twilio-Signature": sign(PUBLIC + path, {}, AUTH_TOKEN)})

    assert verbs(reply) == ["Connect", "Hangup"]
    assert lab.calls.get(SID).phone_number == HIS


def test_a_webhook_that_comes_twice_makes_one_call(client: TestClient, lab: ScriptedLab):
    first = twilio(client, "/voice/incoming", fields())
    second = twilio(client, "/voice/incoming", fields())

    assert lab.calls.count() == 1
    urls = {attribute(reply, "Connect/Stream", "url") for reply in (first, second)}
    assert len(urls) == 2  # each answer has its own token


def test_a_number_without_an_agent_is_answered_by_the_default_one(
    client: TestClient, lab: ScriptedLab
):
    reply = twilio(client, "/voice/incoming", fields(To="+15550007777"))

    assert verbs(reply) == ["Connect", "Hangup"]
    assert lab.calls.get(SID).agent_id == "maplewood"


def test_who_dials_in_is_answered_although_a_variable_lacks_a_value(
    client: TestClient, lab: ScriptedLab, caplog: pytest.LogCaptureFixture
):
    lab.agents.update("joe", {"first_message": "Hi {{lead_name}}, this is Joe."})

    reply = twilio(client, "/voice/incoming", fields())
    key = lab.calls.get(SID).id
    ready = asyncio.run(prepared(lab, key))

    assert verbs(reply) == ["Connect", "Hangup"]
    assert "agent joe: first_message has no value for lead_name" in caplog.text
    assert ready.config.variables == {}


async def prepared(lab: ScriptedLab, key: str) -> Prepared:
    background = Background()
    await background.open()
    try:
        return await prepare(lab, background, key, "twilio")
    finally:
        await background.close()


def test_a_number_that_takes_no_calls_says_so(client: TestClient, lab: ScriptedLab):
    lab.numbers.update(OURS, supports_inbound=False)

    reply = twilio(client, "/voice/incoming", fields())

    assert verbs(reply) == ["Say", "Hangup"]
    assert "not in service" in reply.text
    assert lab.calls.count() == 0


def test_when_no_call_may_begin_the_line_is_busy(home: Path):
    lab = scripted_lab(home, MAX_CALLS=1)
    with TestClient(create_app(lab=lab)) as client:
        assert verbs(twilio(client, "/voice/incoming", fields())) == ["Connect", "Hangup"]
        again = twilio(client, "/voice/incoming", fields(CallSid="CA" + "1" * 32))

    assert verbs(again) == ["Reject"]
    assert attribute(again, "Reject", "reason") == "busy"
    assert lab.calls.count() == 1


def test_without_public_url_the_caller_hears_that_something_is_wrong(home: Path, caplog):
    lab = scripted_lab(home, PUBLIC_URL="", INSECURE_SKIP_SIGNATURES=True)
    with TestClient(create_app(lab=lab)) as client:
        reply = client.post("/voice/incoming", data=fields())

    assert verbs(reply) == ["Say", "Hangup"]
    assert "PUBLIC_URL" in caplog.text


# ---- calls of ours


def outbound(lab: ScriptedLab, **more) -> str:
    row = lab.calls.create(lab.agent("joe"), HIS, "outbound", agent_number=OURS, **more)
    return row.id


def test_who_answers_is_connected_even_before_twilio_has_told_the_sid(
    client: TestClient, lab: ScriptedLab
):
    key = outbound(lab)

    reply = twilio(client, f"/voice/outbound?conversation_id={key}", fields())

    assert verbs(reply) == ["Connect", "Hangup"]
    assert lab.calls.get(key).call_sid == SID


@pytest.mark.parametrize("known", ["CA" + "9" * 32, ""], ids=["another call", "unknown"])
def test_a_call_that_is_not_ours_is_hung_up(client: TestClient, lab: ScriptedLab, known: str):
    key = outbound(lab, call_sid=known) if known else "conv_unknown"

    reply = twilio(client, f"/voice/outbound?conversation_id={key}", fields())

    assert verbs(reply) == ["Hangup"]


def test_after_a_stream_that_never_came_the_caller_hears_why(client: TestClient, lab: ScriptedLab):
    key = outbound(lab, call_sid=SID)

    assert verbs(twilio(client, f"/voice/after?conversation_id={key}", fields())) == [
        "Say",
        "Hangup",
    ]


def test_who_hangs_up_before_his_stream_comes_has_not_failed(
    client: TestClient, lab: ScriptedLab, caplog
):
    key = outbound(lab, call_sid=SID)

    with caplog.at_level(logging.ERROR, "sdr_lab"):
        reply = twilio(
            client, f"/voice/after?conversation_id={key}", fields(CallStatus="completed")
        )

    assert verbs(reply) == ["Hangup"]
    assert lab.calls.get(key).status is Status.COMPLETED
    assert not caplog.text


def test_whose_call_a_restart_has_broken_off_hears_that_we_are_sorry(
    client: TestClient, lab: ScriptedLab
):
    folder = make_call(lab.calls.calls_dir, events=TALK[:-1])
    call = json.loads((folder / "call.json").read_text())
    (folder / "call.json").write_text(json.dumps({**call, "pid": 0}))
    lab.calls.add_from_folder(folder)

    after = "/voice/after?conversation_id=conv_1"
    assert verbs(twilio(client, after, fields(CallStatus="in-progress"))) == ["Say", "Hangup"]
    assert verbs(twilio(client, after, fields(CallStatus="completed"))) == ["Hangup"]


def test_a_transfer_of_somebody_who_has_hung_up_is_not_dialled(
    client: TestClient, lab: ScriptedLab
):
    key = outbound(lab, call_sid=SID)
    lab.calls.note(key, transfer={"to": "+15550002222", "status": "asked"})

    reply = twilio(client, f"/voice/after?conversation_id={key}", fields(CallStatus="completed"))

    assert verbs(reply) == ["Hangup"]
    assert lab.calls.get(key).metadata["transfer"]["status"] == "canceled"


def test_a_transfer_that_twilio_refused_over_rest_is_dialled_after_the_stream(
    client: TestClient, lab: ScriptedLab
):
    key = outbound(lab, call_sid=SID)
    lab.calls.note(key, transfer={"to": "+15550002222", "status": "asked"})

    reply = twilio(client, f"/voice/after?conversation_id={key}", fields())

    assert verbs(reply) == ["Dial"]
    assert attribute(reply, "Dial", "callerId") == OURS
    assert "+15550002222" in reply.text
    assert attribute(reply, "Dial", "action") == f"{PUBLIC}/voice/dial?conversation_id={key}"
    again = twilio(client, f"/voice/after?conversation_id={key}", fields())
    assert "Dial" not in verbs(again)  # it is dialled once


@pytest.mark.parametrize(
    ("status", "told"), [("completed", ["Hangup"]), ("no-answer", ["Say", "Hangup"])]
)
def test_how_a_transfer_went_is_kept(
    client: TestClient, lab: ScriptedLab, status: str, told: list[str]
):
    key = outbound(lab, call_sid=SID)
    form = fields(DialCallStatus=status, DialCallSid="CA" + "2" * 32, DialCallDuration="31")

    assert verbs(twilio(client, f"/voice/dial?conversation_id={key}", form)) == told

    transfer = lab.calls.get(key).metadata["transfer"]
    assert (transfer["status"], transfer["duration_s"]) == (status, 31)


# ---- callbacks


def status_of(client: TestClient, key: str, status: str, sequence: int, **more: str) -> None:
    form = fields(CallStatus=status, SequenceNumber=str(sequence), **more)
    reply = twilio(client, f"/voice/status?conversation_id={key}", form)
    assert reply.status_code == 204


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (2, 1, 0, 2, 2, 0), (1, 2)])
def test_callbacks_in_any_order_come_to_the_same(
    client: TestClient, lab: ScriptedLab, order: tuple[int, ...]
):
    key = outbound(lab)
    sent = [("initiated", 0, {}), ("ringing", 1, {}), ("busy", 2, {"SipResponseCode": "486"})]

    for place in order:
        status, sequence, more = sent[place]
        status_of(client, key, status, sequence, **more)

    call = lab.calls.get(SID)
    assert (call.id, call.status) == (key, Status.BUSY)
    assert call.ended_reason == "SIP 486"


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_call_that_was_not_answered_ends_as_the_network_says(
    client: TestClient, lab: ScriptedLab, status: str
):
    key = outbound(lab)

    status_of(client, key, status, 3)

    assert lab.calls.get(key).status == status


def test_a_callback_finds_its_call_by_the_sid_too(client: TestClient, lab: ScriptedLab):
    outbound(lab, call_sid=SID)

    reply = twilio(client, "/voice/status", fields(CallStatus="no-answer"))

    assert reply.status_code == 204
    assert lab.calls.get(SID).status is Status.NO_ANSWER


def test_a_callback_of_another_call_changes_nothing(client: TestClient, lab: ScriptedLab):
    key = outbound(lab, call_sid="CA" + "9" * 32)

    status_of(client, key, "busy", 1)  # says SID
    status_of(client, "conv_unknown", "busy", 1)

    assert lab.calls.get(key).status is Status.INITIATED


def test_who_answered_is_kept(client: TestClient, lab: ScriptedLab):
    key = outbound(lab)
    form = fields(AnsweredBy="machine_start", MachineDetectionDuration="3200")

    assert twilio(client, f"/voice/amd?conversation_id={key}", form).status_code == 204

    assert lab.calls.get(key).metadata["answered_by"] == "machine_start"
    status_of(client, key, "completed", 3)
    assert lab.calls.get(key).status is Status.VOICEMAIL


def test_twilios_recording_is_kept(client: TestClient, lab: ScriptedLab):
    key = outbound(lab, call_sid=SID)
    url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Recordings/RE1"
    form = fields(
        RecordingSid="RE1", RecordingUrl=url, RecordingStatus="completed", RecordingDuration="9"
    )

    assert twilio(client, f"/voice/recording?conversation_id={key}", form).status_code == 204

    kept = lab.calls.get(key).metadata
    assert (kept["recording_url"], kept["recording_sid"]) == (url, "RE1")
    assert kept["recording_duration_s"] == 9


def test_a_stream_that_failed_is_noted(client: TestClient, lab: ScriptedLab, caplog):
    key = outbound(lab, call_sid=SID)
    form = fields(StreamSid="MZ1", StreamEvent="stream-error", StreamError="31920 handshake")

    with caplog.at_level(logging.ERROR, "sdr_lab"):
        assert twilio(client, f"/voice/stream?conversation_id={key}", form).status_code == 204

    call = lab.calls.get(key)
    assert call.metadata["stream_error"] == "31920 handshake"
    assert (call.status, call.ended_reason) == (Status.FAILED, "its stream failed: 31920 handshake")
    assert "31920" in caplog.text
    status_of(client, key, "completed", 3, CallDuration="2")
    assert lab.calls.get(key).status is Status.FAILED  # answered, but nobody was there


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("recording", {"RecordingSid": "RE1", "RecordingUrl": "https://x", "RecordingStatus": ""}),
        ("status", {"CallStatus": "completed", "SequenceNumber": "3"}),
        ("amd", {"AnsweredBy": "machine_start"}),
        ("stream", {"StreamEvent": "stream-stopped", "StreamSid": "MZ1"}),
    ],
)
def test_what_comes_when_a_call_was_deleted_brings_nothing_back(
    client: TestClient, lab: ScriptedLab, path: str, form: dict[str, str]
):
    key = outbound(lab, call_sid=SID)
    lab.calls.delete(key)

    reply = twilio(client, f"/voice/{path}?conversation_id={key}", fields(**form))

    assert reply.status_code == 204
    assert lab.calls.list().calls == ()


@pytest.mark.parametrize(
    "form",
    [{"CallSid": SID}, fields(CallStatus="exploded"), fields(CallStatus="")],
    ids=["no status", "unknown status", "empty status"],
)
def test_a_callback_that_makes_no_sense_is_ignored(
    client: TestClient, lab: ScriptedLab, form: dict[str, str]
):
    key = outbound(lab)

    assert twilio(client, f"/voice/status?conversation_id={key}", form).status_code == 204
    assert lab.calls.get(key).status is Status.INITIATED
