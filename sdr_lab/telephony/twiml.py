"""Instructions to Twilio, built with its own library.

Source: https://www.twilio.com/docs/voice/twiml; the rules of `<Stream>` are under
https://www.twilio.com/docs/voice/twiml/stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from twilio.twiml.voice_response import VoiceResponse

MAX_PARAMETER_CHARS = 499
"""Name and value of a `<Parameter>` together: Twilio drops longer ones."""
MAX_TWIML_CHARS = 4000
"""What fits into the `Twiml` field of a REST request."""

_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def stream_twiml(
    stream_url: str,
    parameters: Mapping[str, str],
    status_callback: str = "",
    after: str = "",
) -> str:
    """Connect the caller to a media stream; when it ends, ask `after`, or hang up.

    Args:
        stream_url: `wss://…` without a query: Twilio refuses to connect to one with it.
        parameters: Come back in the stream's `start`. They are not secret and prove nothing.
        status_callback: Address that is told when the stream starts, stops and fails.
        after: Address that is asked for further instructions after the stream.

    Raises:
        BadInput: an address that Twilio would not connect to, a parameter that is too long.
    """
    from twilio.twiml.voice_response import Connect, Stream

    if not stream_url.startswith(("wss://", "ws://")):
        raise BadInput(f"stream address {stream_url!r} must begin with wss://")
    if "?" in stream_url or "#" in stream_url:
        raise BadInput("a stream address can't have a query; put a token into its path")
    stream = Stream(url=stream_url, status_callback=status_callback or None)
    for name, value in parameters.items():
        if len(name) + len(value) > MAX_PARAMETER_CHARS:
            raise BadInput(
                f"parameter {name[:40]!r} has {len(name) + len(value)} characters with its value, "
                f"allowed: {MAX_PARAMETER_CHARS}; keep long values here and pass an id"
            )
        stream.parameter(name=_clean(name), value=_clean(value))
    connect = Connect(action=after or None)
    connect.append(stream)
    response = _response()
    response.append(connect)
    response.hangup()
    return str(response)


def dial_twiml(number: str, caller_id: str, action: str = "", say: str = "") -> str:
    """Hand the caller to another number. A call that Twilio records is recorded to its end.

    Args:
        number: E.164.
        caller_id: A number of the account, E.164: what the other side sees.
        action: Address that is told how it went; without one the call ends after the dialled leg.
        say: Said to the caller first.
    """
    from twilio.twiml.voice_response import Dial

    response = _response()
    if say:
        response.say(_clean(say))
    dial = Dial(
        caller_id=caller_id or None,
        action=action or None,
        answer_on_bridge=True,
    )
    dial.number(number)
    response.append(dial)
    if not action:
        response.hangup()
    return str(response)


def hangup_twiml() -> str:
    """End the call."""
    response = _response()
    response.hangup()
    return str(response)


def reject_twiml(reason: Literal["busy", "rejected"] = "busy") -> str:
    """Do not answer: the caller hears the busy tone, or that the number is not in service."""
    response = _response()
    response.reject(reason=reason)
    return str(response)


def say_twiml(text: str) -> str:
    """Say something with Twilio's own voice and end the call."""
    response = _response()
    response.say(_clean(text))
    response.hangup()
    return str(response)


def _response() -> VoiceResponse:
    from twilio.twiml.voice_response import VoiceResponse

    return VoiceResponse()


def _clean(text: str) -> str:
    """Drop what XML can't hold: one control character would fail the whole call (12100)."""
    return _NO_XML.sub("", text)
