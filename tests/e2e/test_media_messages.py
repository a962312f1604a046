"""Whatever a peer sends on a media stream, the server goes on, and keeps nothing of it."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.e2e.thread import Threaded, threaded
from tests.e2e.world import KEY

EXAMPLES = 45
STREAMS = 40
SID = "MZ" + "0" * 32
FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": SID,
    "start": {
        "streamSid": SID,
        "accountSid": "AC" + "0" * 32,
        "callSid": "CA" + "0" * 32,
        "tracks": ["inbound"],
        "customParameters": {},
        "mediaFormat": FORMAT,
    },
}
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
STOP = {"event": "stop", "streamSid": SID, "stop": {"callSid": "CA" + "0" * 32}}
CLOSED_WITH = {1000, 1001, 1003, 1006, 1007, 1008, 1009}
"""1011, a mistake of ours, is not among them."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)

timestamps = st.integers(0, 4000).map(str) | st.integers(-(2**70), 2**70) | st.text(max_size=6)


def media_of(
    timestamp: Any, sound: bytes, sid: str = SID, track: str = "inbound"
) -> dict[str, Any]:
    payload = base64.b64encode(sound).decode()
    told = {"track": track, "chunk": "1", "timestamp": timestamp, "payload": payload}
    return {"event": "media", "streamSid": sid, "media": told}


