"""Sounds of a throat, from nothing but pulses and noise: coughs, laughs, sighs, hums.

A source (glottal pulses with jitter, or breath noise) runs through a cascade of resonators whose
frequencies scale with the length of a vocal tract. Every draw is another body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from corpora.sound import RATE_HZ, Pcm, band, fade, normal

VOWELS = {
    "a": (730, 1190, 2500),
    "e": (520, 1800, 2500),
    "i": (310, 2150, 2900),
    "o": (500, 900, 2450),
    "u": (330, 870, 2250),
    "schwa": (520, 1400, 2450),
    "m": (260, 1050, 2200),
}
"""Formants of an adult in Hz."""


@dataclass(frozen=True)
class Body:
    """One throat."""

    tract: float
    """Factor on formants, 0.85 (long) to 1.25 (a child)."""
    pitch_hz: float
    rough: float
    """Jitter of the pulses, share of a period."""

    @classmethod
    def draw(cls, rng: Generator) -> Body:
        """Draw a body; pitch and tract length go together, loosely."""
        tract = rng.uniform(0.85, 1.22)
        pitch = 118 * 2 ** ((tract - 0.85) / 0.37 * 1.1 + rng.normal(0, 0.18))
        return cls(tract, float(pitch), rng.uniform(0.004, 0.03))


def pulses(rng: Generator, pitch_hz: NDArray[np.floating], rough: float) -> Pcm:
    """Glottal pulses whose pitch follows `pitch_hz`, one value per sample."""
    wobble = np.repeat(rng.normal(0, rough, len(pitch_hz) // 60 + 1), 60)[: len(pitch_hz)]
    phase = np.cumsum(pitch_hz * (1 + wobble)) / RATE_HZ
    saw = phase % 1.0
    wave = np.where(saw < 0.6, np.sin(np.pi * saw / 0.6) ** 2, 0.0)
    return np.diff(wave, prepend=0.0).astype(np.float32)


def throat(source: Pcm, formants: tuple[int, ...], body: Body, *, width_hz: float = 90) -> Pcm:
    """Shape a source with the resonances of a vocal tract."""
    out = source
    for number, hz in enumerate(formants):
        centre = min(hz * body.tract, 3700)
        radius = np.exp(-np.pi * width_hz * (1 + 0.5 * number) / RATE_HZ)
        angle = 2 * np.pi * centre / RATE_HZ
        gain = 1 - 2 * radius * np.cos(angle) + radius**2
        out = lfilter([gain], [1, -2 * radius * np.cos(angle), radius**2], out)
    return np.asarray(out, np.float32)


def noise(rng: Generator, count: int) -> Pcm:
    """White noise of unit power."""
    return rng.standard_normal(count).astype(np.float32)


def swell(count: int, rise: float, power: float = 1.5) -> Pcm:
    """An envelope that rises over the share `rise` and dies away."""
    t = np.linspace(0, 1, max(count, 1), dtype=np.float32)
    up = np.clip(t / max(rise, 1e-3), 0, 1)
    down = np.clip((1 - t) / max(1 - rise, 1e-3), 0, 1) ** power
    return (up * down).astype(np.float32)


def voiced(
    rng: Generator, body: Body, seconds: float, vowel: str, glide: tuple[float, float]
) -> Pcm:
    """A vowel whose pitch glides from one factor of the body's pitch to another."""
    count = int(seconds * RATE_HZ)
    contour = body.pitch_hz * np.geomspace(*glide, count)
    source = pulses(rng, contour, body.rough) + 0.03 * noise(rng, count)
    return throat(source, VOWELS[vowel], body) * swell(count, rng.uniform(0.1, 0.3), 0.8)


def cough(rng: Generator, body: Body) -> Pcm:
    """One to four explosions, each with a breathy or a voiced tail."""
    parts = []
    for _ in range(rng.integers(1, 5)):
        burst = int(rng.uniform(0.03, 0.09) * RATE_HZ)
        tail = int(rng.uniform(0.08, 0.26) * RATE_HZ)
        bang = noise(rng, burst) * swell(burst, 0.12, 1.0)
        breath = noise(rng, tail) * swell(tail, 0.05, 2.0) * rng.uniform(0.2, 0.6)
        if rng.random() < 0.6:
            contour = body.pitch_hz * np.geomspace(1.5, 0.8, tail)
            breath = breath + 1.5 * pulses(rng, contour, 0.09) * swell(tail, 0.2)
        vowel = str(rng.choice(["a", "schwa", "o", "e"]))
        parts.append(throat(np.concatenate([bang, breath]), VOWELS[vowel], body, width_hz=220))
        parts.append(np.zeros(int(rng.uniform(0.03, 0.3) * RATE_HZ), np.float32))
    return np.concatenate(parts[:-1])


