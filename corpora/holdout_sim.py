"""Calls to measure on. Shares no voice, noise or distribution with the training calls.

Levels are normal around three means; pauses are log-normal; agents never yield, so that every
detector meets the same sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from corpora import holdout_line
from corpora.bank import Bank, Clip
from corpora.draft import Draft, Simulated, gain
from corpora.sound import RATE_HZ, Pcm

LEVELS = {"normal": (-26.0, 2.2, 0.55), "quiet": (-38.0, 1.8, 0.26), "loud": (-17.5, 1.3, 0.19)}
"""Mean and deviation in dBFS, share of the calls."""
MIX = {
    "interruption": 0.37,
    "backchannel": 0.23,
    "nonverbal": 0.15,
    "noise": 0.17,
    "side_speech": 0.08,
}
MANNERS = {"whole": 0.36, "brief": 0.30, "hesitant": 0.14, "stammered": 0.08, "asking": 0.12}


@dataclass(frozen=True)
class People:
    """Caller and agent of a call."""

    caller: str
    is_human: bool
    agent: str
    phrases: list[Clip]
    nods: list[Clip]
    level_db: float
    agent_db: float


def one_of(rng: Generator, clips: list[Clip]) -> Clip:
    """Draw one."""
    return clips[rng.integers(len(clips))]


def choose(rng: Generator, shares: dict[str, float]) -> str:
    """Draw a key by its share."""
    return str(rng.choice(list(shares), p=list(shares.values())))


def meet(rng: Generator, bank: Bank) -> tuple[People, str]:
    """Draw people and the name of the caller's level."""
    synthetic, human = bank.callers
    is_human = rng.random() < 0.87
    agents = [*sorted(bank.by_speaker["agent"])]
    agent = agents[rng.integers(len(agents))]
    group = [name for name in (human if is_human else synthetic) if name[:3] != agent[:3]]
    caller = group[rng.integers(len(group))]
    nods = bank.by_speaker["backchannel"].get(caller, [])
    if len(nods) < 4:
        nods = [
            clip
            for name, clips in bank.by_speaker["backchannel"].items()
            for clip in clips
            if clip.human == is_human and name != agent
        ]
    level = choose(rng, {name: share for name, (_, _, share) in LEVELS.items()})
    mean, spread, _ = LEVELS[level]
    level_db = float(np.clip(rng.normal(mean, spread), -42, -15))
    phrases = bank.by_speaker["speech"][caller]
    return (
        People(caller, is_human, agent, phrases, nods, level_db, float(rng.normal(-20, 2))),
        level,
    )


def cut_in(rng: Generator, bank: Bank, people: People) -> tuple[Pcm, str, str]:
    """Return words that mean to stop the agent, at least 0.65 s."""
    manner = choose(rng, MANNERS)
    clip = one_of(rng, people.phrases)
    pcm = bank.pcm(clip)
    name = clip.name
    if len(pcm) < 0.9 * RATE_HZ and manner == "whole":
        second = one_of(rng, people.phrases)
        pcm = np.concatenate([pcm, quiet(rng, 0.05, 0.22), bank.pcm(second)])
        name = f"{name} + {second.name}"
    if manner == "brief":
        pcm = ended(pcm[: round(rng.triangular(0.65, 0.75, 1.0) * RATE_HZ)])
    elif manner == "hesitant":
        hum = bank.pcm(one_of(rng, people.nods)) * 10 ** (-rng.gamma(2, 2) / 20)
        pcm = np.concatenate([hum, quiet(rng, 0.12, 0.28), pcm])
    elif manner == "stammered":
        first = ended(pcm[: round(rng.uniform(0.13, 0.2) * RATE_HZ)])
        pcm = np.concatenate([first, quiet(rng, 0.05, 0.12), first, quiet(rng, 0.03, 0.1), pcm])
    elif manner == "asking":
        pcm = raised(rng, pcm[: round(1.2 * RATE_HZ)])
    if len(pcm) < 0.65 * RATE_HZ:
        return cut_in(rng, bank, people)
    return pcm[: 4 * RATE_HZ], name, manner


def quiet(rng: Generator, low_s: float, high_s: float) -> Pcm:
    """A pause."""
    return np.zeros(round(rng.uniform(low_s, high_s) * RATE_HZ), np.float32)


def ended(pcm: Pcm) -> Pcm:
    """Close a cut word with a 25-ms raised cosine."""
    size = min(200, len(pcm))
    out = pcm.copy()
    out[-size:] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, size, dtype=np.float32))
    return out


