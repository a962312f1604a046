"""Calls to train on: wider than life in every direction.

Nothing here is shared with `holdout_sim.py` except how a call is written down: echo paths,
timing, levels, codecs and losses have distributions of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from corpora import train_line, vocal
from corpora.bank import Bank, Clip
from corpora.draft import Draft, Simulated, gain
from corpora.sound import RATE_HZ, Pcm, active_rms, equalised, fade, normal, warp

KINDS = ("interruption", "backchannel", "nonverbal", "noise", "side_speech")
SHARES = (0.34, 0.24, 0.15, 0.18, 0.09)
STYLES = ("plain", "short", "slow", "stutter", "rising", "soft", "middle", "breathy")
PLAIN_SHARE = 0.55
WIDE_DB = {"normal": (-32, -21), "quiet": (-46, -33), "loud": (-20, -11)}
PLAIN_DB = {"normal": (-31, -21), "quiet": (-40, -34), "loud": (-20, -14)}
"""Active level of the caller, dBFS."""
LONGEST_S = {True: 0.52, False: 0.75}
"""Of a backchannel, in plain calls and others."""
STYLE_SHARES = (0.24, 0.24, 0.12, 0.08, 0.08, 0.08, 0.10, 0.06)


@dataclass(frozen=True)
class Scene:
    """Who is on the line, and how loud."""

    caller: str
    is_human: bool
    agent: str
    level_db: float
    agent_db: float
    yields: bool
    """The agent stops for interruptions, and pauses for some distractors."""
    pace_s: float
    """Mean pause between events."""
    body: float
    """Factor on the caller's pitch, formants and tempo: the same voice is another in each call."""
    is_plain: bool
    """A call as they mostly are: no extremes of level, line and habit."""


def pick(rng: Generator, clips: list[Clip]) -> Clip:
    """Draw one."""
    return clips[int(rng.integers(len(clips)))]


def draw_scene(rng: Generator, bank: Bank) -> tuple[Scene, str]:
    """Draw a scene and the name of its level."""
    synthetic, human = bank.callers
    share = min(0.6, 0.25 + 0.01 * len(human)) if human else 0.0
    is_human = rng.random() < share
    people = human if is_human else synthetic
    agents = sorted(bank.by_speaker["agent"])
    agent = str(rng.choice(agents))
    caller = str(rng.choice([name for name in people if name != agent]))
    level = str(rng.choice(["normal", "quiet", "loud"], p=[0.48, 0.33, 0.19]))
    is_plain = rng.random() < PLAIN_SHARE
    low, high = (PLAIN_DB if is_plain else WIDE_DB)[level]
    scene = Scene(
        caller,
        is_human,
        agent,
        rng.uniform(low, high),
        rng.uniform(-29, -14),
        rng.random() < 0.25,
        float(rng.uniform(0.7, 2.4)),
        float(rng.uniform(0.9, 1.12)),
        is_plain,
    )
    return scene, level


def interruption(rng: Generator, bank: Bank, caller: str, body: float) -> tuple[Pcm, str, str]:
    """Return something that means to stop the agent: samples, words, style."""
    clip = pick(rng, bank.by_speaker["speech"][caller])
    pcm = warp(bank.pcm(clip), body * rng.uniform(0.97, 1.03))
    style = str(rng.choice(STYLES, p=STYLE_SHARES))
    if style == "short":
        pcm = fade(pcm[: int(rng.uniform(0.66, 1.05) * RATE_HZ)], 4, 30)
    elif style == "slow":
        filler = filler_of(rng, bank, caller) * rng.uniform(0.4, 1.0)
        gap = np.zeros(int(rng.uniform(0.05, 0.32) * RATE_HZ), np.float32)
        pcm = np.concatenate([filler, gap, pcm])
    elif style == "stutter":
        start = fade(pcm[: int(rng.uniform(0.11, 0.24) * RATE_HZ)], 4, 20)
        gap = np.zeros(int(rng.uniform(0.03, 0.16) * RATE_HZ), np.float32)
        pcm = np.concatenate([*[start, gap] * int(rng.integers(1, 4)), pcm])
    elif style == "rising":
        pcm = rising(pcm[: int(rng.uniform(0.7, 1.4) * RATE_HZ)], rng.uniform(1.15, 1.5))
    elif style == "soft":
        pcm = fade(pcm, rng.uniform(80, 350), 12)
    elif style == "middle":
        start = int(rng.uniform(0.1, 0.6) * max(0, len(pcm) - 0.7 * RATE_HZ))
        pcm = fade(pcm[start:], 6, 12)
    elif style == "breathy":
        air = vocal.nonverbal(rng, "breath")[: int(rng.uniform(0.1, 0.3) * RATE_HZ)]
        pcm = np.concatenate([fade(air, 10, 20) * rng.uniform(0.15, 0.5), pcm])
    if len(pcm) < 0.65 * RATE_HZ:
        return interruption(rng, bank, caller, body)
    return pcm, clip.name, style


