from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from sdr_lab.api.app import create_app
from sdr_lab.simulate.phone_network import ACCOUNT_SID, AUTH_TOKEN
from sdr_lab.store.folder import Status
from sdr_lab.telephony.signature import sign
from tests.live.served import HIS, OURS, ScriptedLab, call_over, scripted_lab

SID = "CA" + "0" * 32
STREAM = "MZ" + "0" * 32
WS = "wss://calls.example"

REFUSED, MISTAKE, TRY_LATER = 1008, 1011, 1013


@pytest.fixture
def lab(home: Path) -> ScriptedLab:
    return scripted_lab(home)


@pytest.fixture
def client(lab: ScriptedLab) -> Iterator[TestClient]:
    with TestClient(create_app(lab=lab)) as client:
        yield client


def ticket(lab: ScriptedLab, kind: str = "twilio", ttl_s: float = 60) -> tuple[str, str]:
    """Return conversation id and token of a call that is let in."""
    call_sid = SID if kind == "twilio" else ""
    agent = lab.agent("joe")
    row = lab.calls.create(agent, HIS, "inbound", agent_number=OURS, call_sid=call_sid)
    return row.id, lab.tickets.mint(row.id, kind, call_sid, ttl_s)


def signed(path: str, token: str = AUTH_TOKEN) -> dict[str, str]:
    return {"X-Twilio-Signature": sign(WS + path, {}, token)}


def start(**changes: Any) -> dict[str, Any]:
    body = {
        "streamSid": STREAM,
        "callSid": SID,
        "accountSid": ACCOUNT_SID,
        "tracks": ["inbound"],
        "customParameters": {},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        **changes,
    }
    return {"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": body}


def media(n: int) -> dict[str, Any]:
    sound = {
        "track": "inbound",
        "chunk": str(n + 1),
        "timestamp": str(20 * n),
        "payload": base64.b64encode(b"\xff" * 160).decode(),
    }
    return {"event": "media", "sequenceNumber": str(n + 2), "streamSid": STREAM, "media": sound}


def stop() -> dict[str, Any]:
    return {"event": "stop", "sequenceNumber": "99", "streamSid": STREAM, "stop": {"callSid": SID}}


def send(ws: WebSocketTestSession, *messages: dict[str, Any]) -> None:
    for message in messages:
        ws.send_text(json.dumps(message))


def closed(ws: WebSocketTestSession) -> int:
    """Read to the end; return the code with which the server closed."""
    while True:
        message = ws.receive()
        if message["type"] == "websocket.close":
            return message["code"]


def refused(client: TestClient, path: str, headers: dict[str, str] | None = None) -> int:
    """Return the code of a connection that is not even accepted."""
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect(path, headers=headers or {}),
    ):
        pass
    return caught.value.code


def test_a_signed_stream_with_its_token_is_a_call(client: TestClient, lab: ScriptedLab):
    key, token = ticket(lab)
    path = f"/media-stream/{token}"

    with client.websocket_connect(path, headers=signed(path)) as ws:
        send(ws, {"event": "connected", "protocol": "Call", "version": "1.0.0"}, start())
        send(ws, *[media(n) for n in range(5)])
        heard = ws.receive_json()
        send(ws, stop())
        closed(ws)

    assert heard["event"] == "media"
    assert heard["streamSid"] == STREAM
    call = call_over(lab, key)
    assert (call.status, call.ended_reason) == (Status.COMPLETED, "caller")
    assert call.metadata["stream_sid"] == STREAM
    assert call.line == "twilio"


def test_a_slash_at_the_end_of_the_signed_address_does_no_harm(
    client: TestClient, lab: ScriptedLab
):
    _, token = ticket(lab)
    path = f"/media-stream/{token}"

    with client.websocket_connect(path, headers=signed(path + "/")) as ws:
        send(ws, start(), stop())
        closed(ws)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "no signature"),
        (signed("/media-stream/another"), "a wrong signature"),
        ({"X-Twilio-Signature": "nonsense"}, "a wrong signature"),
    ],
    ids=["none", "of another path", "nonsense"],
)
def test_a_forged_stream_is_refused_and_its_token_stays_good(
    client: TestClient, lab: ScriptedLab, caplog, headers: dict[str, str], why: str
):
    _, token = ticket(lab)
    with caplog.at_level(logging.WARNING, "sdr_lab"):
        assert refused(client, f"/media-stream/{token}", headers) == REFUSED

    assert why in caplog.text
    assert token not in caplog.text
    assert lab.tickets.peek(token) is not None  # Twilio itself is still let in


