"""The line of the hold-out's calls; nothing of `train_line` is used.

Echo paths are rooms of sparse reflections behind a small loudspeaker, or a hybrid of two poles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import firwin2, lfilter, oaconvolve

from corpora.bank import Bank
from corpora.draft import Draft, Simulated
from corpora.sound import RATE_HZ, Pcm, active_rms, linear, through, ulaw

PACKET = 160
SNR_DB = {25.0: 0.12, 20.0: 0.22, 15.0: 0.22, 10.0: 0.22, 5.0: 0.13, 0.0: 0.09}
CODECS = {"ulaw": 0.7, "gsm": 0.2, "g721": 0.1}


def room(rng: Generator, size_ms: float, brightness: float) -> NDArray[np.float64]:
    """An impulse response of one direct path and reflections that grow denser and weaker."""
    length = int(size_ms * 8 * 6) + 40
    out = np.zeros(length)
    out[0] = 1.0
    at = 0.0
    while True:
        at += rng.exponential(size_ms * 8 / (1 + at / (size_ms * 8)))
        if at >= length:
            return np.asarray(lfilter([brightness], [1, brightness - 1], out))
        out[int(at)] += rng.choice([-1, 1]) * 0.7 * 10 ** (-3 * at / length)


def loudspeaker(rng: Generator) -> NDArray[np.float64]:
    """A small cone: no bass, two humps."""
    hz = np.linspace(0, 4000, 33)
    db = -24 * np.exp(-hz / rng.uniform(150, 400)) - 10 * (hz > rng.uniform(2600, 3700))
    for _ in range(2):
        db = db + rng.uniform(-3, 8) * np.exp(-(((hz - rng.uniform(500, 3000)) / 350) ** 2))
    return np.asarray(firwin2(129, hz / 4000, 10 ** (db / 20)))


def far_away(rng: Generator, pcm: Pcm) -> Pcm:
    """A voice from another corner of the room."""
    wet = oaconvolve(pcm, room(rng, rng.uniform(6, 22), rng.uniform(0.25, 0.6)))[: len(pcm)]
    wet = wet.astype(np.float32)
    return wet * (active_rms(pcm) / max(active_rms(wet), 1e-6))


def returned(rng: Generator, agent: Pcm, agent_db: float, tags: dict[str, Any]) -> Pcm:
    """The agent's voice as it comes back, and its tag."""
    loss_db = rng.uniform(10, 34)
    delay_ms = float(np.clip(rng.lognormal(np.log(110), 0.5), 30, 350))
    level = 10 ** ((agent_db - loss_db) / 20)
    if rng.random() < 0.3:
        kind = "line"
        wet = lfilter([0.3, 1.0, -0.4], [1, rng.uniform(-0.7, 0.2), 0.15], agent)
    else:
        kind = "open"
        driven = agent
        if rng.random() < 0.4:
            ceiling = active_rms(agent) * rng.uniform(1.0, 2.5)
            driven = np.clip(agent, -ceiling, ceiling * rng.uniform(0.7, 1))
        wet = oaconvolve(driven, loudspeaker(rng))[: len(agent)]
        wet = oaconvolve(wet, room(rng, rng.uniform(1.5, 14), rng.uniform(0.4, 0.9)))
    wet = np.asarray(wet[: len(agent)], np.float32)
    shift = round(delay_ms * 8)
    wet = np.concatenate([np.zeros(shift, np.float32), wet[: len(wet) - shift]])
    if rng.random() < 0.2:
        where = int(rng.integers(len(wet) // 4, len(wet)))
        wet[where:] *= 10 ** (rng.uniform(-8, -3) / 20)
    wet *= level / max(active_rms(wet), 1e-6)
    tags["echo"] = {
        "att_db": round(loss_db, 1),
        "delay_ms": round(delay_ms),
        "rms": round(level * 32768),
        "kind": kind,
    }
    return wet


def with_bed(rng: Generator, bank: Bank, pcm: Pcm, level_db: float, tags: dict[str, Any]) -> Pcm:
    """Add a bed at an SNR against the caller's active level."""
    beds = [clip for group in bank.by_speaker["bed"].values() for clip in group]
    sources = sorted(bank.by_speaker["bed"])
    weights = np.array([2.0 if name in ("crowd", "place", "rumble") else 1.0 for name in sources])
    source = str(rng.choice(sources, p=weights / weights.sum()))
    group = [clip for clip in beds if clip.speaker == source]
    clip = group[rng.integers(len(group))]
    bed = np.resize(np.roll(bank.pcm(clip), int(rng.integers(RATE_HZ, 40 * RATE_HZ))), len(pcm))
    snr_db = float(rng.choice(list(SNR_DB), p=list(SNR_DB.values())))
    bed *= 10 ** ((level_db - snr_db) / 20) / np.sqrt(np.mean(bed**2) + 1e-12)
    tags |= {"noise": clip.name, "snr_db": snr_db}
    return pcm + bed


def handset(rng: Generator, pcm: Pcm) -> Pcm:
    """The sending curve of a telephone: narrow, with a rise towards 3 kHz."""
    low, high = rng.uniform(180, 320), rng.uniform(3250, 3650)
    rise = 10 ** (rng.uniform(-2, 6) / 20)
    hz = [0, low * 0.7, low, 1000, 2800, high, min(3950, high + 200), 4000]
    taps = firwin2(161, np.array(hz) / 4000, [0, 0.08, 0.9, 1, rise, 0.8, 0.02, 0])
    return oaconvolve(pcm, taps)[80 : 80 + len(pcm)].astype(np.float32)


def ridden(pcm: Pcm, rng: Generator) -> Pcm:
    """A gain control that lifts after 2 s of quiet speech and drops fast."""
    frames = pcm[: len(pcm) // PACKET * PACKET].reshape(-1, PACKET)
    level = np.sqrt((frames**2).mean(axis=1) + 1e-10)
    factor, now, goal = np.ones(len(level)), 1.0, 10 ** (rng.uniform(-26, -20) / 20)
    for number, one in enumerate(level):
        if one > 0.002:
            wanted = float(np.clip(goal / one, 0.4, 4))
            now += (wanted - now) * (0.2 if wanted < now else 0.01)
        factor[number] = now
    return (pcm * np.resize(np.repeat(factor, PACKET), len(pcm))).astype(np.float32)


def dropped(rng: Generator, wire: NDArray[np.uint8], tags: dict[str, Any]) -> NDArray[np.uint8]:
    """Lose runs of one to three packets; half of the receivers repeat the last one."""
    rate, repeats = rng.uniform(0.01, 0.07), rng.random() < 0.5
    out, number, lost = wire.copy(), 1, 0
    while number < len(wire) // PACKET:
        if rng.random() >= rate / 2:
            number += 1
            continue
        run = int(rng.integers(1, 4))
        for step in range(run):
            start = (number + step) * PACKET
            if start + PACKET > len(wire):
                break
            held = linear(wire[(number - 1) * PACKET : number * PACKET]) * (1 - 0.3 * step)
            out[start : start + PACKET] = ulaw(held) if repeats else 0xFF
            lost += 1
        number += run + 1
    tags["loss_pct"] = round(100 * lost * PACKET / len(wire), 1)
    return out


def transmit(
    rng: Generator, bank: Bank, draft: Draft, level_db: float, agent_db: float
) -> Simulated:
    """Mix a draft and send it over a line."""
    tags = draft.tags
    tags |= {"snr_db": None, "noise": "none", "floor": "comfort", "loss_pct": 0.0, "echo": None}
    inbound = draft.caller
    is_dtx = rng.random() < 0.1
    if not is_dtx and rng.random() < 0.66:
        inbound = with_bed(rng, bank, inbound, level_db, tags)
    if rng.random() < 0.1:
        inbound = ridden(inbound, rng)
        tags["agc"] = True
    inbound = handset(rng, inbound)
    echo = np.zeros_like(inbound)
    if rng.random() < 0.5:
        echo = returned(rng, draft.agent, agent_db, tags)
        inbound = inbound + echo
    if is_dtx:
        tags["floor"] = "dtx"
    else:
        hiss = rng.standard_normal(len(inbound)) * 10 ** (rng.normal(-60, 4) / 20)
        inbound = inbound + hiss.astype(np.float32)
    if rng.random() < 0.04:
        inbound = np.clip(inbound * 10 ** (rng.uniform(4, 10) / 20), -0.7, 0.7)
        tags["clipped"] = True
    codec = str(rng.choice(list(CODECS), p=list(CODECS.values())))
    tags["codec"] = codec
    if codec == "gsm":
        inbound = through(inbound, "WAV", "GSM610")
    elif codec == "g721":
        inbound = through(inbound, "AU", "G721_32")
    left = ulaw(inbound)
    if rng.random() < 0.25:
        left = dropped(rng, left, tags)
    return Simulated(left, ulaw(draft.agent), draft.truth(""), echo)