def filler_of(rng: Generator, bank: Bank, caller: str) -> Pcm:
    """Return an "uh" of the caller, or of a throat."""
    own = bank.by_speaker.get("filler", {}).get(caller)
    if own:
        return bank.pcm(pick(rng, own))
    return vocal.hum(rng, vocal.Body.draw(rng), seconds=rng.uniform(0.15, 0.4))


def rising(pcm: Pcm, factor: float) -> Pcm:
    """Let the second half rise in pitch, as a question does."""
    speed = np.interp(np.linspace(0, 1, len(pcm)), [0, 0.45, 1], [1, 1, factor])
    at = np.cumsum(speed)
    count = int(np.searchsorted(at, len(pcm) - 1))
    return np.interp(at[:count], np.arange(len(pcm)), pcm).astype(np.float32)


def distractor(rng: Generator, bank: Bank, scene: Scene, kind: str) -> tuple[Pcm, str, str]:
    """Return a sound that should not stop the agent: samples relative to the caller, source, name.

    One that lasts has its own level; `side_speech` comes from across the room.
    """
    if kind == "backchannel":
        group = bank.by_speaker["backchannel"]
        own = group.get(scene.caller, [])
        if len(own) < 3 or rng.random() < 0.2:
            own = group[str(rng.choice(sorted(group)))]
        clip = pick(rng, own)
        pcm = warp(bank.pcm(clip), scene.body * rng.uniform(0.97, 1.03)) * 10 ** (
            rng.uniform(-10, 3) / 20
        )
        if rng.random() < 0.09 and not scene.is_plain:
            gap = np.zeros(int(rng.uniform(0.08, 0.3) * RATE_HZ), np.float32)
            pcm = np.concatenate([pcm[:3200], gap, pcm[:3200]])
        return pcm[: int(LONGEST_S[scene.is_plain] * RATE_HZ)], clip.speaker, clip.name
    if kind == "side_speech":
        group = bank.by_speaker["speech"]
        others = [name for name in group if name != scene.caller]
        clip = pick(rng, group[str(rng.choice(others))])
        far = train_line.across_the_room(rng, bank.pcm(clip))
        return far * 10 ** (rng.uniform(-24, -9) / 20), clip.speaker, clip.name
    group = bank.by_speaker["nonverbal" if kind == "nonverbal" else "transient"]
    clip = pick(rng, group[str(rng.choice(sorted(group)))])
    pcm = warp(bank.pcm(clip), rng.uniform(0.82, 1.22))
    longest = rng.uniform(0.4, 2.4)
    pcm = fade(pcm[: int(longest * RATE_HZ)], 2, 20)
    return normal(pcm) * 10 ** (rng.uniform(-10, 8) / 20), clip.speaker, clip.name


def speech_of_agent(rng: Generator, bank: Bank, scene: Scene, length_s: float) -> Pcm:
    """Sentences with breaths between them."""
    parts: list[Pcm] = []
    size = 0
    clips = bank.by_speaker["agent"][scene.agent]
    while size < length_s * RATE_HZ:
        one = bank.pcm(pick(rng, clips)) * gain(scene.agent_db)
        gap = np.zeros(int(rng.uniform(0.06, 0.55) * RATE_HZ), np.float32)
        parts += [one, gap]
        size += len(one) + len(gap)
    out = np.concatenate(parts[:-1])
    return fade(out[: int((length_s + rng.uniform(0, 2)) * RATE_HZ)], 2, 40)


