"""Sounds of rooms and streets by synthesis: short ones (`SHORT`) and beds (`BEDS`).

Every generator draws its own parameters, so no two sounds of a kind are alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from corpora.sound import RATE_HZ, Pcm, band, fade, normal
from corpora.vocal import VOWELS, Body, noise, pulses, swell, throat


def tones(rng: Generator, count: int, hz: list[float], decay_s: float, spread: float = 0.0) -> Pcm:
    """A sum of decaying partials, each with its own phase and decay."""
    t = np.arange(count) / RATE_HZ
    out = np.zeros(count)
    for one in hz:
        if one < 3900:
            fall = np.exp(-t / (decay_s * rng.uniform(0.5, 1.5)))
            out += fall * np.sin(2 * np.pi * one * t * (1 + spread * t) + rng.uniform(0, 6.3))
    return out.astype(np.float32)


def seconds(rng: Generator, low: float, high: float) -> int:
    """A length in samples."""
    return int(rng.uniform(low, high) * RATE_HZ)


def struck(rng: Generator, low_hz: float, high_hz: float, decay_s: float) -> Pcm:
    """One blow on something with modes between two frequencies, and its thud."""
    count = int(min(1.2, 6 * decay_s) * RATE_HZ) + 200
    modes = list(np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), rng.integers(3, 9))))
    out = tones(rng, count, modes, decay_s)
    thud = noise(rng, count) * np.exp(-np.arange(count) / rng.uniform(8, 60))
    return out + thud * rng.uniform(0.2, 2.0) * np.abs(out).max()


def repeated(
    rng: Generator, make: Callable[[], Pcm], times: int, gap_s: tuple[float, float]
) -> Pcm:
    """Several of a kind, mixed with gaps between their beginnings."""
    pieces, at, out = [make() for _ in range(times)], 0, np.zeros(int(8 * RATE_HZ), np.float32)
    end = 0
    for piece in pieces:
        piece = piece[: max(0, len(out) - at)] * rng.uniform(0.5, 1)
        out[at : at + len(piece)] += piece
        end = max(end, at + len(piece))
        at = min(at + seconds(rng, *gap_s), len(out) - 1)
    return out[:end]


def click(rng: Generator) -> Pcm:
    """A switch, a pen, a mouse."""
    return repeated(
        rng, lambda: struck(rng, 900, 3800, 0.004), int(rng.integers(1, 4)), (0.03, 0.3)
    )


def knock(rng: Generator) -> Pcm:
    """Knuckles on a door or a table."""
    low = rng.uniform(90, 400)
    return repeated(
        rng, lambda: struck(rng, low, 4 * low, 0.03), int(rng.integers(1, 6)), (0.11, 0.35)
    )


def slam(rng: Generator) -> Pcm:
    """A door, a drawer, a boot."""
    count = seconds(rng, 0.25, 0.9)
    boom = band(noise(rng, count), 50, rng.uniform(300, 1800)) * swell(count, 0.02, 4)
    ring = np.pad(struck(rng, 150, 1200, 0.04), (0, count))[:count]
    return boom / np.abs(boom).max() + 0.3 * ring / np.abs(ring).max()


def keyboard(rng: Generator) -> Pcm:
    """Someone types."""
    centre = rng.uniform(900, 2600)
    return repeated(
        rng,
        lambda: struck(rng, centre * 0.7, centre * 1.4, rng.uniform(0.003, 0.012)),
        int(rng.integers(2, 16)),
        (0.05, 0.28),
    )


def dishes(rng: Generator) -> Pcm:
    """Plates, glasses, spoons."""
    return repeated(
        rng,
        lambda: struck(rng, 900, 3900, rng.uniform(0.03, 0.2)),
        int(rng.integers(1, 7)),
        (0.04, 0.4),
    )


def beep(rng: Generator) -> Pcm:
    """An appliance, a message, a key of a telephone."""
    if rng.random() < 0.4:
        low, high = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477])
        hz = [float(low), float(high)]
    else:
        base = rng.uniform(400, 3000)
        hz = [base, base * rng.uniform(1, 3)][: rng.integers(1, 3)]
    length = seconds(rng, 0.05, 0.45)
    return repeated(
        rng,
        lambda: fade(tones(rng, length, hz, 50)),
        int(rng.integers(1, 6)),
        (length / 8000 + 0.04, length / 8000 + 0.25),
    )


def chime(rng: Generator) -> Pcm:
    """A doorbell, a till, a message that rings out."""
    base = rng.uniform(300, 1500)
    steps = rng.choice([1, 1.125, 1.25, 1.33, 1.5, 1.67, 2], rng.integers(1, 6))
    notes = iter(np.tile(steps, 3))
    return repeated(
        rng,
        lambda: tones(rng, 5000, [base * float(next(notes)) * k for k in (1, 2, 3)], 0.15),
        len(steps),
        (0.09, 0.35),
    )


def ring(rng: Generator) -> Pcm:
    """A telephone rings."""
    count, t = seconds(rng, 0.6, 2.0), np.arange(seconds(rng, 2.0, 2.01)) / RATE_HZ
    a, b, trill = rng.uniform(350, 1800), rng.uniform(400, 2000), rng.uniform(8, 28)
    gate = np.sin(2 * np.pi * trill * t) > 0
    wave = np.where(gate, np.sin(2 * np.pi * a * t), np.sin(2 * np.pi * b * t))
    return fade(wave[:count].astype(np.float32))


def horn(rng: Generator) -> Pcm:
    """A car or a truck."""
    base = rng.uniform(180, 520)
    count = seconds(rng, 0.15, 1.3)
    partials = [base * k * d for k in range(1, 9) for d in (1.0, 1.26)]
    return fade(tones(rng, count, partials, 60), 15, 40)


def siren(rng: Generator) -> Pcm:
    """An ambulance passes: wailing or two-tone."""
    count = seconds(rng, 1.0, 2.4)
    t = np.arange(count) / RATE_HZ
    rate, low, high = rng.uniform(0.3, 5), rng.uniform(400, 800), rng.uniform(900, 1700)
    wobble = np.sin(2 * np.pi * rate * t)
    wobble = np.sign(wobble) if rng.random() < 0.4 else wobble
    pitch = low + (high - low) * (wobble + 1) / 2
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    return fade(np.tanh(2 * np.sin(phase)).astype(np.float32), 120, 200)


def bark(rng: Generator) -> Pcm:
    """A dog, small or large."""
    dog = Body(rng.uniform(0.7, 1.5), rng.uniform(180, 620), 0.05)

    def woof() -> Pcm:
        count = seconds(rng, 0.07, 0.22)
        contour = dog.pitch_hz * (1 + 0.8 * swell(count, 0.35, 1))
        source = pulses(rng, contour, dog.rough) + rng.uniform(0.05, 0.3) * noise(rng, count)
        return throat(source, VOWELS["a"], dog, width_hz=180) * swell(count, 0.2)

    return repeated(rng, woof, int(rng.integers(1, 6)), (0.2, 0.6))


def meow(rng: Generator) -> Pcm:
    """A cat."""
    cat = Body(1.4, rng.uniform(400, 750), 0.01)
    count = seconds(rng, 0.3, 0.9)
    contour = cat.pitch_hz * (1 + 0.5 * swell(count, 0.4, 1))
    return throat(pulses(rng, contour, 0.01), VOWELS["i"], cat) * swell(count, 0.3)


def bird(rng: Generator) -> Pcm:
    """A few chirps."""

    def chirp() -> Pcm:
        count = seconds(rng, 0.03, 0.16)
        sweep = np.geomspace(rng.uniform(1500, 3600), rng.uniform(1500, 3600), count)
        return np.sin(2 * np.pi * np.cumsum(sweep) / RATE_HZ).astype(np.float32) * swell(count, 0.4)

    return repeated(rng, chirp, int(rng.integers(2, 10)), (0.06, 0.25))


def rustle(rng: Generator) -> Pcm:
    """Paper, cloth, a bag: grains of noise."""
    count = seconds(rng, 0.2, 1.6)
    grains = np.repeat(rng.exponential(1, count // 40 + 1) ** 2, 40)[:count]
    low = rng.uniform(300, 2000)
    return band(noise(rng, count) * grains.astype(np.float32), low, 3900) * swell(count, 0.4, 0.7)


def squeak(rng: Generator) -> Pcm:
    """A chair, a hinge, a brake."""
    count = seconds(rng, 0.1, 0.8)
    sweep = np.geomspace(rng.uniform(300, 1500), rng.uniform(300, 1800), count)
    sweep = sweep * (1 + 0.03 * np.repeat(rng.standard_normal(count // 100 + 1), 100)[:count])
    phase = np.cumsum(sweep) / RATE_HZ
    rasp = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 6))
    return np.asarray(rasp, np.float32) * swell(count, 0.5, 0.8)


def handling(rng: Generator) -> Pcm:
    """The telephone is moved, dropped, rubbed against a cheek."""
    count = seconds(rng, 0.15, 1.4)
    rub = band(noise(rng, count), 40, rng.uniform(250, 900))
    bumps = np.repeat(rng.exponential(1, count // 300 + 1) ** 3, 300)[:count]
    thumps = lfilter([1], [1, -0.97], bumps.astype(np.float32) * noise(rng, count))
    return rub / np.abs(rub).max() + np.asarray(thumps / np.abs(thumps).max(), np.float32)


def clap(rng: Generator) -> Pcm:
    """Hands, a hammer, something that falls."""
    low = rng.uniform(300, 1500)

    def one() -> Pcm:
        count = seconds(rng, 0.03, 0.14)
        return band(noise(rng, count), low, min(3900, low * 3)) * swell(count, 0.03, 3)

    return repeated(rng, one, int(rng.integers(1, 7)), (0.14, 0.55))


def buzz(rng: Generator) -> Pcm:
    """A vibrating telephone, a drill, a saw, a motor that revs."""
    count = seconds(rng, 0.25, 1.8)
    base = rng.uniform(45, 260)
    sweep = base * np.geomspace(1, rng.uniform(0.6, 1.9), count)
    wave = pulses(rng, sweep, rng.uniform(0.001, 0.05)) + 0.1 * noise(rng, count)
    low = rng.uniform(80, 500)
    return band(wave, low, rng.uniform(1200, 3800)) * swell(count, 0.15, 0.3)


def burst(rng: Generator) -> Pcm:
    """Noise of any colour and shape: steam, a tap, a gust, static."""
    count = seconds(rng, 0.06, 1.5)
    low = float(np.exp(rng.uniform(np.log(60), np.log(2000))))
    high = low * rng.uniform(1.5, 12)
    return band(noise(rng, count), low, min(high, 3900)) * swell(count, rng.uniform(0.02, 0.8))


def tune(rng: Generator) -> Pcm:
    """Two seconds of music: a jingle, a passing car radio."""
    return fade(music(rng, rng.uniform(0.7, 2.3)), 30, 80)


SHORT: dict[str, Callable[[Generator], Pcm]] = {
    "click": click, "knock": knock, "slam": slam, "keyboard": keyboard, "dishes": dishes,
    "beep": beep, "chime": chime, "ring": ring, "horn": horn, "siren": siren, "bark": bark,
    "meow": meow, "bird": bird, "rustle": rustle, "squeak": squeak, "handling": handling,
    "clap": clap, "buzz": buzz, "burst": burst, "tune": tune,
}  # fmt: skip


def music(rng: Generator, length_s: float) -> Pcm:
    """Chords, a bass and a beat."""
    out = np.zeros(int(length_s * RATE_HZ) + RATE_HZ, np.float32)
    root, beat = rng.uniform(110, 300), rng.uniform(0.25, 0.6)
    attack, wave = rng.uniform(0.01, 0.2), int(rng.integers(1, 6))
    for number in range(int(length_s / beat)):
        at = int(number * beat * RATE_HZ)
        size = min(int(beat * RATE_HZ * rng.choice([1, 1, 2])), len(out) - at)
        degree = rng.choice([1, 9 / 8, 5 / 4, 4 / 3, 3 / 2, 5 / 3])
        hz = [root * degree * step * k for step in (0.5, 1, 1.25, 1.5) for k in range(1, wave + 1)]
        out[at : at + size] += tones(rng, size, hz, beat) * swell(size, attack, 1) / wave
        if rng.random() < 0.8:
            drum = noise(rng, size) * np.exp(-np.arange(size) / rng.uniform(60, 500))
            out[at : at + size] += drum * rng.uniform(0, 2)
    return out[: int(length_s * RATE_HZ)]


def coloured(rng: Generator, count: int, slope: float) -> Pcm:
    """Noise whose power falls as 1/f^slope."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 30)
    return np.fft.irfft(spectrum * hz ** (-slope / 2), count).astype(np.float32)


