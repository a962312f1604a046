"""The line of the training calls: rooms, echo, noise beds, codecs, losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from corpora.bank import Bank
from corpora.draft import Draft, Simulated, gain
from corpora.noises import coloured, slow
from corpora.sound import RATE_HZ, Pcm, active_rms, band, frames_db, linear, through, ulaw

FRAME = 160
CODECS = ("ulaw", "gsm", "alaw", "adpcm")
WIDE_SNR_DB = (25, 20, 15, 12, 9, 6, 3, 0, -2)
CODEC_SHARES = (0.62, 0.2, 0.1, 0.08)


def across_the_room(rng: Generator, pcm: Pcm) -> Pcm:
    """A voice or a television some metres away: dull and reverberant."""
    dull = sosfilt(butter(1, rng.uniform(700, 3000), fs=RATE_HZ, output="sos"), pcm)
    tail = np.exp(-np.arange(1600) / rng.uniform(100, 700)) * rng.standard_normal(1600)
    tail[0] = rng.uniform(1, 12)
    wet = fftconvolve(dull, tail)[: len(pcm)]
    return (wet * (active_rms(pcm) / active_rms(wet.astype(np.float32)))).astype(np.float32)


@dataclass(frozen=True)
class EchoPath:
    """How the agent's voice comes back."""

    kind: str
    """hybrid, handset, speaker or network."""
    response: NDArray[np.floating]
    delay_ms: float
    loss_db: float
    low_hz: float
    high_hz: float
    drive: float
    """Of the loudspeaker: 0 is linear."""
    wander_db: float
    suppress: float
    """Share of 20-ms frames that an echo suppressor lets through; 1 without one."""


def draw_path(rng: Generator, is_plain: bool = False) -> EchoPath:
    """Draw an echo path of one of four families; a plain one does nothing unusual."""
    kind = str(rng.choice(["hybrid", "handset", "speaker", "network"], p=[0.25, 0.25, 0.35, 0.15]))
    length, decay = {
        "hybrid": (96, rng.uniform(4, 25)),
        "handset": (240, rng.uniform(10, 60)),
        "speaker": (2400, rng.uniform(120, 700)),
        "network": (64, rng.uniform(2, 12)),
    }[kind]
    response = rng.standard_normal(length) * np.exp(-np.arange(length) / decay)
    response[0] += rng.choice([-1, 1]) * rng.uniform(0.5, 4)
    delay_ms = {
        "hybrid": rng.uniform(8, 90),
        "handset": rng.uniform(30, 220),
        "speaker": rng.uniform(40, 320),
        "network": rng.uniform(150, 480),
    }[kind]
    loss_db = rng.uniform(6, 26) if rng.random() < 0.5 else rng.uniform(18, 42)
    if is_plain:
        loss_db = rng.uniform(11, 36)
        delay_ms = min(delay_ms, rng.uniform(200, 280))
    is_far = kind == "speaker"
    return EchoPath(
        kind,
        response,
        float(delay_ms),
        float(loss_db),
        rng.uniform(120, 500),
        rng.uniform(1900, 3800),
        rng.uniform(0.5, 6) if is_far and rng.random() < 0.6 else 0.0,
        rng.uniform(0, 4) if rng.random() < 0.4 and not is_plain else 0.0,
        rng.uniform(0.1, 0.7) if rng.random() < 0.18 and not is_plain else 1.0,
    )


def echo_of(rng: Generator, agent: Pcm, agent_db: float, path: EchoPath) -> Pcm:
    """Return the echo, set so that its active level is the agent's less the loss."""
    wet = agent / gain(agent_db) * 10
    if path.drive:
        wet = np.tanh(wet * path.drive / 6) + 0.1 * path.drive / 6 * np.abs(wet)
    wet = band(fftconvolve(wet, path.response)[: len(agent)], path.low_hz, path.high_hz)
    if path.wander_db:
        wet = wet * slow(rng, len(wet), 3.0, path.wander_db)
    if path.suppress < 1:
        frames = len(wet) // FRAME + 1
        is_open = np.convolve(rng.random(frames) < path.suppress / 4, np.ones(4), "same") > 0
        mask = np.where(is_open, 1.0, 10 ** (-rng.uniform(12, 40) / 20))
        mask = np.convolve(np.repeat(mask, FRAME)[: len(wet)], np.ones(80) / 80, "same")
        wet = wet * mask
    shift = int(path.delay_ms * 8)
    out = np.zeros_like(agent)
    out[shift:] = wet[: len(wet) - shift]
    if rng.random() < 0.15 and path.suppress == 1 and path.wander_db:
        out = jumped(rng, out)
    if rng.random() < 0.15:
        out = through(out, "WAV", "GSM610")
    level = active_rms(out)
    return (out * (10 ** ((agent_db - path.loss_db) / 20) / max(level, 1e-6))).astype(np.float32)


def jumped(rng: Generator, echo: Pcm) -> Pcm:
    """The delay changes once or twice, as when a jitter buffer adapts."""
    out = echo.copy()
    for at in rng.integers(0, len(echo), int(rng.integers(1, 3))):
        out[at:] = np.roll(out[at:], int(rng.choice([-1, 1]) * rng.uniform(10, 60) * 8))
    return out


