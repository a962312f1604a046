"""The recording of a call: a WAV to download, and the callback that tells of it."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime

import numpy as np

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.simulate.phone_call import VERSION, PhoneCall, Recording, new_sid, rfc2822
from sdr_lab.simulate.phone_webhooks import Pairs

RATE_HZ = 8000


def recording_of(call: PhoneCall, channels: int, source: str) -> Recording:
    """Return what was said on the streams of a call: 16-bit PCM, 8 kHz.

    Args:
        call: It is over.
        channels: 1: both mixed; 2: left the other party, right our server.
        source: In Twilio's words: `OutboundAPI`, `DialVerb`.
    """
    other, ours = mulaw_to_pcm(call.spoken), mulaw_to_pcm(call.heard)
    if channels == 2:
        pcm = np.stack([other, ours], axis=1)
    else:
        pcm = np.clip(other.astype(np.int32) + ours, -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(pcm.astype("<i2").tobytes())
    started_at = call.answered_at or datetime.now(UTC)
    seconds = len(other) / RATE_HZ
    return Recording(
        new_sid("RE"), call.sid, file.getvalue(), seconds, channels, source, started_at
    )


def recording_form(recording: Recording, call: PhoneCall, base_url: str) -> Pairs:
    """Return the fields of the recording callback."""
    place = f"{base_url}/{VERSION}/Accounts/{call.account_sid}/Recordings/{recording.sid}"
    return (
        ("AccountSid", call.account_sid),
        ("CallSid", call.sid),
        ("RecordingSid", recording.sid),
        ("RecordingUrl", place),
        ("RecordingStatus", "completed"),
        ("RecordingDuration", str(round(recording.duration_s))),
        ("RecordingChannels", str(recording.channels)),
        ("RecordingStartTime", rfc2822(recording.started_at) or ""),
        ("RecordingSource", recording.source),
        ("RecordingTrack", "both"),
        ("ErrorCode", "0"),
    )


def recording_resource(recording: Recording, account_sid: str) -> dict[str, object]:
    """Return the recording as the REST API shows it."""
    return {
        "sid": recording.sid,
        "account_sid": account_sid,
        "call_sid": recording.call_sid,
        "conference_sid": None,
        "status": "completed",
        "channels": recording.channels,
        "source": recording.source,
        "duration": str(round(recording.duration_s)),
        "start_time": rfc2822(recording.started_at),
        "date_created": rfc2822(recording.started_at),
        "date_updated": rfc2822(recording.started_at),
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "api_version": VERSION,
        "encryption_details": None,
        "uri": f"/{VERSION}/Accounts/{account_sid}/Recordings/{recording.sid}.json",
    }