def slow(rng: Generator, count: int, period_s: float, depth_db: float) -> Pcm:
    """A gain that wanders by `depth_db` (one standard deviation)."""
    knots = rng.normal(0, depth_db, int(count / RATE_HZ / period_s) + 3)
    at = np.arange(count) / RATE_HZ / period_s
    return (10 ** (np.interp(at, np.arange(len(knots)), knots) / 20)).astype(np.float32)


def bed_static(rng: Generator, count: int) -> Pcm:
    """White, pink or brown."""
    return coloured(rng, count, float(rng.choice([0, 0.6, 1, 1.5, 2])))


def bed_wind(rng: Generator, count: int) -> Pcm:
    """Gusts on the microphone."""
    return band(coloured(rng, count, 2), 40, 900) * slow(rng, count, rng.uniform(0.3, 1.5), 8)


def bed_car(rng: Generator, count: int) -> Pcm:
    """Inside a car: road, engine, indicator now and then."""
    road = normal(band(coloured(rng, count, 1.5), 50, 1500) * slow(rng, count, 3, 2))
    pitch = rng.uniform(25, 70) * slow(rng, count, 4, 1.2)
    engine = normal(band(pulses(rng, pitch, 0.01), 50, 600))
    return road + engine * rng.uniform(0.1, 0.8)


