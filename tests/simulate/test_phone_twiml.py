"""TwiML as twilio's library writes it, and as it should not be."""

from __future__ import annotations

import pytest
from twilio.twiml.voice_response import Connect as TwilioConnect
from twilio.twiml.voice_response import Dial as TwilioDial
from twilio.twiml.voice_response import Stream, VoiceResponse

from sdr_lab.simulate.phone_twiml import (
    Connect,
    Dial,
    Hangup,
    Number,
    Pause,
    Redirect,
    Reject,
    Say,
    Verb,
    read_twiml,
)


def read(text: str) -> tuple[list[Verb] | None, list[tuple[int, str]]]:
    notices: list[tuple[int, str]] = []
    verbs = read_twiml(text.encode(), lambda code, why: notices.append((code, why)))
    return verbs, notices


def test_everything_that_this_network_can_do():
    response = VoiceResponse()
    response.say("Hello & welcome", voice="Polly.Joanna")
    response.pause(length=2)
    connect = TwilioConnect(action="/after")
    stream = Stream(url="wss://x.example/m/token", name="n", status_callback="https://x/s")
    stream.parameter(name="call", value="1")
    connect.append(stream)
    response.append(connect)
    dial = TwilioDial(
        caller_id="+14155550100", timeout=20, action="/d", record="record-from-answer"
    )
    dial.number(
        "+14155550199",
        status_callback="/leg",
        status_callback_event="initiated answered",
        status_callback_method="GET",
    )
    response.append(dial)
    response.redirect("/next", method="GET")
    response.reject(reason="busy")
    response.hangup()

    verbs, notices = read(str(response))

    assert notices == []
    assert verbs == [
        Say("Hello & welcome"),
        Pause(2),
        Connect(
            "wss://x.example/m/token",
            "n",
            (("call", "1"),),
            "https://x/s",
            "POST",
            "/after",
            "POST",
        ),
        Dial(
            (Number("+14155550199", "/leg", ("initiated", "answered"), "GET"),),
            "/d",
            "POST",
            "+14155550100",
            20,
            14400,
            "record-from-answer",
            "",
        ),
        Redirect("/next", "GET"),
        Reject("busy"),
        Hangup(),
    ]


def test_a_number_may_stand_in_the_verb_itself():
    verbs, notices = read("<Response><Dial>+14155550199</Dial></Response>")

    assert notices == []
    assert isinstance(verbs, list)
    assert isinstance(verbs[0], Dial)
    assert verbs[0].numbers[0].number == "+14155550199"


def stream(url: str = "wss://x.example/m", inside: str = "", more: str = "") -> str:
    return f'<Connect><Stream url="{url}" {more}>{inside}</Stream></Connect>'


LONG = "x" * 496
WRONG = [
    ("<Speak>hi</Speak>", 12200, "no verb"),
    ('<Pause length="a"/>', 12200, "whole number"),
    ('<Say voicee="x">hi</Say>', 12200, "no attribute voicee"),
    ('<Reject reason="no"/>', 12200, "rejected, busy"),
    ('<Redirect method="PUT">/x</Redirect>', 12200, "GET, POST"),
    ("<Connect/>", 12200, "one <Stream>"),
    (f"<Connect>{stream()}</Connect>", 12200, "one <Stream>"),
    (stream("ws://x.example/m"), 31920, "must be wss"),
    (stream("https://x.example/m"), 31920, "must be wss"),
    (stream("wss://x.example/m?a=1"), 31920, "query"),
    (stream("wss://x.example/m?"), 31920, "query"),
    (stream("wss://x.example/m#a"), 31920, "query"),
    (stream(more='track="both_tracks"'), 31941, "inbound track only"),
    (stream(inside='<Parameter name="a"/>'), 12200, "<Parameter name= value=>"),
    (stream(inside='<Param name="a" value="b"/>'), 12200, "<Parameter name= value=>"),
    (stream(inside=f'<Parameter name="abcd" value="{LONG}"/>'), 12200, "500"),
    (stream(inside="text"), 12200, "holds text"),
    ("<Dial/>", 13221, "no number"),
    ("<Dial><Sip>sip:a@b</Sip><Number>+14155550199</Number></Dial>", 12200, "<Number>"),
]


@pytest.mark.parametrize(("inner", "code", "words"), WRONG)
def test_what_is_wrong_is_named(inner: str, code: int, words: str):
    _, notices = read(f"<Response>{inner}</Response>")

    assert [(found, words in text) for found, text in notices] == [(code, True)]


def test_parameters_up_to_the_limit_are_taken():
    parameter = f'<Parameter name="abc" value="{LONG}"/>'
    verbs, notices = read(f"<Response>{stream(inside=parameter)}</Response>")

    assert notices == []
    assert isinstance(verbs, list)
    assert isinstance(verbs[0], Connect)
    assert verbs[0].parameters == (("abc", LONG),)


def test_sockets_of_this_machine_need_no_tls():
    assert read(f"<Response>{stream('ws://127.0.0.1:9001/m')}</Response>")[1] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 12100),
        ("hello", 12100),
        ("<Response>", 12100),
        ("<Respond/>", 12200),
        ("<Response>" + " " * 65536 + "</Response>", 11750),
    ],
)
def test_documents_that_are_none(text: str, code: int):
    verbs, notices = read(text)

    assert verbs is None
    assert [found for found, _ in notices] == [code]