def agent_turn(rng: Generator, bank: Bank, scene: Scene, draft: Draft, start_s: float) -> float:
    """Let the agent speak while things happen; return when the last sound of it ends, s."""
    length_s = min(rng.gamma(3.0, 3.2) + 1.5, 26, draft.duration_s - start_s - 0.6)
    speech = speech_of_agent(rng, bank, scene, length_s)
    end_s = min(start_s + len(speech) / RATE_HZ, draft.duration_s - 0.3)
    at_s = start_s + (rng.uniform(0.03, 0.4) if rng.random() < 0.15 else rng.uniform(0.5, 3.0))
    last_s = start_s
    while True:
        kind = str(rng.choice(KINDS, p=SHARES))
        if kind == "interruption":
            pcm, name, style = interruption(rng, bank, scene.caller, scene.body)
            source, details = scene.caller, {"human": scene.is_human, "style": style}
            pcm = pcm * 10 ** (rng.uniform(-5, 5) / 20)
        else:
            pcm, source, name = distractor(rng, bank, scene, kind)
            details = {}
        sound_s = len(pcm) / RATE_HZ
        if at_s + min(sound_s, 1.0) + 0.35 > end_s:
            break
        last_s = draft.note(
            kind, at_s, pcm * gain(scene.level_db), src=source, clip=name, **details
        )
        if scene.yields:
            reaction_s = rng.uniform(0.15, 0.6)
            cut = int((at_s + reaction_s - start_s) * RATE_HZ)
            if kind == "interruption" and rng.random() < 0.85:
                speech = fade(speech[:cut], 0, rng.uniform(1, 15))
                end_s = at_s + reaction_s
                break
            if kind != "interruption" and rng.random() < 0.5:
                speech = paused(rng, speech, cut)
                end_s = min(start_s + len(speech) / RATE_HZ, draft.duration_s - 0.3)
        at_s = last_s + 0.45 + rng.exponential(scene.pace_s)
    draft.say(speech[: int((end_s - start_s) * RATE_HZ)], start_s)
    draft.intervals.append([round(start_s, 3), round(end_s, 3)])
    return max(end_s, last_s)


def paused(rng: Generator, speech: Pcm, cut: int) -> Pcm:
    """Hold for 250 to 900 ms, then go on from the same place or up to two words back."""
    back = int(rng.choice([0, rng.uniform(0.1, 0.7)]) * RATE_HZ)
    pause = np.zeros(int(rng.uniform(0.25, 0.9) * RATE_HZ), np.float32)
    again = fade(speech[max(0, cut - back) :], 3, 0)
    return np.concatenate([fade(speech[:cut], 0, 5), pause, again])


def talk(rng: Generator, bank: Bank, scene: Scene, draft: Draft) -> None:
    """Fill a call with turns."""
    at_s = rng.uniform(0.2, 1.8)
    clips = bank.by_speaker["speech"][scene.caller]
    while at_s < draft.duration_s - 4:
        at_s = agent_turn(rng, bank, scene, draft, at_s) + rng.uniform(0.3, 1.2)
        if at_s < draft.duration_s - 4 and rng.random() < 0.7:
            start_s = at_s
            for _ in range(int(rng.integers(1, 4))):
                pcm = bank.pcm(pick(rng, clips)) * gain(scene.level_db + rng.uniform(-3, 3))
                at_s = draft.hear(pcm, at_s) + rng.uniform(0.05, 0.4)
            draft.turns.append([round(start_s, 3), round(at_s, 3)])
            at_s += rng.uniform(0.3, 1.2)


def simulate(rng: Generator, bank: Bank, name: str) -> Simulated:
    """Make one call. The same generator state and bank give the same bytes."""
    scene, level = draw_scene(rng, bank)
    draft = Draft(round(float(rng.uniform(32, 58)), 2))
    talk(rng, bank, scene, draft)
    before = active_rms(draft.caller)
    draft.caller = equalised(draft.caller, int(rng.integers(1 << 30)))
    draft.caller *= before / active_rms(draft.caller)
    draft.tags |= {
        "level": level,
        "level_dbfs": round(scene.level_db, 1),
        "agent_voice": scene.agent,
        "caller_voice": scene.caller,
        "caller_human": scene.is_human,
        "yields": scene.yields,
        "plain": scene.is_plain,
    }
    return train_line.transmit(
        rng, bank, draft, scene.level_db, scene.agent_db, is_plain=scene.is_plain
    )