def bed_street(rng: Generator, count: int) -> Pcm:
    """Cars pass, steps, a horn far away."""
    out = normal(coloured(rng, count, 1.4)) * 0.4
    for _ in range(int(count / RATE_HZ / 4)):
        size = min(seconds(rng, 2, 6), count - 1)
        at = int(rng.integers(0, count - size))
        passing = normal(band(noise(rng, size), 90, rng.uniform(700, 2500)))
        out[at : at + size] += passing * swell(size, 0.5, 2) * rng.uniform(0.5, 2.5)
    return scattered(rng, out, ("horn", "bark", "buzz", "clap"), 0.08, 0.4)


def bed_rain(rng: Generator, count: int) -> Pcm:
    """A hiss of drops."""
    drops = (rng.random(count) < rng.uniform(0.002, 0.03)) * rng.exponential(1, count)
    return normal(band(drops.astype(np.float32), 700, 3900)) + 0.5 * normal(noise(rng, count))


def bed_hum(rng: Generator, count: int) -> Pcm:
    """Mains hum and what it brings along."""
    t, base = np.arange(count) / RATE_HZ, float(rng.choice([50, 60, 100, 120]))
    tone = sum(rng.random() * np.sin(2 * np.pi * base * k * t) for k in range(1, 12))
    return normal(np.asarray(tone, np.float32)) + rng.uniform(0.05, 0.5) * normal(noise(rng, count))


