"""Make the labelled calls: `python datasets/calls/make_calls.py [NAME …]`.

Each entry of `scenarios.yaml` becomes a folder with `audio.wav` (8 kHz G.711 µ-law, left the
caller as the line delivered him, right the agent) and `labels.json`. Voices: Piper's joe and
flite's slt for agents, espeak-ng and flite for callers; everything else is synthesised. Needs
Debian's `espeak-ng` and `flite`, and `pip install -e .[piper]`. Nothing is drawn without a seed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.random import Generator

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from corpora import noises, texts, train_line, vocal  # noqa: E402
from corpora.draft import Draft, gain  # noqa: E402
from corpora.sound import (  # noqa: E402
    RATE_HZ,
    Pcm,
    active_rms,
    band,
    fade,
    normal,
    through,
    trim,
    ulaw,
    write_stereo,
)
from corpora.voices import Voice  # noqa: E402

LENGTH_S = 28.0
AGENT_DB = -21.0
KINDS = {"i": "interruption", "b": "backchannel", "n": "nonverbal", "x": "noise", "s": "side_speech"}
RELATIVE_DB = {"i": 0, "b": -3, "n": -2, "x": -2, "s": -16}
"""Of an event against the caller's level."""
AGENTS = {
    "joe": Voice("joe", "piper", "joe", "en-us", plain=True),
    "slt": Voice("slt", "flite", "slt", "en-us", plain=True),
}
SIDE = Voice("side", "flite", "kal16", "en-us", pitch=1.15, plain=True)
ROOM = {
    "hybrid": (96, 12, 300, 3400, 0.0),
    "handset": (240, 40, 300, 3000, 0.0),
    "speaker": (2000, 450, 350, 2900, 3.0),
    "network": (48, 6, 250, 3400, 0.0),
}
"""Samples and decay of the response, band in Hz, drive of the loudspeaker."""


@dataclass(frozen=True)
class Scenario:
    """An entry of `scenarios.yaml`."""

    name: str
    number: int
    """Its place in the file, which seeds it."""
    caller_name: str
    caller: Voice
    given: dict[str, Any]

    @property
    def level_db(self) -> float:
        """Of the caller, dBFS."""
        return float(self.given.get("level", -25))


@cache
def said(voice: Voice, text: str) -> Pcm:
    """A text in a voice, at the reference level."""
    return normal(fade(trim(voice.say(text))))


def sound_of(rng: Generator, scenario: Scenario, letter: str, what: str) -> Pcm:
    """The sound of an event, at the reference level."""
    if letter == "n":
        return vocal.nonverbal(rng, what)[: 2 * RATE_HZ]
    if letter == "x":
        return noises.short(rng, what)[: 2 * RATE_HZ]
    if letter == "s":
        return train_line.across_the_room(rng, said(SIDE, what))
    pcm = said(scenario.caller, what)
    if letter == "b":
        return fade(pcm[: int(0.5 * RATE_HZ)])
    shortest = int(0.68 * RATE_HZ)
    while len(pcm) < shortest:
        again = np.zeros(int(0.12 * RATE_HZ), np.float32)
        pcm = np.concatenate([pcm, again, said(scenario.caller, what)])
    return pcm


def monologue(rng: Generator, scenario: Scenario, seconds: float) -> Pcm:
    """Lines of the Maplewood agent, whole ones; the first call begins with the greeting."""
    lines = [texts.AGENT[0], *(str(t) for t in rng.permutation(texts.AGENT[1:]))]
    parts: list[Pcm] = []
    left = seconds * RATE_HZ
    for line in lines:
        pcm = said(AGENTS[scenario.given["agent"]], line) * gain(AGENT_DB)
        if len(pcm) > left and parts:
            break
        parts += [pcm, np.zeros(int(0.25 * RATE_HZ), np.float32)]
        left -= len(parts[-2]) + len(parts[-1])
    return np.concatenate(parts[:-1])[: int(seconds * RATE_HZ)]


