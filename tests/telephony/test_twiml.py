"""TwiML is what Twilio takes, whatever text it is made of."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.errors import BadInput
from sdr_lab.telephony.twiml import (
    dial_twiml,
    hangup_twiml,
    reject_twiml,
    say_twiml,
    stream_twiml,
)

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
STREAM_URL = "wss://calls.example.com/media-stream/t0k"


def test_a_stream_is_connected_and_the_call_ends_after_it():
    assert stream_twiml(
        STREAM_URL, {"conversation_id": "conv_1"}, "https://x/stream", "https://x/after?a=1&b=2"
    ) == (
        f'{HEAD}<Response><Connect action="https://x/after?a=1&amp;b=2">'
        f'<Stream statusCallback="https://x/stream" url="{STREAM_URL}">'
        '<Parameter name="conversation_id" value="conv_1" /></Stream></Connect>'
        "<Hangup /></Response>"
    )


def test_without_addresses_there_are_no_attributes():
    assert stream_twiml(STREAM_URL, {}) == (
        f'{HEAD}<Response><Connect><Stream url="{STREAM_URL}" /></Connect><Hangup /></Response>'
    )


@pytest.mark.parametrize(
    ("url", "parameters", "reason"),
    [
        ("https://x/ws", {}, "must begin with wss://"),
        ("wss://x/ws?token=1", {}, "can't have a query"),
        ("wss://x/ws#1", {}, "can't have a query"),
        ("wss://x/ws", {"lead": "x" * 496}, "'lead' has 500 characters with its value"),
    ],
)
def test_what_twilio_would_refuse_is_not_sent(url: str, parameters: dict[str, str], reason: str):
    with pytest.raises(BadInput, match=reason):
        stream_twiml(url, parameters)


def test_a_caller_is_handed_on():
    assert dial_twiml("+15550001111", "+15557654321", "https://x/dial", "One moment.") == (
        f"{HEAD}<Response><Say>One moment.</Say>"
        '<Dial action="https://x/dial" answerOnBridge="true" callerId="+15557654321">'
        "<Number>+15550001111</Number></Dial></Response>"
    )


def test_a_dial_that_nobody_asks_about_ends_the_call():
    assert dial_twiml("+15550001111", "") == (
        f'{HEAD}<Response><Dial answerOnBridge="true"><Number>+15550001111</Number></Dial>'
        "<Hangup /></Response>"
    )


def test_short_answers():
    assert hangup_twiml() == f"{HEAD}<Response><Hangup /></Response>"
    assert reject_twiml() == f'{HEAD}<Response><Reject reason="busy" /></Response>'
    assert reject_twiml("rejected") == f'{HEAD}<Response><Reject reason="rejected" /></Response>'
    assert say_twiml("Good-bye & <thanks>") == (
        f"{HEAD}<Response><Say>Good-bye &amp; &lt;thanks&gt;</Say><Hangup /></Response>"
    )


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_it(name: str, value: str):
    said = ElementTree.fromstring(say_twiml(value))
    connected = ElementTree.fromstring(stream_twiml(STREAM_URL, {name: value}))

    assert [child.tag for child in said] == ["Say", "Hangup"]
    assert len(connected.findall("Connect/Stream/Parameter")) == 1


def test_control_characters_are_left_out():
    assert "<Say>ab</Say>" in say_twiml("a\x00\x0b\ud800b")