def bed_fan(rng: Generator, count: int) -> Pcm:
    """A fan, an air conditioner, a computer."""
    t = np.arange(count) / RATE_HZ
    blades = 1 + rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(4, 40) * t)
    air = normal(coloured(rng, count, rng.uniform(0.3, 1.8))) * blades
    return air.astype(np.float32) + 0.1 * bed_hum(rng, count)


def bed_office(rng: Generator, count: int) -> Pcm:
    """Keys, clicks, paper over a fan."""
    out = bed_fan(rng, count) * 0.3
    return scattered(rng, out, ("keyboard", "click", "rustle", "beep", "squeak"), 0.5, 1.0)


def bed_kitchen(rng: Generator, count: int) -> Pcm:
    """Dishes, taps, steps."""
    out = bed_fan(rng, count) * 0.3
    return scattered(rng, out, ("dishes", "knock", "burst", "slam", "click"), 0.5, 1.2)


def bed_yard(rng: Generator, count: int) -> Pcm:
    """Birds, dogs, wind, tools."""
    out = bed_wind(rng, count) * 0.05
    return scattered(rng, out, ("bird", "bird", "bark", "clap", "buzz"), 0.4, 1.0)


def bed_music(rng: Generator, count: int) -> Pcm:
    """A radio in the room."""
    return music(rng, count / RATE_HZ)[:count]


def scattered(rng: Generator, out: Pcm, kinds: tuple[str, ...], rate: float, gain: float) -> Pcm:
    """Add short sounds at `rate` a second."""
    out = normal(out)
    for _ in range(rng.poisson(rate * len(out) / RATE_HZ)):
        one = normal(SHORT[str(rng.choice(kinds))](rng)) * gain * rng.uniform(0.2, 1.2)
        at = int(rng.integers(0, len(out)))
        size = min(len(one), len(out) - at)
        out[at : at + size] += one[:size]
    return out


BEDS: dict[str, Callable[[Generator, int], Pcm]] = {
    "static": bed_static, "wind": bed_wind, "car": bed_car, "street": bed_street,
    "rain": bed_rain, "hum": bed_hum, "fan": bed_fan, "office": bed_office,
    "kitchen": bed_kitchen, "yard": bed_yard, "music": bed_music,
}  # fmt: skip


def short(rng: Generator, kind: str) -> Pcm:
    """Make one sound of a kind of `SHORT`, at most 2.5 s, at the reference level."""
    return normal(fade(np.asarray(SHORT[kind](rng), np.float32)[: int(2.5 * RATE_HZ)]))


def bed(rng: Generator, kind: str, length_s: float) -> Pcm:
    """Make a bed of a kind of `BEDS`, at the reference level."""
    return normal(np.asarray(BEDS[kind](rng, int(length_s * RATE_HZ)), np.float32))
