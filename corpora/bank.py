"""A bank of clips that calls are made from: one array of samples and an index.

Kinds: `speech` (0.65 s and longer), `backchannel` (up to 0.75 s), `nonverbal`, `transient`,
`bed`, `agent`. Clips have the reference level; `bank.npy` is mapped into memory, not read.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from corpora.sound import RATE_HZ, Pcm, fade, frames_db, longest_gap_s, normal, trim

SHORTEST_SPEECH_S = 0.65
LONGEST_SPEECH_S = 4.0


@dataclass(frozen=True)
class Clip:
    """One recording."""

    kind: str
    speaker: str
    """Who, or which source."""
    name: str
    pcm: Pcm
    human: bool = False
    clean: bool = True
    """Its licence lets us ship what was trained on it."""


@dataclass
class Bank:
    """Clips, grouped as a simulator asks for them."""

    clips: list[Clip] = field(default_factory=list)

    @cached_property
    def by_speaker(self) -> dict[str, dict[str, list[Clip]]]:
        """Kind, then speaker. For transients and nonverbal sounds the speaker is the source."""
        groups: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
        for clip in self.clips:
            groups[clip.kind][clip.speaker].append(clip)
        return {kind: dict(speakers) for kind, speakers in groups.items()}

    @staticmethod
    def pcm(clip: Clip) -> Pcm:
        """The samples of a clip at full scale 1.0, a copy."""
        if clip.pcm.dtype == np.int16:
            return np.asarray(clip.pcm, np.float32) / 32767
        return clip.pcm.copy()

    @cached_property
    def callers(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Speakers with at least six phrases: synthetic ones, human ones."""
        split: tuple[list[str], list[str]] = ([], [])
        for name, clips in sorted(self.by_speaker.get("speech", {}).items()):
            if len(clips) >= 6:
                split[clips[0].human].append(name)
        return tuple(split[0]), tuple(split[1])

    def add(self, clip: Clip) -> None:
        """Add a clip, trimmed, faded and set to the reference level; silence is left out."""
        pcm = trim(clip.pcm) if clip.kind != "bed" else clip.pcm
        if len(pcm) < 0.03 * RATE_HZ or np.abs(pcm).max() < 1e-3:
            return
        pcm = normal(fade(pcm))
        self.clips.append(Clip(clip.kind, clip.speaker, clip.name, pcm, clip.human, clip.clean))

    def add_recording(self, clip: Clip) -> None:
        """Sort a recording of speech by its length; long ones are cut at their pauses."""
        for number, piece in enumerate(pieces(trim(clip.pcm))):
            length_s = len(piece) / RATE_HZ
            if 0.12 <= length_s <= 0.5:
                kind = "backchannel"
            elif length_s >= SHORTEST_SPEECH_S and longest_gap_s(piece[:9600]) < 0.25:
                kind = "speech"
            else:
                continue
            name = f"{clip.name}#{number}" if number else clip.name
            self.add(Clip(kind, clip.speaker, name, piece, clip.human, clip.clean))

    def save(self, folder: Path) -> None:
        """Write `bank.npy` (int16) and `bank.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        rows, at = [], 0
        for clip in self.clips:
            row = (clip.kind, clip.speaker, clip.name, at, len(clip.pcm), clip.human, clip.clean)
            rows.append(row)
            at += len(clip.pcm)
        samples = [np.clip(c.pcm * 32767, -32768, 32767).astype(np.int16) for c in self.clips]
        with (folder / "bank.part").open("wb") as file:
            np.save(file, np.concatenate(samples))
        (folder / "bank.json").write_text(json.dumps(rows), encoding="utf-8")
        os.replace(folder / "bank.part", folder / "bank.npy")

    @classmethod
    def load(cls, folder: Path) -> Bank:
        """Open what `save` wrote; the clips' samples are int16 until `Bank.pcm` is asked."""
        samples = np.load(folder / "bank.npy", mmap_mode="r")
        rows = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
        return cls(
            [
                Clip(kind, speaker, name, samples[at : at + size], human, clean)
                for kind, speaker, name, at, size, human, clean in rows
            ]
        )

    def counts(self) -> dict[str, dict[str, float]]:
        """Clips, speakers and minutes of each kind."""
        table = {}
        for kind, speakers in sorted(self.by_speaker.items()):
            clips = [clip for group in speakers.values() for clip in group]
            minutes = sum(len(clip.pcm) for clip in clips) / RATE_HZ / 60
            people = len({c.speaker for c in clips if c.human})
            table[kind] = {
                "clips": len(clips),
                "speakers": len(speakers),
                "human": people,
                "minutes": round(minutes, 1),
            }
        return table


def pieces(pcm: Pcm) -> list[Pcm]:
    """Cut a recording at pauses of 150 ms and more, and after 4 s at the quietest place."""
    levels = frames_db(pcm)
    if len(levels) < 12:
        return [pcm]
    quiet = levels < np.percentile(levels, 95) - 28
    runs, start = [], None
    for number, is_quiet in enumerate([*quiet, False]):
        if is_quiet and start is None:
            start = number
        elif not is_quiet and start is not None:
            if number - start >= 15:
                runs.append((start + number) // 2)
            start = None
    parts = [trim(part) for part in np.split(pcm, [80 * cut for cut in runs])]
    out = []
    for part in parts:
        rest = part
        while len(rest) > LONGEST_SPEECH_S * RATE_HZ:
            search = frames_db(rest[int(2.5 * RATE_HZ) : int(LONGEST_SPEECH_S * RATE_HZ)], 160)
            cut = int(2.5 * RATE_HZ) + 160 * int(search.argmin())
            out.append(rest[:cut])
            rest = rest[cut:]
        out.append(rest)
    return [piece for piece in out if len(piece)]
