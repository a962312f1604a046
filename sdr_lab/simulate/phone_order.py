"""The order of a call: the form of `POST …/Calls.json`, checked as Twilio checks it.

Source: https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from multidict import MultiMapping

from sdr_lab.simulate.phone_faults import MESSAGES

E164 = re.compile(r"\+[1-9]\d{6,14}")
MAX_TWIML_CHARS = 4000
EVENTS = ("initiated", "ringing", "answered", "completed")

FIELDS = {
    *("To", "From", "Url", "Method", "Twiml", "FallbackUrl", "FallbackMethod", "Timeout"),
    *("TimeLimit", "StatusCallback", "StatusCallbackEvent", "StatusCallbackMethod", "Record"),
    *("RecordingChannels", "RecordingStatusCallback", "RecordingStatusCallbackMethod", "Trim"),
    *("RecordingStatusCallbackEvent", "RecordingTrack", "MachineDetection", "AsyncAmd"),
    *("MachineDetectionTimeout", "MachineDetectionSpeechThreshold", "CallerId", "CallReason"),
    *("MachineDetectionSpeechEndThreshold", "MachineDetectionSilenceTimeout", "SendDigits"),
    *("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"),
}

RANGES = {
    "Timeout": (1, 600),
    "TimeLimit": (1, 86400),
    "MachineDetectionTimeout": (3, 59),
    "MachineDetectionSpeechThreshold": (1000, 6000),
    "MachineDetectionSpeechEndThreshold": (500, 5000),
    "MachineDetectionSilenceTimeout": (2000, 10000),
}


class Refusal(Exception):
    """The REST API says no."""

    def __init__(self, code: int, status: int = 400, message: str = "") -> None:
        self.code = code
        self.status = status
        self.message = message or MESSAGES.get(code, f"error {code}")
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class CallOrder:
    """What to dial, and whom to tell. URLs may be empty."""

    to: str
    from_: str
    url: str = ""
    method: str = "POST"
    twiml: str = ""
    fallback_url: str = ""
    status_callback: str = ""
    status_method: str = "POST"
    events: tuple[str, ...] = ("completed",)
    ring_s: float = 60.0
    time_limit_s: float = 14400.0
    records: bool = False
    channels: int = 1
    recording_callback: str = ""
    machine_detection: str = ""
    is_async_amd: bool = False
    amd_callback: str = ""


def read_order_form(form: MultiMapping[str], owned: Collection[str]) -> CallOrder:
    """Read the form.

    Args:
        form: As it came.
        owned: Numbers of the account; empty: any may call.

    Raises:
        Refusal: with Twilio's code.
    """
    unknown = sorted(set(form) - FIELDS)
    if unknown:
        # Twilio ignores them without a word, which hides spelling mistakes for months
        raise Refusal(20001, 400, f"parameters unknown to this double: {', '.join(unknown)}")
    _check_numbers(form, owned)
    _check_source(form)
    _check_values(form)
    return CallOrder(
        to=form["To"],
        from_=form["From"],
        url=form.get("Url", ""),
        method=form.get("Method", "POST"),
        twiml=form.get("Twiml", ""),
        fallback_url=form.get("FallbackUrl", ""),
        status_callback=form.get("StatusCallback", ""),
        status_method=form.get("StatusCallbackMethod", "POST"),
        events=tuple(form.getall("StatusCallbackEvent", ["completed"])),
        ring_s=float(form.get("Timeout", 60)),
        time_limit_s=float(form.get("TimeLimit", 14400)),
        records=form.get("Record") == "true",
        channels=2 if form.get("RecordingChannels") == "dual" else 1,
        recording_callback=form.get("RecordingStatusCallback", ""),
        machine_detection=form.get("MachineDetection", ""),
        is_async_amd=form.get("AsyncAmd") == "true",
        amd_callback=form.get("AsyncAmdStatusCallback", ""),
    )


def is_http_url(url: str) -> bool:
    """Tell whether a webhook can be sent there."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _check_numbers(form: MultiMapping[str], owned: Collection[str]) -> None:
    if not form.get("To"):
        raise Refusal(21201, message="No 'To' number is specified")
    if not form.get("From"):
        raise Refusal(21213, message="A 'From' phone number is required")
    if not E164.fullmatch(form["To"]):
        raise Refusal(21211, message=f"{MESSAGES[21211]}: {form['To']}")
    if not E164.fullmatch(form["From"]):
        raise Refusal(21212, message=f"The 'From' number {form['From']} is not valid")
    if owned and form["From"] not in owned:
        raise Refusal(21210)


def _check_source(form: MultiMapping[str]) -> None:
    if not form.get("Url") and not form.get("Twiml"):
        raise Refusal(21205, message="Url or Twiml is required")
    if len(form.get("Twiml", "")) > MAX_TWIML_CHARS:
        raise Refusal(21205, message=f"Twiml has more than {MAX_TWIML_CHARS} characters")
    for name in sorted(FIELDS):
        is_url = name == "Url" or name.endswith(("Callback", "FallbackUrl"))
        if is_url and form.get(name) and not is_http_url(form[name]):
            raise Refusal(21205, message=f"{name} is not a valid URL: {form[name]}")


def _check_values(form: MultiMapping[str]) -> None:
    for name in FIELDS:
        if name.endswith("Method") and form.get(name, "POST") not in ("GET", "POST"):
            raise Refusal(21209, message=f"{name} must be GET or POST, not {form[name]}")
    for name, (low, high) in RANGES.items():
        text = form.get(name, str(low))
        if not text.isdigit() or not low <= int(text) <= high:
            raise Refusal(21208, message=f"{name} must be {low} to {high}, not {text}")
    for name in ("Record", "AsyncAmd"):
        if form.get(name, "true") not in ("true", "false"):
            raise Refusal(20001, message=f"{name} must be true or false, not {form[name]}")
    if form.get("MachineDetection", "Enable") not in ("Enable", "DetectMessageEnd"):
        raise Refusal(20001, message="MachineDetection must be Enable or DetectMessageEnd")
    wrong = set(form.getall("StatusCallbackEvent", [])) - set(EVENTS)
    if wrong:
        raise Refusal(21626, message=f"StatusCallbackEvent unknown: {', '.join(sorted(wrong))}")
