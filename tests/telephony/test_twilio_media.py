"""Messages of a media stream: what is read, what is refused and why, what is written."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.telephony.twilio_media import (
    MAX_MESSAGE_BYTES,
    Connected,
    Dtmf,
    MarkEcho,
    Media,
    ProtocolError,
    Start,
    Stop,
    Unknown,
    clear_text,
    mark_text,
    media_text,
    read_message,
)
from tests.telephony.messages import (
    ACCOUNT,
    CALL,
    CONNECTED,
    STREAM,
    dtmf,
    mark,
    media,
    message,
    start,
    stop,
)

SOUND = bytes(range(160))


def read(value: Any) -> Any:
    return read_message(value if isinstance(value, str) else json.dumps(value))


# ---- what is read


def test_each_message_is_read():
    assert read(CONNECTED) == Connected()
    assert read(media(40, SOUND, chunk="3")) == Media(STREAM, "inbound", 3, 40, SOUND)
    assert read(dtmf("#")) == Dtmf(STREAM, "#")
    assert read(mark("3:1")) == MarkEcho(STREAM, "3:1")
    assert read(stop()) == Stop(STREAM, CALL)
    assert read(message("heartbeat")) == Unknown("heartbeat")


def test_start_says_who_is_calling():
    begun = read(start(customParameters={"lead": "Ann", "age": 41, "is_new": True}))

    assert (begun.stream_sid, begun.call_sid, begun.account_sid) == (STREAM, CALL, ACCOUNT)
    assert begun.tracks == ("inbound",)
    assert begun.parameters == {"lead": "Ann", "age": "41", "is_new": "true"}


@pytest.mark.parametrize("timestamp", ["60", 60, 60.0, "060"])
def test_a_number_may_be_text_or_a_number(timestamp: Any):
    assert read(media(0, timestamp=timestamp)).timestamp_ms == 60


def test_fields_that_others_leave_out_are_not_missed():
    bare = {"event": "media", "streamSid": STREAM, "media": {"timestamp": 0, "payload": "/w=="}}
    begun = {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": "8000"}}

    assert read(bare) == Media(STREAM, "inbound", 0, 0, b"\xff")
    assert read(message("start", start=begun)) == Start(STREAM)
    assert read(message("stop")) == Stop(STREAM)
    assert read(media(0, b"")).payload == b""


def test_half_a_character_in_a_parameter_does_no_harm():
    begun = read(
        '{"event":"start","start":'
        + json.dumps(start()["start"])[:-1].replace('"conv_1"', '"a\\ud800b"')
        + "}}"
    )

    assert begun.parameters["conversation_id"].encode() == b"a?b"


# ---- what is refused

PCM = {"encoding": "audio/l16", "sampleRate": 16000, "channels": 1}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("1" * 5000, "not JSON|must be an object"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ({"event": 1}, "needs an event"),
        ({}, "needs an event"),
        (message("media"), "media: an object is missing"),
        (message("media", media={"timestamp": "0"}), "payload: base64 text is missing"),
        (media(0, payload="a"), "payload: not base64"),
        (media(0, payload="####"), "payload: not base64"),
        (media(0, payload="é/w="), "payload: not base64"),
        (media(0, timestamp=None), "timestamp must be a whole number, got None"),
        (media(0, timestamp="-20"), "timestamp must be a whole number, got '-20'"),
        (media(0, timestamp=-20), "timestamp is out of range"),
        (media(0, timestamp="1e3"), "timestamp must be a whole number"),
        (media(0, timestamp=0.5), "timestamp must be a whole number"),
        (media(0, timestamp=True), "timestamp must be a whole number"),
        (media(0, timestamp=10**17), "timestamp is out of range"),
        (media(0, timestamp=float("nan")), "timestamp must be a whole number"),
        (media(0, track=7), "track must be text"),
        (media(0) | {"streamSid": None}, "streamSid and track must be text"),
        (message("start"), "start: an object is missing"),
        (start(mediaFormat=None), "mediaFormat must be an object, got None"),
        (start(mediaFormat=PCM), "got 'audio/l16' 16000 Hz 1 channel.*allowed: audio/x-mulaw"),
        (start(mediaFormat={"encoding": "audio/x-mulaw"}), "sampleRate must be a whole number"),
        (start(streamSid="MZ other"), "start.streamSid is no id"),
        (start(streamSid="MZ" + "9" * 32), "start names two streams"),
        (start(callSid=["x"]), "start.callSid is no id"),
        (start(callSid="CA\n"), "start.callSid is no id"),
        (start(tracks="inbound"), "start.tracks must be a list"),
        (start(customParameters=[]), "customParameters must be an object"),
        (start(customParameters={"a": {}}), "customParameters.a must be text"),
        (dtmf("12"), "dtmf.digit must be one of"),
        (dtmf(None), "dtmf.digit must be one of"),
        (message("mark", mark={}), "mark.name must be text"),
        ({"event": "mark", "mark": {"name": "x"}}, "streamSid is missing"),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(value: Any, reason: str):
    with pytest.raises(ProtocolError, match=reason) as refused:
        read(value)

    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


def test_no_message_is_longer_than_64_kib():
    empty = json.dumps(message("x", text=""))
    fits = empty.replace('""', json.dumps("a" * (MAX_MESSAGE_BYTES - len(empty))))

    assert read(fits) == Unknown("x")
    with pytest.raises(ProtocolError, match=f"{MAX_MESSAGE_BYTES + 1} bytes, allowed: 65536"):
        read(fits + " ")
    with pytest.raises(ProtocolError, match="bytes, allowed"):
        read('{"event":"' + "é" * 40_000 + '"}')


# ---- what is written: exactly these fields, an unknown one makes Twilio drop the message


@given(st.binary(max_size=400))
def test_sound_is_written_as_twilio_wants_it(mulaw: bytes):
    written = json.loads(media_text(STREAM, mulaw))

    payload = base64.b64encode(mulaw).decode()
    assert written == {"event": "media", "streamSid": STREAM, "media": {"payload": payload}}


@given(st.text(), st.text())
def test_no_name_breaks_a_message(stream: str, name: str):
    assert json.loads(media_text(stream, b""))["streamSid"] == stream
    assert json.loads(mark_text(stream, name)) == {
        "event": "mark",
        "streamSid": stream,
        "mark": {"name": name},
    }
    assert json.loads(clear_text(stream)) == {"event": "clear", "streamSid": stream}


# ---- whatever comes, it is read or refused

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["inbound", "outbound", "20", "", "AAAA", STREAM, "audio/x-mulaw", "8000"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = ["event", "streamSid", "media", "start", "stop", "mark", "dtmf", "payload", "timestamp"]
NAMES += ["track", "chunk", "name", "digit", "mediaFormat", "customParameters", "tracks"]
EVENTS = ["connected", "start", "media", "mark", "dtmf", "stop", "x"]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        values | st.dictionaries(st.sampled_from(NAMES), values, max_size=4),
        max_size=5,
    ),
    st.sampled_from(EVENTS),
)
def test_no_message_does_worse_than_being_refused(fields: dict[str, Any], event: str):
    text = json.dumps({"streamSid": STREAM, **fields, "event": event})

    found = read_or_reason(text)

    if isinstance(found, str):
        assert found.isprintable()
    else:
        assert (event == "x") == isinstance(found, Unknown)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([CONNECTED, start(), media(20), mark("1"), dtmf("1"), stop()]), st.data())
def test_no_damage_to_a_message_does_worse_than_being_refused(whole: dict[str, Any], data: Any):
    text = json.dumps(whole)
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 5))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]

    assert read_or_reason(damaged)


def read_or_reason(text: str) -> Any:
    try:
        return read_message(text)
    except ProtocolError as error:
        return str(error)