def laugh(rng: Generator, body: Body) -> Pcm:
    """Ha-ha: breathy voiced beats at four to seven a second, falling in pitch and force."""
    rate, beats = rng.uniform(3.8, 7), int(rng.integers(2, 11))
    vowel = str(rng.choice(["a", "e", "schwa", "o", "i"]))
    start, falls, airy = rng.uniform(1.1, 2.3), rng.uniform(0.86, 1.0), rng.uniform(0.05, 0.9)
    parts = []
    for beat in range(beats):
        beat_s = rng.normal(1, 0.1) / rate
        aspiration, vowel_s = int(0.35 * beat_s * RATE_HZ), max(0.05, 0.6 * beat_s)
        pitch = start * falls**beat
        hah = voiced(rng, body, vowel_s, vowel, (pitch * 1.05, pitch * 0.85))
        puff = throat(noise(rng, aspiration), VOWELS[vowel], body, width_hz=200)
        puff *= airy * np.abs(hah).max() / (np.abs(puff).max() + 1e-6)
        parts += [puff * swell(aspiration, 0.6), hah]
        parts = [np.asarray(p * rng.uniform(0.9, 1.0), np.float32) for p in parts]
    return np.concatenate(parts)


def clear_throat(rng: Generator, body: Body) -> Pcm:
    """A low rattle, once or twice: ahem."""
    parts = []
    for _ in range(rng.integers(1, 3)):
        count = int(rng.uniform(0.18, 0.6) * RATE_HZ)
        contour = body.pitch_hz * np.geomspace(rng.uniform(0.5, 0.9), rng.uniform(0.4, 0.8), count)
        rattle = 1 + 0.8 * np.sin(np.cumsum(rng.normal(27, 6, count)) * 2 * np.pi / RATE_HZ)
        source = pulses(rng, contour, 0.14) * rattle + 0.15 * noise(rng, count)
        parts += [throat(source.astype(np.float32), VOWELS["schwa"], body, width_hz=180)]
        parts[-1] *= swell(count, 0.3)
        parts += [np.zeros(int(rng.uniform(0.05, 0.25) * RATE_HZ), np.float32)]
    return np.concatenate(parts[:-1])


def sneeze(rng: Generator, body: Body) -> Pcm:
    """A gasp or two, then a hiss that bursts."""
    gasp = int(rng.uniform(0.15, 0.5) * RATE_HZ)
    hiss = int(rng.uniform(0.15, 0.45) * RATE_HZ)
    inward = throat(noise(rng, gasp), VOWELS["schwa"], body, width_hz=300)
    inward *= swell(gasp, 0.8) * 0.4 / (np.abs(inward).max() + 1e-6)
    outward = band(noise(rng, hiss), 900, 3800) * swell(hiss, 0.06, 1.4)
    vowel = voiced(rng, body, (hiss + 1) / RATE_HZ, "u", (1.4, 0.8))[:hiss]
    outward = outward / np.abs(outward).max() + 0.5 * vowel / (np.abs(vowel).max() + 1e-6)
    return np.concatenate([inward, np.zeros(int(rng.uniform(0, 0.12) * 8000)), outward])


def breath(rng: Generator, body: Body) -> Pcm:
    """In or out, against the mouthpiece or past it."""
    count = int(rng.uniform(0.25, 1.4) * RATE_HZ)
    air = throat(noise(rng, count), VOWELS["schwa"], body, width_hz=400)
    gusts = band(noise(rng, count), 60, 320) * rng.uniform(0, 3)
    out = air / (np.abs(air).max() + 1e-6) + gusts / (np.abs(gusts).max() + 1e-6) * rng.random()
    return out * swell(count, rng.uniform(0.2, 0.7))


def sigh(rng: Generator, body: Body) -> Pcm:
    """A long breath with or without voice."""
    count = int(rng.uniform(0.5, 1.5) * RATE_HZ)
    air = throat(noise(rng, count), VOWELS["a"], body, width_hz=250)
    out = air / (np.abs(air).max() + 1e-6) * 0.5
    if rng.random() < 0.6:
        hum = voiced(rng, body, (count + 1) / RATE_HZ, "a", (1.3, 0.6))[:count]
        out += hum / (np.abs(hum).max() + 1e-6)
    return out * swell(count, 0.15)


