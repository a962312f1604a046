"""Make the recorded callers: `python datasets/callers/make_callers.py` (needs Debian's `flite`).

Each turn of a `script.yaml` becomes `NN.wav`, 8 kHz G.711 µ-law, spoken by a voice of flite
(CMU Arctic voices, BSD-like licence) and set to the level of speech on a telephone line.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml

from sdr_lab.audio.energy import active_level_dbfs
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.audio.resample import to_mulaw
from sdr_lab.audio.wav import read_sound
from sdr_lab.records import Sound

LEVEL_DBFS = -22.0
HERE = Path(__file__).parent


def speak(text: str, voice: str) -> bytes:
    """Return a line as µ-law, spoken by flite."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        sound = read_sound(path)
    gain = 10 ** ((LEVEL_DBFS - active_level_dbfs(sound.pcm, sound.rate_hz)) / 20)
    pcm = np.clip(sound.pcm * gain, -32000, 32000).astype(np.int16)
    return to_mulaw(Sound(pcm, sound.rate_hz))


def make(script: Path) -> None:
    """Write the recordings of one caller beside his script."""
    caller = yaml.safe_load(script.read_text(encoding="utf-8"))
    for number, turn in enumerate(caller["turns"], 1):
        with MulawWavWriter(script.parent / f"{number:02d}.wav", channels=1) as wav:
            wav.write(speak(turn["say"], caller["voice"]))


if __name__ == "__main__":
    for path in [Path(arg) for arg in sys.argv[1:]] or sorted(HERE.glob("*/script.yaml")):
        make(path)
