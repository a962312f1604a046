"""A small corpus made of noise with the rhythm of speech: everybody knows what happens when."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.simulate.caller import speech_like

SECONDS = 12
AGENT = ((1.0, 6.0), (6.8, 11.0))
EVENTS = (
    ("interruption", 4.0, 5.2, 3000.0),
    ("backchannel", 7.4, 7.8, 1500.0),
    ("noise", 9.0, 9.2, 2500.0),
)
"""Kind, onset, offset, RMS."""
QUIET = (("interruption", 4.0, 5.2, 640.0),)


def channels(events=EVENTS, noise_rms: float = 30.0) -> tuple[bytes, bytes]:
    """Return caller and agent, µ-law."""
    random = np.random.default_rng(7)
    caller = np.frombuffer(
        pcm_to_mulaw(random.normal(0, noise_rms, SECONDS * 8000).astype(np.int16)), np.uint8
    ).copy()
    agent = np.full(SECONDS * 8000, 0xFF, np.uint8)
    for i, (_, start_s, end_s, rms) in enumerate(events):
        put(caller, start_s, speech_like(end_s - start_s, i, rms))
    for i, (start_s, end_s) in enumerate(AGENT):
        put(agent, start_s, speech_like(end_s - start_s, 50 + i, 4000))
    return caller.tobytes(), agent.tobytes()


def put(channel: np.ndarray, at_s: float, sound: bytes) -> None:
    at = round(at_s * 8000)
    channel[at : at + len(sound)] = np.frombuffer(sound, np.uint8)


def write_wav(path: Path, caller: bytes, agent: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with MulawWavWriter(path) as wav:
        wav.write(caller, agent)
    return path


def corpus(folder: Path, **calls: tuple) -> Path:
    """Write `truth.json` and `calls/*.wav`. Default: one call, `talk`, with `EVENTS`."""
    rows = []
    for name, events in (calls or {"talk": EVENTS}).items():
        write_wav(folder / "calls" / f"{name}.wav", *channels(events))
        labels = [{"type": kind, "onset_s": on, "offset_s": off} for kind, on, off, _ in events]
        rows.append({"id": name, "agent": AGENT, "events": labels, "tags": {"noise": "none"}})
    (folder / "truth.json").write_text(json.dumps(rows))
    return folder


def voiced(seconds: float, rms: float = 3000.0, pitch_hz: float = 130.0) -> bytes:
    """Make a hum with harmonics: detectors that ask for a voice take it for one."""
    t = np.arange(int(seconds * 8000) // 160 * 160) / 8000
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * t + k) / k for k in range(1, 20))
    tone = tone * (0.7 + 0.3 * np.sin(2 * np.pi * 4 * t))
    return pcm_to_mulaw((tone / np.sqrt(np.mean(tone**2)) * rms).astype(np.int16))
