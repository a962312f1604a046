from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from elevenlabs.conversational_ai.conversation import BaseConversation
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.live import convai_messages as messages
from sdr_lab.telephony.twilio_media import ProtocolError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TYPES = st.sampled_from(
    ["pong", "user_message", "contextual_update", "user_activity", "multimodal_message",
     "conversation_initiation_client_data", "client_tool_result"]
)  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {},
    optional={"type": TYPES | JSON, "text": JSON, "event_id": JSON, "user_audio_chunk": JSON},
)


class Client(BaseConversation):
    """The SDK's own reading of our messages; what it understood is kept."""

    def __init__(self) -> None:
        self._conversation_id = None
        self._last_interrupt_id = 0
        self.seen: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("callback_"):
            return lambda *values: None if "alignment" in name else values
        if name.startswith("handle_"):
            what = name.removeprefix("handle_")
            return lambda *values: self.seen.append((what, *values))
        raise AttributeError(name)

    def read(self, *texts: str) -> list[tuple[str, Any]]:
        for text in texts:
            self._handle_message_core(json.loads(text), self)
        return self.seen


def test_the_sdk_understands_every_message():
    client = Client()

    seen = client.read(
        messages.metadata("conv_1"),
        messages.audio(1, b"\1\0"),
        messages.agent_response(" Hello. "),
        messages.user_transcript("Wait."),
        messages.interruption(1),
        messages.audio(1, b"\2\0"),  # of what was interrupted: dropped
        messages.audio(2, b"\3\0"),
        messages.correction("Hello you.", "Hello"),
        messages.ping(7, 40),
    )

    assert client._conversation_id == "conv_1"
    assert seen == [
        ("audio_output", b"\1\0"),
        ("agent_response", "Hello."),
        ("user_transcript", "Wait."),
        ("interruption",),
        ("audio_output", b"\3\0"),
        ("agent_response_correction", "Hello you.", "Hello"),
        ("ping", {"event_id": 7, "ping_ms": 40}),
        ("latency_measurement", 40),
    ]


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ({"user_audio_chunk": base64.b64encode(b"\1\2").decode()}, messages.Spoken(b"\1\2")),
        ({"type": "pong", "event_id": 3}, messages.Pong(3)),
        ({"type": "user_message", "text": " Hi "}, messages.Typed("Hi")),
        ({"type": "multimodal_message", "text": "Hi"}, messages.Typed("Hi")),
        (
            {"type": "contextual_update", "text": "He is on page 2"},
            messages.Told("He is on page 2"),
        ),
        ({"type": "user_activity"}, messages.Other("user_activity")),
        ({"type": "something_new", "x": 1}, messages.Other("something_new")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_messages_of_the_client_are_read(data: dict, read: messages.Incoming):
    assert messages.read(json.dumps(data)) == read


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "{}", '{"type": 1}', '{"user_audio_chunk": 1}',
     '{"user_audio_chunk": "%%"}', '{"type": "pong"}', '{"type": "user_message", "text": 5}',
     "[" * 100_000],
    ids=lambda value: value[:30],
)  # fmt: skip
def test_what_breaks_the_protocol_is_named(text: str):
    with pytest.raises(ProtocolError):
        messages.read(text)


@given(MESSAGES.map(json.dumps) | st.text())
def test_no_message_breaks_the_reader(text: str):
    try:
        found = messages.read(text)
    except ProtocolError:
        return
    assert isinstance(found, messages.Incoming)


def test_a_long_text_is_cut():
    text = json.dumps({"type": "user_message", "text": "x" * 60_000})

    assert messages.read(text) == messages.Typed("x" * messages.MOST_CHARS)