def talk(rng: Generator, scenario: Scenario, draft: Draft) -> None:
    """Lay the agent's turns, the caller's events and his answers."""
    turns = int(scenario.given.get("turns", 2))
    todo = [one.split(" ", 1) for one in scenario.given["say"].split(" | ") if one]
    share = -(-len(todo) // turns)
    at_s = 0.5
    for turn in range(turns):
        left_s = draft.duration_s - 0.3 - at_s
        seconds = left_s if turn == turns - 1 else left_s / (turns - turn) - 2.0
        speech = monologue(rng, scenario, seconds)
        end_s = at_s + len(speech) / RATE_HZ
        begin_s, last_s = at_s, at_s
        event_s = at_s + float(scenario.given.get("first", 2.4))
        wanted, todo = todo[:share], todo[share:]
        for letter, what in wanted:
            pcm = sound_of(rng, scenario, letter, what)
            if event_s + min(len(pcm) / RATE_HZ, 1) + 0.4 > end_s:
                break
            level_db = scenario.level_db + RELATIVE_DB[letter] + rng.uniform(-1.5, 1.5)
            voice = scenario.caller_name if letter in "ib" else "room"
            last_s = draft.note(
                KINDS[letter], event_s, pcm * gain(level_db), note=what, src=voice
            )
            if scenario.given.get("yields") and letter == "i":
                end_s = event_s + rng.uniform(0.45, 0.6)
                break
            event_s = last_s + rng.uniform(1.1, 2.1)
        draft.say(fade(speech[: int((end_s - begin_s) * RATE_HZ)], 2, 10), begin_s)
        draft.intervals.append([round(begin_s, 3), round(end_s, 3)])
        at_s = max(end_s, last_s) + 0.5
        if turn < turns - 1:
            answer = said(scenario.caller, str(rng.choice(texts.CONTINUATIONS[:12])))
            done_s = draft.hear(answer * gain(scenario.level_db), at_s)
            draft.turns.append([round(at_s, 3), round(done_s, 3)])
            at_s = done_s + 0.5


def bed_of(rng: Generator, kind: str) -> Pcm:
    """A bed at the reference level."""
    if kind not in ("babble", "tv"):
        return noises.bed(rng, kind, LENGTH_S)
    out = np.zeros(int(LENGTH_S * RATE_HZ), np.float32)
    for number in range(7 if kind == "babble" else 1):
        voice = Voice(f"bed-{number}", "espeak", f"m{number + 1}", "en-gb", pitch=0.7 + number / 10)
        at = int(rng.uniform(0, RATE_HZ))
        for line in rng.permutation(texts.AGENT):
            pcm = said(voice, str(line))[: max(0, len(out) - at)]
            out[at : at + len(pcm)] += pcm
            at += len(pcm) + int(rng.uniform(0.1, 0.8) * RATE_HZ)
    if kind == "tv":
        out += 0.25 * noises.bed(rng, "music", LENGTH_S)[: len(out)]
    return normal(out)


def echo_of(rng: Generator, agent: Pcm, given: list[Any]) -> tuple[Pcm, dict[str, Any]]:
    """The agent's echo, and its tag."""
    kind, loss_db, delay_ms = given
    size, decay, low_hz, high_hz, drive = ROOM[kind]
    response = 0.4 * rng.standard_normal(size) * np.exp(-np.arange(size) / decay)
    response[0] = 1.0
    wet = np.tanh(agent / gain(AGENT_DB) * 10 * drive / 6) if drive else agent
    wet = np.asarray(np.convolve(wet, response)[: len(agent)], np.float32)
    wet = band(wet, low_hz, high_hz)
    shift = int(delay_ms * 8)
    wet = np.concatenate([np.zeros(shift, np.float32), wet[: len(wet) - shift]])
    level = 10 ** ((AGENT_DB - loss_db) / 20)
    tag = {"att_db": loss_db, "delay_ms": delay_ms, "rms": round(level * 32768), "kind": kind}
    return wet * (level / active_rms(wet)), tag


def make(scenario: Scenario) -> None:
    """Write the folder of one call."""
    given = scenario.given
    rng = np.random.default_rng([2026, scenario.number])
    draft = Draft(LENGTH_S)
    talk(rng, scenario, draft)
    level_db = scenario.level_db
    kind = "normal" if -33 < level_db < -19 else "quiet" if level_db < -20 else "loud"
    tags: dict[str, Any] = {
        "scenario": scenario.name,
        "level": kind,
        "level_dbfs": level_db,
        "snr_db": given.get("snr"),
        "noise": given.get("bed", "none"),
        "floor": given.get("floor", "comfort"),
        "codec": given.get("codec", "ulaw"),
        "loss_pct": 0.0,
        "echo": None,
        "agent_voice": given["agent"],
        "caller_voice": scenario.caller_name,
        "caller_human": False,
        "yields": bool(given.get("yields")),
    }
    inbound = band(draft.caller, 220, 3500)
    if "bed" in given:
        bed = band(bed_of(rng, given["bed"])[: len(inbound)], 220, 3500)
        bed *= 10 ** ((level_db - given["snr"]) / 20) / np.sqrt((bed**2).mean())
        inbound = inbound + bed
    if "echo" in given:
        echo, tags["echo"] = echo_of(rng, draft.agent, given["echo"])
        inbound = inbound + echo
    if tags["floor"] == "comfort":
        inbound = inbound + rng.standard_normal(len(inbound)).astype(np.float32) * 8e-4
    if tags["codec"] == "gsm":
        inbound = through(inbound, "WAV", "GSM610")
    left = ulaw(inbound)
    if "loss" in given:
        left = lose(rng, left, given["loss"])
        tags["loss_pct"] = 100 * given["loss"]
    folder = HERE / scenario.name
    folder.mkdir(exist_ok=True)
    write_stereo(folder / "audio.wav", left, ulaw(draft.agent))
    label(folder, draft, tags)


def lose(rng: Generator, wire: np.ndarray, share: float) -> np.ndarray:
    """Replace a share of the 20-ms frames by silence."""
    frames = wire[: len(wire) // 160 * 160].reshape(-1, 160).copy()
    frames[rng.permutation(len(frames))[: int(share * len(frames))]] = 0xFF
    return frames.reshape(-1)


def label(folder: Path, draft: Draft, tags: dict[str, Any]) -> None:
    """Write `labels.json`."""
    from sdr_lab.tune.labels import CallLabels, Interval, Label, ms_of, write_labels

    def spans(rows: list[list[float]]) -> tuple[Interval, ...]:
        return tuple(Interval(ms_of(a), ms_of(b)) for a, b in rows)

    labels = tuple(
        Label(
            event["type"],
            ms_of(event["onset_s"]),
            ms_of(event["offset_s"]),
            "maker",
            event["note"],
            {"level_db": event["level_db"], "src": event["src"]},
        )
        for event in draft.events
    )
    write_labels(
        folder / "labels.json", CallLabels(labels, spans(draft.intervals), tags, spans(draft.turns))
    )


def scenarios() -> list[Scenario]:
    """Read the table."""
    table = yaml.safe_load((HERE / "scenarios.yaml").read_text(encoding="utf-8"))
    people = {
        name: Voice(name, seed=0, plain=True, **spec) for name, spec in table["callers"].items()
    }
    return [
        Scenario(name, number, given["caller"], people[given["caller"]], given)
        for number, (name, given) in enumerate(table["calls"].items())
    ]


if __name__ == "__main__":
    for one in scenarios():
        if len(sys.argv) == 1 or one.name in sys.argv[1:]:
            make(one)
