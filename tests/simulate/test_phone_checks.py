"""What a server may send, message by message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.simulate.phone_checks import AskClear, AskMark, Play, Violation, read_order

SID = "MZ1"


def message(**fields: object) -> str:
    return json.dumps({"streamSid": SID, **fields})


def media(payload: object, **more: object) -> str:
    return message(event="media", media={"payload": payload}, **more)


def test_the_three_that_are_right():
    assert read_order(media("AAE="), SID) == Play(b"\0\1")
    assert read_order(message(event="mark", mark={"name": "1:2"}), SID) == AskMark("1:2")
    assert read_order(message(event="clear"), SID) == AskClear()


WRONG = {
    "no json": (31950, "not JSON"),
    "x" * 65537: (31950, "65537 characters"),
    "[]": (31951, "event must be"),
    '"media"': (31951, "event must be"),
    message(event="stop"): (31951, "event must be"),
    message(event=["media"]): (31951, "event must be"),
    message(event="media"): (31951, "missing: media"),
    '{"event":"clear"}': (31951, "missing: streamSid"),
    media("AAE=", sequenceNumber="1"): (31951, "sequenceNumber"),
    message(event="clear", clear={}): (31951, "clear"),
    '{"event":"clear","streamSid":"MZ2"}': (31951, "not of this stream"),
    '{"event":"clear","streamSid":null}': (31951, "not of this stream"),
    media(""): (31951, "no sound"),
    media(7): (31951, "media must be"),
    media("AAE"): (31951, "not base64"),
    media("A A="): (31951, "not base64"),
    media("ÄÄÄÄ"): (31951, "not base64"),
    media("UklGRgAA"): (31951, "header of a sound file"),
    message(event="media", media={"payload": "AAE=", "track": "outbound"}): (31951, "media must"),
    message(event="media", media="AAE="): (31951, "media must be"),
    message(event="mark", mark={"name": ""}): (31951, "mark must be"),
    message(event="mark", mark={"name": 1}): (31951, "mark must be"),
    message(event="mark", mark="x"): (31951, "mark must be"),
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named(text: str):
    code, words = WRONG[text]

    with pytest.raises(Violation) as found:
        read_order(text, SID)

    assert found.value.code == code
    assert words in found.value.text
    assert len(found.value.text) < 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
NAMES = st.sampled_from(["event", "streamSid", "media", "mark", "payload", "name"]) | st.text()
WORDS = st.sampled_from(["media", "mark", "clear", SID, "AAE="])


@settings(max_examples=60)
@given(st.dictionaries(NAMES, WORDS | st.dictionaries(NAMES, WORDS | VALUES) | VALUES))
def test_nothing_but_violations_is_raised(fields: dict[str, object]):
    try:
        order = read_order(json.dumps(fields), SID)
    except Violation as violation:
        order = violation
    assert isinstance(order, Play | AskMark | AskClear | Violation)