def test_a_signature_for_https_is_none_for_wss(client: TestClient, lab: ScriptedLab):
    _, token = ticket(lab)
    path = f"/media-stream/{token}"
    headers = {"X-Twilio-Signature": sign(f"https://calls.example{path}", {}, AUTH_TOKEN)}

    assert refused(client, path, headers) == REFUSED


def test_a_replayed_stream_is_refused(client: TestClient, lab: ScriptedLab, caplog):
    _, token = ticket(lab)
    path = f"/media-stream/{token}"
    with client.websocket_connect(path, headers=signed(path)) as ws:
        send(ws, start(), stop())
        closed(ws)

    with caplog.at_level(logging.WARNING, "sdr_lab"):
        assert refused(client, path, signed(path)) == REFUSED

    assert "used already" in caplog.text


def test_an_unknown_or_expired_token_is_refused(client: TestClient, lab: ScriptedLab, caplog):
    _, old = ticket(lab, ttl_s=-1)
    with caplog.at_level(logging.WARNING, "sdr_lab"):
        for token in (old, "x" * 43):
            path = f"/media-stream/{token}"
            assert refused(client, path, signed(path)) == REFUSED

    assert "expired" in caplog.text
    assert "unknown" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"callSid": "CA" + "1" * 32},
        {"accountSid": "AC" + "1" * 32},
        {"customParameters": {"conversation_id": "conv_another"}},
        {"callSid": ""},
    ],
    ids=["call", "account", "conversation", "no call"],
)
def test_a_foreign_stream_is_closed(
    client: TestClient, lab: ScriptedLab, caplog, changes: dict[str, Any]
):
    key, token = ticket(lab)
    path = f"/media-stream/{token}"

    with (
        caplog.at_level(logging.WARNING, "sdr_lab"),
        client.websocket_connect(path, headers=signed(path)) as ws,
    ):
        send(ws, start(**changes))
        assert closed(ws) == REFUSED

    assert "it is of" in caplog.text or "it names" in caplog.text
    assert lab.calls.get(key).status is Status.INITIATED  # nobody spoke with it


@pytest.mark.parametrize(
    "first",
    [
        "nonsense",
        json.dumps(media(0)),
        json.dumps({"event": "stop"}),
        json.dumps(start(mediaFormat={"encoding": "opus", "sampleRate": 48000})),
        json.dumps({"event": "connected", "x": "x" * 70_000}),
    ],
    ids=["no JSON", "media first", "stop first", "another format", "too long"],
)
def test_what_does_not_begin_as_a_stream_is_closed(
    client: TestClient, lab: ScriptedLab, first: str
):
    _, token = ticket(lab)
    path = f"/media-stream/{token}"

    with client.websocket_connect(path, headers=signed(path)) as ws:
        ws.send_text(first)
        assert closed(ws) == REFUSED


def test_a_binary_message_is_no_stream(client: TestClient, lab: ScriptedLab):
    _, token = ticket(lab)
    path = f"/media-stream/{token}"

    with client.websocket_connect(path, headers=signed(path)) as ws:
        ws.send_bytes(b"\0\1")
        assert closed(ws) == REFUSED


def test_a_stream_from_elsewhere_needs_its_token_only(client: TestClient, lab: ScriptedLab):
    key, token = ticket(lab, kind="browser")

    with client.websocket_connect(f"/media-stream/{token}") as ws:
        send(ws, start(callSid="CAanything", accountSid=""), *[media(n) for n in range(5)])
        assert ws.receive_json()["event"] == "media"
        send(ws, stop())
        closed(ws)

    call = call_over(lab, key)
    assert (call.line, call.status) == ("browser", Status.COMPLETED)


