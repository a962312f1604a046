"""The bank of the hold-out: human recordings mostly, none of which any training set holds.

Synthetic voices are a minority: flite's `awb`, and languages and variants of espeak-ng that
training leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from corpora import recordings, texts
from corpora.bank import Bank, Clip
from corpora.sound import RATE_HZ, Pcm, fade, normal, read
from corpora.voices import Voice

GAMES = "usr/share/games"
HEDGEHOGS = ("British", "Classic", "Default", "Mobster", "Pirate", "Singer", "Surfer")
CRY = re.compile(r"^(Laugh|Ow\d|Ooff|Ouch|Jump|Hmm|Nooo|hell_|hogchant|Kiss)", re.IGNORECASE)
LANGUAGES = ("fr", "ru", "ro", "ca", "bg", "es", "be", "el", "da", "nl", "lt")
SYNTHETIC = (
    Voice("awb", "flite", "awb", "en-us", 1.05, seed=901),
    Voice("awb-low", "flite", "awb", "en-us", 1.0, factor=0.9, seed=902),
    Voice("awb-high", "flite", "awb", "en-us", 0.95, factor=1.17, seed=903),
    Voice("espeak-eo", "espeak", "robosoft3", "eo", 1.0, 1.1, 1.0, 904),
    Voice("espeak-ga", "espeak", "robosoft6", "ga", 1.1, 0.8, 1.05, 905),
    Voice("espeak-cy", "espeak", "kaukovalta", "cy", 1.1, 1.2, 0.96, 906),
)
AGENT_LINES = (
    "Good afternoon, you have reached the booking desk of the Harbour Clinic. How may I help?",
    "I have found your reservation. It is for two people, on Saturday the nineteenth, at seven.",
    "If you would rather come in the morning, there is a free place at a quarter past nine.",
    "To change the address on your policy I need the last four digits of the number on the card.",
    "The parcel left our depot yesterday evening, and it should be with you before noon today.",
    "Our opening hours are eight to six on weekdays, and nine to one on the first Saturday.",
    "I am going to put you through to a colleague, who will answer the rest of your questions.",
    "There is a small charge for that, which you will see on the next bill, at the end of May.",
)


def speak(voice: Voice) -> list[Clip]:
    """All that a synthetic voice says here; the flite voices are agents too."""
    rng = np.random.default_rng(voice.seed)
    said = [("speech", str(t)) for t in rng.choice(texts.CONTINUATIONS, 16, replace=False)]
    said += [("speech", str(t)) for t in rng.choice(texts.SHORT, 12, replace=False)]
    said += [("backchannel", t) for t in texts.BACKCHANNELS[:16]]
    if voice.engine == "flite":
        said += [("agent", line) for line in AGENT_LINES]
    return [Clip(kind, voice.name, text, voice.say(text)) for kind, text in said]


def add_synthetic(bank: Bank, jobs: int) -> None:
    """Add the synthetic voices."""
    with ProcessPoolExecutor(jobs) as pool:
        for clips in pool.map(speak, SYNTHETIC):
            for clip in clips:
                length_s = len(clip.pcm) / RATE_HZ
                if clip.kind == "backchannel" and length_s > 0.7:
                    continue
                if clip.kind != "speech" or length_s > 0.8:
                    bank.add(clip)


def add_people(bank: Bank, debs: Path) -> None:
    """Add human speakers."""
    voices = debs / "hedgewars-data" / GAMES / "hedgewars/Data/Sounds/voices"
    for name in HEDGEHOGS:
        for path in recordings.files(voices / name, "*.ogg"):
            if CRY.match(path.stem):
                pcm = read(path)[: 2 * RATE_HZ]
                bank.add(Clip("nonverbal", f"hedgehog-{name}", path.stem, pcm, True, False))
            else:
                clip = Clip("speech", f"hedgehog-{name}", path.stem, read(path), True, False)
                bank.add_recording(clip)
    stamps = debs / "tuxpaint-stamps-default"
    for language in LANGUAGES:
        name = f"stamps-{language}"
        recordings.speech(bank, stamps, f"*_desc_{language}.ogg", name, clean=False)
    recordings.speech(
        bank, debs / "asterisk-prompt-it-menardi-wav", "*.wav", "menardi", clean=False
    )
    recordings.speech(bank, debs / "fillets-ng-data", "en/*-m-*.ogg", "fish-m", clean=False)
    recordings.speech(bank, debs / "fillets-ng-data", "en/*-v-*.ogg", "fish-v", clean=False)


def add_agents(bank: Bank, debs: Path) -> None:
    """Add two telephone systems as agents."""
    for package, name in (
        ("asterisk-core-sounds-it-wav", "carlo"),
        ("asterisk-core-sounds-fr-wav", "june"),
    ):
        for path in recordings.files(debs / package, "*.wav"):
            pcm = read(path)
            is_prompt = not re.search(r"silence|digits|letters|phonetic|beep|tone", str(path))
            if is_prompt and len(pcm) > 1.2 * RATE_HZ:
                bank.add(Clip("agent", name, path.stem, fade(pcm), True, False))


def add_noises(bank: Bank, debs: Path) -> None:
    """Add recorded noises, and beds of music."""
    sounds = debs / "hedgewars-data" / GAMES / "hedgewars/Data/Sounds"
    for path in sorted(sounds.glob("*.ogg")):
        kind = "nonverbal" if CRY.match(path.stem) else "transient"
        bank.add(Clip(kind, "hedgewars", path.stem, read(path)[: 2 * RATE_HZ], False, False))
    warmux = debs / "warmux-data" / GAMES / "warmux/sound/default"
    for folder, kind in (("voices", "nonverbal"), ("weapons", "transient"), ("misc", "transient")):
        for path in recordings.files(warmux / folder, "*.ogg"):
            if not path.stem.startswith("theme"):
                pcm = read(path)[: 2 * RATE_HZ]
                bank.add(Clip(kind, "warmux", path.stem, pcm, kind == "nonverbal", False))
    fish = debs / "fillets-ng-data" / GAMES / "fillets-ng/sound/share"
    recordings.sounds(bank, "transient", fish, "sp-[bi]*.ogg", "fillets", clean=False)
    for cat in (debs / "openttd-opensfx").rglob("*.cat"):
        for name, pcm in recordings.openttd_sounds(cat):
            bank.add(Clip("transient", "openttd", name, pcm[: 2 * RATE_HZ], False, False))
    music = debs / "hedgewars-data" / GAMES / "hedgewars/Data/Music"
    recordings.beds(bank, music, "*.ogg", "hedgewars", clean=False)
    recordings.beds(bank, debs / "fillets-ng-data" / GAMES, "music/*.ogg", "fillets", clean=False)


def rumble(rng: Generator, count: int) -> Pcm:
    """A resonant noise of three poles: engines, vents, rooms."""
    out = rng.standard_normal(count)
    for _ in range(3):
        radius, angle = rng.uniform(0.5, 0.985), rng.uniform(0.02, 1.6)
        out = lfilter([1], [1, -2 * radius * np.cos(angle), radius**2], out)
    breathing = 1 + rng.uniform(0, 0.6) * np.sin(np.arange(count) * rng.uniform(1e-4, 4e-3))
    return normal((out * breathing).astype(np.float32))


def scene_beds(rng: Generator, bank: Bank) -> Iterator[Clip]:
    """Beds of many recorded sounds, of many people, and of one talker with music."""
    noises = [clip for clip in bank.clips if clip.kind == "transient"]
    people = [clip for clip in bank.clips if clip.kind == "speech" and clip.human]
    songs = [clip for clip in bank.clips if clip.kind == "bed"]
    count = 45 * RATE_HZ
    for number in range(6):
        yield Clip("bed", "rumble", f"rumble-{number}", rumble(rng, count))
        place = rumble(rng, count) * rng.uniform(0.1, 0.6)
        scatter(rng, place, noises, int(rng.integers(15, 60)))
        yield Clip("bed", "place", f"place-{number}", place)
        crowd = rumble(rng, count) * 0.05
        scatter(rng, crowd, people, int(rng.integers(60, 260)))
        yield Clip("bed", "crowd", f"crowd-{number}", crowd)
        set_on = np.resize(songs[int(rng.integers(len(songs)))].pcm, count) * rng.uniform(0.1, 0.4)
        scatter(rng, set_on, people, 20)
        yield Clip("bed", "tv", f"tv-{number}", set_on)


def scatter(rng: Generator, bed: Pcm, clips: list[Clip], number: int) -> None:
    """Lay clips over a bed at random places."""
    for _ in range(number):
        pcm = clips[int(rng.integers(len(clips)))].pcm
        at = int(rng.integers(0, len(bed) - len(pcm))) if len(pcm) < len(bed) else 0
        bed[at : at + len(pcm)] += pcm[: len(bed) - at] * 10 ** (rng.uniform(-10, 0) / 20)


def build(cache: Path, *, jobs: int = 2) -> Bank:
    """Build the bank from what `fetch` left in the cache."""
    bank = Bank()
    debs = cache / "debs"
    add_people(bank, debs)
    add_agents(bank, debs)
    add_noises(bank, debs)
    add_synthetic(bank, jobs)
    bank.clips += [
        Clip(c.kind, c.speaker, c.name, normal(c.pcm))
        for c in scene_beds(np.random.default_rng(4242), bank)
    ]
    return bank
