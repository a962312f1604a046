"""Messages of the network to the server, compared with the examples of Twilio's documents."""

from __future__ import annotations

import base64
import json

from sdr_lab.simulate.phone_frames import StreamName, StreamWriter

NAME = StreamName("AC1", "CA1", "MZ1", {"who": 'O"Hara\n'})


def test_numbers_grow_with_every_message_and_chunks_with_media():
    writer = StreamWriter(NAME)
    texts = [
        writer.start(),
        writer.media(0, b"\xff" * 160),
        writer.dtmf("#"),
        writer.mark('odd "name"'),
        writer.media(20, b"\x00\x01"),
        writer.stop(),
    ]
    messages = [json.loads(text) for text in texts]

    assert [m.pop("sequenceNumber") for m in messages] == ["1", "2", "3", "4", "5", "6"]
    assert {m.pop("streamSid") for m in messages} == {"MZ1"}
    start = messages[0]["start"]
    assert start["customParameters"] == {"who": 'O"Hara\n'}
    assert (start["accountSid"], start["callSid"], start["streamSid"]) == ("AC1", "CA1", "MZ1")
    assert messages[1:] == [
        media("1", "0", b"\xff" * 160),
        {"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "#"}},
        {"event": "mark", "mark": {"name": 'odd "name"'}},
        media("2", "20", b"\x00\x01"),
        {"event": "stop", "stop": {"accountSid": "AC1", "callSid": "CA1"}},
    ]


def media(chunk: str, timestamp: str, mulaw: bytes) -> dict[str, object]:
    payload = base64.b64encode(mulaw).decode()
    body = {"track": "inbound", "chunk": chunk, "timestamp": timestamp, "payload": payload}
    return {"event": "media", "media": body}