def add_bed(rng: Generator, bank: Bank, pcm: Pcm, level_db: float, tags: dict[str, Any]) -> Pcm:
    """Add a noise bed; its SNR is against the caller's active level."""
    groups = bank.by_speaker["bed"]
    group = groups[str(rng.choice(sorted(groups)))]
    clip = group[int(rng.integers(len(group)))]
    bed = bank.pcm(clip)
    start = int(rng.integers(len(bed)))
    bed = np.resize(np.roll(bed, -start), len(pcm))
    snr_db = float(rng.choice([25, 22, 18, 14, 11, 8, 4, 0] if tags["plain"] else WIDE_SNR_DB))
    target = 10 ** ((level_db - snr_db) / 20)
    bed = bed * (target / np.sqrt((bed**2).mean() + 1e-12))
    if rng.random() < 0.25:
        bed = bed * slow(rng, len(bed), rng.uniform(2, 8), rng.uniform(2, 6))
    tags |= {"noise": clip.name, "snr_db": snr_db}
    return pcm + bed.astype(np.float32)


def levelled(rng: Generator, pcm: Pcm) -> Pcm:
    """A telephone's automatic gain: slow, towards one level."""
    levels = frames_db(pcm, FRAME)
    target, strength = rng.uniform(-28, -18), rng.uniform(0.3, 0.8)
    wanted = np.where(levels > -55, np.clip((target - levels) * strength, -12, 18), 0)
    smooth = np.asarray(lfilter([0.03], [1, -0.97], wanted))
    factor = np.repeat(10 ** (smooth / 20), FRAME)
    factor = np.pad(factor, (0, len(pcm) - len(factor)), mode="edge")
    return (pcm * factor).astype(np.float32)


def coded(rng: Generator, pcm: Pcm, tags: dict[str, Any]) -> Pcm:
    """Band of the access network, then its codec."""
    pcm = band(pcm, rng.uniform(60, 330), rng.uniform(3000, 3900), int(rng.integers(1, 4)))
    if rng.random() < 0.06:
        pcm = np.clip(pcm * rng.uniform(2, 6), -rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.9))
        pcm = pcm.astype(np.float32)
        tags["clipped"] = True
    codec = str(rng.choice(CODECS, p=CODEC_SHARES))
    tags["codec"] = codec
    if codec == "gsm":
        return through(pcm, "WAV", "GSM610")
    if codec == "alaw":
        return through(pcm, "WAV", "ALAW")
    return through(pcm, "WAV", "IMA_ADPCM") if codec == "adpcm" else pcm


def silenced(rng: Generator, pcm: Pcm) -> Pcm:
    """Discontinuous transmission: digital silence where the far end heard no voice."""
    levels = frames_db(pcm, FRAME)
    is_open = levels > max(-58, np.percentile(levels, 20) + rng.uniform(4, 9))
    hang = int(rng.integers(3, 12))
    is_open = np.convolve(is_open, np.ones(hang))[: len(levels)] > 0
    mask = np.pad(np.repeat(is_open, FRAME), (0, len(pcm) - len(is_open) * FRAME))
    return (pcm * mask).astype(np.float32)


def lossy(rng: Generator, wire: NDArray[np.uint8], tags: dict[str, Any]) -> NDArray[np.uint8]:
    """Lose frames in bursts; the gap is silence, a repetition that fades, or noise."""
    rate, burst = rng.uniform(0.005, 0.07 if tags["plain"] else 0.12), rng.uniform(1, 4)
    how = str(rng.choice(["silence", "repeat", "noise"]))
    out, lost = wire.copy(), 0
    last = np.zeros(FRAME, np.float32)
    is_bad, run = False, 0
    for at in range(0, len(wire) - FRAME, FRAME):
        is_bad = rng.random() < (1 - 1 / burst if is_bad else rate / burst)
        if not is_bad:
            run = 0
            continue
        run, lost = run + 1, lost + 1
        if how == "silence" or at < FRAME:
            out[at : at + FRAME] = 255
        else:
            if run == 1:
                last = linear(wire[at - FRAME : at])
            fill = last * 0.6**run
            if how == "noise":
                fill = rng.standard_normal(FRAME) * (np.abs(last).mean() * 0.5**run)
            out[at : at + FRAME] = ulaw(fill.astype(np.float32))
    tags["loss_pct"] = round(100 * lost * FRAME / len(wire), 1)
    return out


def transmit(
    rng: Generator,
    bank: Bank,
    draft: Draft,
    level_db: float,
    agent_db: float,
    *,
    is_plain: bool,
) -> Simulated:
    """Mix a draft and send it over a line."""
    tags = draft.tags
    tags |= {"snr_db": None, "noise": "none", "floor": "comfort", "loss_pct": 0.0, "echo": None}
    inbound = draft.caller
    is_dtx = rng.random() < 0.18
    if rng.random() < 0.66:
        inbound = add_bed(rng, bank, inbound, level_db, tags)
    if rng.random() < 0.15:
        inbound = levelled(rng, inbound)
        tags["agc"] = True
    echo = np.zeros_like(inbound)
    if rng.random() < 0.58:
        path = draw_path(rng, is_plain)
        echo = echo_of(rng, draft.agent, agent_db, path)
        tags["echo"] = {
            "att_db": round(path.loss_db, 1),
            "delay_ms": round(path.delay_ms),
            "rms": round(10 ** ((agent_db - path.loss_db) / 20) * 32768),
            "kind": path.kind,
        }
        inbound = inbound + echo
    if is_dtx:
        tags["floor"] = "dtx"
        inbound = silenced(rng, inbound)
    else:
        floor = coloured(rng, len(inbound), float(rng.choice([0, 0.5, 1.0])))
        floor *= 10 ** (rng.uniform(-76, -50) / 20) / np.sqrt((floor**2).mean())
        inbound = inbound + floor
    left = ulaw(coded(rng, inbound, tags))
    if rng.random() < 0.28:
        left = lossy(rng, left, tags)
    return Simulated(left, ulaw(draft.agent), draft.truth(""), echo)