def test_while_signatures_are_skipped_a_token_is_needed_all_the_same(home: Path):
    lab = scripted_lab(home, INSECURE_SKIP_SIGNATURES=True)
    with TestClient(create_app(lab=lab)) as client:
        _, token = ticket(lab)
        assert refused(client, "/media-stream/" + "x" * 43) == REFUSED
        with client.websocket_connect(f"/media-stream/{token}") as ws:
            send(ws, start(), stop())
            closed(ws)


def test_the_sid_of_a_call_of_somebody_else_becomes_known_with_its_stream(
    client: TestClient, lab: ScriptedLab
):
    reply = client.post(
        "/v1/convai/twilio/register-call",
        json={"agent_id": "joe", "from_number": HIS, "to_number": OURS},
    )
    token = reply.text.partition("/media-stream/")[2].partition('"')[0]
    path = f"/media-stream/{token}"

    with client.websocket_connect(path, headers=signed(path)) as ws:
        send(ws, start(), stop())
        closed(ws)

    call = call_over(lab, SID)
    assert (call.agent_id, call.phone_number, call.agent_number) == ("joe", HIS, OURS)
    assert call.status is Status.COMPLETED


def test_a_call_ends_with_its_status_though_its_stream_has_not_stopped(
    client: TestClient, lab: ScriptedLab
):
    key, token = ticket(lab)
    path = f"/media-stream/{token}"
    told = f"/voice/status?conversation_id={key}"
    form = {"CallSid": SID, "CallStatus": "completed", "SequenceNumber": "3", "CallDuration": "9"}

    with client.websocket_connect(path, headers=signed(path)) as ws:
        send(ws, start(), *[media(n) for n in range(5)])
        assert ws.receive_json()["event"] == "media"
        signature = sign(f"https://calls.example{told}", form, AUTH_TOKEN)
        for _ in range(2):
            client.post(told, data=form, headers={"X-Twilio-Signature": signature})
        assert closed(ws) == 1000

    call = call_over(lab, key)
    assert (call.status, call.ended_reason) == (Status.COMPLETED, "caller")


def test_what_a_stream_does_wrong_in_mid_call_is_noted_only(client: TestClient, lab: ScriptedLab):
    key, token = ticket(lab)
    path = f"/media-stream/{token}"
    about = {"CallSid": SID, "AccountSid": ACCOUNT_SID, "StreamSid": STREAM}
    form = {**about, "StreamEvent": "stream-error", "StreamError": "31951"}
    told = f"/voice/stream?conversation_id={key}"

    with client.websocket_connect(path, headers=signed(path)) as ws:
        send(ws, start(), *[media(n) for n in range(5)])
        assert ws.receive_json()["event"] == "media"
        signature = sign(f"https://calls.example{told}", form, AUTH_TOKEN)
        client.post(told, data=form, headers={"X-Twilio-Signature": signature})
        assert lab.calls.get(key).status is Status.IN_PROGRESS
        send(ws, stop())
        closed(ws)

    call = call_over(lab, key)
    assert (call.status, call.metadata["stream_error"]) == (Status.COMPLETED, "31951")


def test_a_stream_that_finds_no_room_has_failed(home: Path):
    lab = scripted_lab(home, MAX_CALLS=1)
    with TestClient(create_app(lab=lab)) as client:
        _, first = ticket(lab, kind="browser")
        key, second = ticket(lab, kind="browser")
        with client.websocket_connect(f"/media-stream/{first}") as talks:
            send(talks, start(), media(0))
            assert talks.receive_json()["event"] == "media"
            with client.websocket_connect(f"/media-stream/{second}") as late:
                send(late, start())
                assert closed(late) == TRY_LATER
            send(talks, stop())
            closed(talks)
        call = call_over(lab, key)
    assert call.status is Status.FAILED
    assert "MAX_CALLS" in call.ended_reason


def test_a_stream_of_a_call_that_was_deleted_is_closed(
    client: TestClient, lab: ScriptedLab, caplog
):
    key, token = ticket(lab)
    path = f"/media-stream/{token}"

    with client.websocket_connect(path, headers=signed(path)) as ws:
        lab.calls.delete(key)
        send(ws, start())
        assert closed(ws) == MISTAKE

    assert "Traceback" not in caplog.text