good = st.one_of(
    st.builds(
        media_of,
        timestamps,
        st.binary(max_size=700),
        st.sampled_from([SID, SID, SID, "MZ1", ""]),
        st.sampled_from(["inbound", "inbound", "outbound", "both"]),
    ),
    st.builds(
        lambda at, size: media_of(str(20 * at), b"\x10" * size),
        st.integers(0, 100),
        st.sampled_from([160, 160, 80, 320, 1]),
    ),
    st.builds(
        lambda digit: {"event": "dtmf", "streamSid": SID, "dtmf": {"digit": digit}},
        st.sampled_from([*"0123456789*#ABCD"]) | st.text(max_size=2),
    ),
    st.builds(
        lambda name: {"event": "mark", "streamSid": SID, "mark": {"name": name}},
        st.text(max_size=20) | st.sampled_from(["0:0", "1:0", "0:99"]),
    ),
    st.just(CONNECTED) | st.just(START) | st.just(STOP),
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A message in which something is missing or of another kind."""
    message = json.loads(json.dumps(draw(good)))
    place: Any = message
    while True:
        name = draw(st.sampled_from(sorted(place)))
        if not (isinstance(place[name], dict) and place[name] and draw(st.booleans())):
            break
        place = place[name]
    if draw(st.booleans()):
        del place[name]
    else:
        place[name] = draw(json_values)
    return message


def text_of(message: Any) -> str:
    return json.dumps(message)


@st.composite
def huge(draw: st.DrawFn) -> str:
    """Around and above 64 KiB."""
    size = draw(st.sampled_from([48_000, 49_000, 65_535, 65_536, 65_537, 300_000]))
    kind = draw(st.sampled_from(["media", "spaces", "deep"]))
    if kind == "deep":
        return "[" * size
    if kind == "spaces":
        return " " * size
    return text_of(media_of("1", b"\xff" * size))


sent = st.one_of(
    good.map(text_of),
    good.map(text_of),
    damaged().map(text_of),
    st.text(max_size=60),
    json_values.map(text_of),
    st.sampled_from(['{"event":"media","media":', "null", "[]", '{"event":NaN}', "\ud83d\ude00"]),
    st.binary(max_size=200),
    huge(),
)
begins = st.sampled_from([[CONNECTED, START], [CONNECTED, START], [START], [CONNECTED], [], [STOP]])
ends = st.sampled_from(["close", "abort", "wait", "stop"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    with threaded(tmp_path_factory.mktemp("home")) as made:
        yield made


def speak(url: str, messages: list[str | bytes], ending: str) -> int | None:
    """Say all that on a stream of its own; return the code with which it was closed."""
    headers = {"xi-api-key": KEY}
    opening = connect(url, max_size=None, additional_headers=headers)
    with suppress(WebSocketException, OSError), opening as ws:
        with suppress(ConnectionClosed):
            for message in messages:
                ws.send(message if isinstance(message, bytes) else safe(message))
            if ending == "stop":
                ws.send(text_of(STOP))
        finish(ws, ending)
        return ws.close_code
    return None


def safe(text: str) -> str:
    """A WebSocket takes no half characters; those inside JSON are escaped and do come through."""
    return text.encode("utf-8", "replace").decode()


def finish(ws: ClientConnection, ending: str) -> None:
    if ending == "abort":
        ws.socket.shutdown(socket.SHUT_RDWR)
    elif ending in ("wait", "stop"):
        with suppress(ConnectionClosed, TimeoutError):
            while True:
                ws.recv(timeout=0.05)
    ws.close()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(begin=begins, middle=st.lists(sent, max_size=10), ending=ends)
def test_no_message_breaks_the_server(
    server: Threaded, begin: list[Any], middle: list[str | bytes], ending: str
):
    code = speak(server.token(), [*map(text_of, begin), *middle], ending)

    assert code in CLOSED_WITH or code is None
    assert server.http.get("/health").status_code == 200
    assert server.faults.records == []


surrogates = st.text(st.characters(), max_size=8)
"""Half characters, too: JSON can hold them."""

client_data = st.fixed_dictionaries(
    {"type": st.just("conversation_initiation_client_data")},
    optional={
        "dynamic_variables": st.dictionaries(surrogates, surrogates | json_values, max_size=3),
        "conversation_config_override": st.fixed_dictionaries(
            {},
            optional={
                "agent": st.fixed_dictionaries(
                    {}, optional={"first_message": surrogates, "language": json_values}
                )
            },
        )
        | json_values,
        "user_id": surrogates | json_values,
    },
)
spoken = st.one_of(
    st.builds(lambda pcm: {"user_audio_chunk": base64.b64encode(pcm).decode()}, st.binary()),
    st.builds(lambda value: {"user_audio_chunk": value}, json_values),
    st.builds(lambda text: {"type": "user_message", "text": text}, surrogates | json_values),
    st.builds(lambda text: {"type": "contextual_update", "text": text}, surrogates),
    st.builds(lambda number: {"type": "pong", "event_id": number}, json_values),
    client_data,
)


@settings(
    max_examples=EXAMPLES // 2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    begin=client_data.map(text_of) | sent,
    middle=st.lists(spoken.map(text_of) | sent, max_size=8),
    ending=ends,
)
def test_no_message_of_the_sdks_protocol_breaks_the_server(
    server: Threaded, begin: str | bytes, middle: list[str | bytes], ending: str
):
    url = f"ws{server.here.url.removeprefix('http')}/v1/convai/conversation?agent_id=maplewood"
    code = speak(url, [begin, *middle], ending)

    assert code in CLOSED_WITH or code is None
    assert server.http.get("/health").status_code == 200
    assert server.faults.records == []


OPENING: list[str | bytes] = [text_of(CONNECTED), text_of(START)]
TALKS: tuple[tuple[list[str | bytes], str], ...] = (
    (OPENING, "close"),
    (OPENING, "abort"),
    (OPENING, "stop"),
    ([*OPENING, b"\x00" * 160], "wait"),
    ([*OPENING, "{"], "wait"),
    ([*OPENING, " " * 70_000], "wait"),
    ([text_of(STOP)], "wait"),
    ([*OPENING, *(text_of(media_of(str(20 * at), b"\x10" * 160)) for at in range(100))], "abort"),
)


def test_nothing_is_kept_of_streams_that_are_over(server: Threaded):
    for messages, ending in TALKS:  # what is made once is made now
        speak(server.token(), messages, ending)
    before = server.quiet()

    for number in range(STREAMS):
        speak(server.token(), *TALKS[number % len(TALKS)])
    after = server.quiet()

    assert after.tasks <= before.tasks
    some = STREAMS // 4  # pools of threads and of database connections may still grow a little
    assert after.files <= before.files + some
    assert after.threads <= before.threads + some
    assert after.megabytes - before.megabytes < 20
    assert not server.here.desk.switchboard.running
    assert server.faults.records == []
