"""TwiML, read as Twilio reads it: what it can't use is named with Twilio's code.

Source: https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

MAX_BYTES = 64 * 1024
MAX_PARAMETER_CHARS = 500
TYPES = {"text/xml", "application/xml", "text/html"}

Report = Callable[[int, str], None]
"""Told Twilio's code and a sentence."""

ATTRIBUTES = {
    "Say": {"voice", "language", "loop"},
    "Pause": {"length"},
    "Hangup": set[str](),
    "Reject": {"reason"},
    "Redirect": {"method"},
    "Connect": {"action", "method"},
    "Stream": {"url", "name", "track", "statusCallback", "statusCallbackMethod"},
    "Parameter": {"name", "value"},
    "Dial": {
        *("action", "method", "timeout", "timeLimit", "callerId", "answerOnBridge", "record"),
        *("recordingStatusCallback", "recordingStatusCallbackMethod", "hangupOnStar"),
        *("recordingStatusCallbackEvent", "trim", "ringTone"),
    },
    "Number": {"statusCallback", "statusCallbackEvent", "statusCallbackMethod", "sendDigits"},
}


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Hangup:
    """The call ends."""


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: str


@dataclass(frozen=True, slots=True)
class Connect:
    """A stream in both directions."""

    url: str
    name: str
    parameters: tuple[tuple[str, str], ...]
    status_callback: str
    status_callback_method: str
    action: str
    method: str


@dataclass(frozen=True, slots=True)
class Number:
    number: str
    status_callback: str
    events: tuple[str, ...]
    method: str


@dataclass(frozen=True, slots=True)
class Dial:
    numbers: tuple[Number, ...]
    action: str
    method: str
    caller_id: str
    timeout_s: float
    time_limit_s: float
    record: str
    recording_callback: str


Verb = Say | Pause | Hangup | Reject | Redirect | Connect | Dial


def read_twiml(body: bytes, report: Report) -> list[Verb] | None:
    """Return the verbs of a document; None when it can't be read at all.

    Args:
        body: XML, at most 64 KB.
        report: Told of everything that Twilio would warn of.
    """
    if len(body) > MAX_BYTES:
        report(11750, f"TwiML of {len(body)} bytes; at most {MAX_BYTES}")
        return None
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        report(12100, f"the document is no XML: {error}")
        return None
    if root.tag != "Response":
        report(12200, f"the document must be a <Response>, not a <{root.tag}>")
        return None
    _check(root, {"Response": set()}, report)
    verbs = [_verb(element, report) for element in root]
    return [verb for verb in verbs if verb is not None]


def _verb(element: Element, report: Report) -> Verb | None:
    attributes = element.attrib
    _check(element, ATTRIBUTES, report)
    match element.tag:
        case "Say":
            return Say("".join(element.itertext()).strip())
        case "Pause":
            return Pause(_number(element, "length", 1.0, report))
        case "Hangup":
            return Hangup()
        case "Reject":
            reason = attributes.get("reason", "rejected")
            if reason not in ("rejected", "busy"):
                report(12200, f"<Reject reason={reason!r}>; allowed: rejected, busy")
            return Reject(reason)
        case "Redirect":
            return Redirect((element.text or "").strip(), _method(element, "method", report))
        case "Connect":
            return _connect(element, report)
        case "Dial":
            return _dial(element, report)
    report(12200, f"<{element.tag}> is no verb that this network can do")
    return None


def _connect(element: Element, report: Report) -> Connect | None:
    streams = element.findall("Stream")
    if len(streams) != 1 or len(element) != 1:
        report(12200, "<Connect> must hold one <Stream> and nothing else")
        return None
    stream = streams[0]
    _check(stream, ATTRIBUTES, report)
    if stream.get("track", "inbound_track") != "inbound_track":
        report(31941, "a stream of <Connect> has the inbound track only")
    url = stream.get("url", "")
    if not _is_stream_url(url, report):
        return None
    parameters = [_parameter(child, report) for child in stream]
    return Connect(
        url,
        stream.get("name", ""),
        tuple(parameter for parameter in parameters if parameter),
        stream.get("statusCallback", ""),
        _method(stream, "statusCallbackMethod", report),
        element.get("action", ""),
        _method(element, "method", report),
    )


def _is_stream_url(url: str, report: Report) -> bool:
    parts = urlsplit(url)
    is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "wss" and not (parts.scheme == "ws" and is_local):
        report(31920, f"stream url {url!r}: must be wss:// (ws:// on this machine only)")
        return False
    if parts.query or parts.fragment or "?" in url or "#" in url:
        report(31920, f"stream url {url!r}: a query or fragment breaks the handshake")
        return False
    return True


def _parameter(element: Element, report: Report) -> tuple[str, str] | None:
    _check(element, ATTRIBUTES, report)
    name, value = element.get("name", ""), element.get("value", "")
    if element.tag != "Parameter" or not name or "value" not in element.attrib:
        report(12200, f"<Stream> holds <Parameter name= value=> only, not <{element.tag}>")
        return None
    if len(name) + len(value) >= MAX_PARAMETER_CHARS:
        report(12200, f"parameter {name!r}: name and value must be shorter than 500 characters")
        return None
    return name, value


def _dial(element: Element, report: Report) -> Dial:
    numbers: list[Number] = []
    if (element.text or "").strip():
        numbers.append(Number((element.text or "").strip(), "", ("completed",), "POST"))
    for child in element:
        _check(child, ATTRIBUTES, report)
        if child.tag != "Number":
            report(12200, f"<Dial> holds <Number> here, not <{child.tag}>")
            continue
        events = tuple(child.get("statusCallbackEvent", "completed").split())
        method = _method(child, "statusCallbackMethod", report)
        callback = child.get("statusCallback", "")
        numbers.append(Number((child.text or "").strip(), callback, events, method))
    if not numbers:
        report(13221, "<Dial> holds no number")
    return Dial(
        tuple(numbers),
        element.get("action", ""),
        _method(element, "method", report),
        element.get("callerId", ""),
        _number(element, "timeout", 30, report),
        _number(element, "timeLimit", 14400, report),
        element.get("record", "do-not-record"),
        element.get("recordingStatusCallback", ""),
    )


def _check(element: Element, allowed: dict[str, set[str]], report: Report) -> None:
    known = allowed.get(element.tag)
    if known is None:
        return
    for name in sorted(element.attrib.keys() - known):
        report(12200, f"<{element.tag}> has no attribute {name}")
    if element.tag in ("Response", "Connect", "Stream") and (element.text or "").strip():
        report(12200, f"<{element.tag}> holds text: {(element.text or '').strip()[:40]!r}")


def _method(element: Element, name: str, report: Report) -> str:
    method = element.get(name, "POST")
    if method not in ("GET", "POST"):
        report(12200, f"<{element.tag} {name}={method!r}>; allowed: GET, POST")
        return "POST"
    return method


def _number(element: Element, name: str, default: float, report: Report) -> float:
    text = element.get(name, "")
    if text and not text.isdigit():
        report(12200, f"<{element.tag} {name}={text!r}>; a whole number is due")
        return default
    return float(text) if text else default