def sniff(rng: Generator, body: Body) -> Pcm:
    """Short hisses through the nose."""
    parts = []
    for _ in range(rng.integers(1, 4)):
        count = int(rng.uniform(0.08, 0.35) * RATE_HZ)
        low = rng.uniform(400, 1500)
        parts += [band(noise(rng, count), low, low + 1800) * swell(count, 0.7, 0.6)]
        parts += [np.zeros(int(rng.uniform(0.04, 0.2) * RATE_HZ), np.float32)]
    return np.concatenate(parts[:-1])


def smack(rng: Generator, body: Body) -> Pcm:
    """Lips or tongue: clicks with a short ring."""
    out = np.zeros(int(rng.uniform(0.08, 0.5) * RATE_HZ), np.float32)
    for _ in range(rng.integers(1, 5)):
        at, size = int(rng.integers(0, len(out) - 200)), int(rng.integers(60, 190))
        click = throat(noise(rng, size), (1200, 2300), body, width_hz=250)
        out[at : at + size] += click * swell(size, 0.03, 3)
    return out


def groan(rng: Generator, body: Body) -> Pcm:
    """Ugh, ow, aaah: one vowel or two, any contour."""
    first, second = (str(v) for v in rng.choice(list(VOWELS), 2))
    seconds = rng.uniform(0.12, 0.7)
    rise = (rng.uniform(0.7, 1.8), rng.uniform(0.5, 1.6))
    one = voiced(rng, body, seconds, first, rise)
    if rng.random() < 0.5:
        return one
    return np.concatenate([one, voiced(rng, body, seconds / 2, second, (rise[1], 0.6))])


def yawn(rng: Generator, body: Body) -> Pcm:
    """A gasp inward, then a long falling vowel."""
    inward = breath(rng, body)[: int(0.7 * RATE_HZ)]
    outward = voiced(rng, body, rng.uniform(0.5, 1.2), "o", (1.6, 0.55))
    inward = inward * (0.3 * np.abs(outward).max() / (np.abs(inward).max() + 1e-6))
    return np.concatenate([inward, outward])


def cry(rng: Generator, body: Body) -> Pcm:
    """A small child in the room: high, wavering, long."""
    child = Body(rng.uniform(1.15, 1.35), rng.uniform(320, 560), 0.02)
    count = int(rng.uniform(0.5, 1.6) * RATE_HZ)
    t = np.arange(count) / RATE_HZ
    contour = child.pitch_hz * (1 + 0.12 * np.sin(2 * np.pi * rng.uniform(2, 7) * t))
    contour = contour * np.geomspace(rng.uniform(0.8, 1.1), rng.uniform(0.7, 1.0), count)
    return throat(pulses(rng, contour, 0.02), VOWELS["a"], child) * swell(count, 0.2, 0.7)


NONVERBAL: dict[str, Callable[[Generator, Body], Pcm]] = {
    "cough": cough,
    "laugh": laugh,
    "throat": clear_throat,
    "sneeze": sneeze,
    "breath": breath,
    "sigh": sigh,
    "sniff": sniff,
    "smack": smack,
    "groan": groan,
    "yawn": yawn,
    "cry": cry,
}


def nonverbal(rng: Generator, kind: str, body: Body | None = None) -> Pcm:
    """Make one sound of a kind of `NONVERBAL`, at the reference level."""
    return normal(fade(np.asarray(NONVERBAL[kind](rng, body or Body.draw(rng)), np.float32)))


def hum(rng: Generator, body: Body, *, seconds: float) -> Pcm:
    """Mm, mm-hmm, uh-huh: one or two closed vowels, rising or falling."""
    vowel = str(rng.choice(["m", "m", "schwa", "a"]))
    if rng.random() < 0.45:
        glide = (rng.uniform(0.8, 1.3), rng.uniform(0.7, 1.5))
        return normal(fade(voiced(rng, body, seconds, vowel, glide)))
    first = voiced(rng, body, seconds * rng.uniform(0.3, 0.45), vowel, (1.0, 0.9))
    gap = np.zeros(int(seconds * rng.uniform(0.02, 0.15) * RATE_HZ), np.float32)
    second = voiced(rng, body, seconds * 0.5, vowel, (rng.uniform(0.9, 1.2), rng.uniform(1, 1.5)))
    return normal(fade(np.concatenate([first, gap, second])))