def raised(rng: Generator, pcm: Pcm) -> Pcm:
    """Bend the last 400 ms upwards by two to five semitones."""
    bend = 2 ** (rng.uniform(2, 5) / 12)
    tail = min(3200, len(pcm) // 2)
    keep = pcm[: len(pcm) - tail]
    at = np.cumsum(np.linspace(1, bend, tail))
    bent = np.interp(at[at < tail - 1], np.arange(tail), pcm[len(pcm) - tail :])
    return np.concatenate([keep, bent.astype(np.float32)])


def disturbance(rng: Generator, bank: Bank, people: People, kind: str) -> tuple[Pcm, Clip]:
    """Return a sound that should not stop the agent, relative to the caller's level."""
    if kind == "backchannel":
        clip = one_of(rng, people.nods)
        return bank.pcm(clip) * 10 ** (np.clip(rng.normal(-3, 3.5), -10, 2.5) / 20), clip
    if kind == "side_speech":
        speech = bank.by_speaker["speech"]
        names = [name for name in speech if name != people.caller]
        clip = one_of(rng, speech[names[rng.integers(len(names))]])
        far = holdout_line.far_away(rng, bank.pcm(clip))
        return far * 10 ** (-rng.triangular(10, 14, 22) / 20), clip
    sources = bank.by_speaker["nonverbal" if kind == "nonverbal" else "transient"]
    names = sorted(sources)
    weights = np.sqrt([len(sources[name]) for name in names])
    clip = one_of(rng, sources[str(rng.choice(names, p=weights / weights.sum()))])
    pcm = bank.pcm(clip)[: 2 * RATE_HZ]
    spread = (-1, 3) if kind == "nonverbal" else (-1, 4)
    return pcm * 10 ** (np.clip(rng.normal(*spread), -9, 7) / 20), clip


def monologue(rng: Generator, bank: Bank, people: People, seconds: float) -> Pcm:
    """Prompts with pauses, cut at the end of one or faded out."""
    parts = []
    left = seconds
    while left > 0.5:
        prompt = bank.pcm(one_of(rng, bank.by_speaker["agent"][people.agent]))
        parts += [prompt, quiet(rng, 0.1, 0.42)]
        left -= (len(parts[-2]) + len(parts[-1])) / RATE_HZ
    out = np.concatenate(parts)[: round((seconds + 1.5) * RATE_HZ)]
    out = out[: len(out) - len(parts[-1])] if left > -1.4 else ended(out)
    return out * gain(people.agent_db)


def happenings(
    rng: Generator, bank: Bank, people: People, draft: Draft, start_s: float, end_s: float
) -> float:
    """Lay the events of one monologue; return the end of the last, s."""
    at_s, last_s = start_s + rng.uniform(0.25, 2.6), start_s
    while True:
        kind = choose(rng, MIX)
        details: dict[str, object] = {}
        if kind == "interruption":
            pcm, name, manner = cut_in(rng, bank, people)
            pcm = pcm * 10 ** (np.clip(rng.normal(0, 1.8), -4, 4) / 20)
            details = {"human": people.is_human, "style": manner}
            source = people.caller
        else:
            pcm, clip = disturbance(rng, bank, people, kind)
            source, name = clip.speaker, clip.name
        if at_s + min(len(pcm) / RATE_HZ, 1.0) + 0.35 > end_s:
            return last_s
        pcm = pcm * gain(people.level_db)
        last_s = draft.note(kind, at_s, pcm, src=source, clip=name, **details)
        at_s = last_s + 0.6 + rng.lognormal(0.25, 0.6)


def converse(rng: Generator, bank: Bank, people: People, draft: Draft) -> None:
    """Alternate monologues and answers."""
    at_s = rng.uniform(0.4, 1.2)
    while at_s < draft.duration_s - 6:
        seconds = min(rng.uniform(5, 15), draft.duration_s - at_s - 2.2)
        speech = monologue(rng, bank, people, seconds)
        end_s = min(draft.say(speech, at_s), draft.duration_s - 0.25)
        draft.intervals.append([round(at_s, 3), round(end_s, 3)])
        last_s = happenings(rng, bank, people, draft, at_s, end_s)
        at_s = max(end_s, last_s) + rng.uniform(0.4, 0.95)
        if at_s < draft.duration_s - 5 and rng.random() < 0.75:
            answer = bank.pcm(one_of(rng, people.phrases)) * gain(people.level_db)
            done_s = draft.hear(answer, at_s)
            draft.turns.append([round(at_s, 3), round(done_s, 3)])
            at_s = done_s + rng.uniform(0.4, 0.95)


def simulate(rng: Generator, bank: Bank, name: str) -> Simulated:
    """Make one call. The same generator state and bank give the same bytes."""
    people, level = meet(rng, bank)
    draft = Draft(round(float(rng.normal(44, 3)), 2))
    converse(rng, bank, people, draft)
    draft.tags |= {
        "level": level,
        "level_dbfs": round(people.level_db, 1),
        "agent_voice": people.agent,
        "caller_voice": people.caller,
        "caller_human": people.is_human,
    }
    return holdout_line.transmit(rng, bank, draft, people.level_db, people.agent_db)
