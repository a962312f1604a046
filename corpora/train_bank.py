"""The banks of training and validation: `train`, `valid`, and `full` with human recordings.

The voices of `valid` are not in `train`: other languages and variants of espeak-ng, other voices
of flite, other readers.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.random import Generator

from corpora import noises, recordings, texts, vocal, voices
from corpora.bank import Bank, Clip
from corpora.sound import RATE_HZ, fade, read, warp

SPEAKERS = {"train": (150, 46, 26), "valid": (30, 8, 0)}
"""Of espeak-ng, flite and Piper."""
VALID_LANGUAGES = ("it", "sv", "pl", "tr", "en-gb-scotland", "en-029", "id")
FLITE = {"train": ("slt", "kal", "kal16"), "valid": ("rms",)}
ENGINES = ("espeak", "flite", "piper")
PHRASES, BACKCHANNELS, SENTENCES = 16, 9, 16
CRY = re.compile(r"(pain|pai|pdie|sit|act|dth|pop|hoof|slop|bspsit|oof|noway)", re.IGNORECASE)


def cast(split: str, seed: int) -> list[voices.Voice]:
    """Draw the synthetic speakers of a split."""
    rng = np.random.default_rng([seed, split == "valid"])
    count = SPEAKERS[split]
    if split == "valid":
        tongues = [*VALID_LANGUAGES]
    else:
        own = [name for name in texts.LANGUAGES if name not in VALID_LANGUAGES]
        english = [name for name in voices.ESPEAK_ENGLISH if name not in VALID_LANGUAGES]
        foreign = [name for name in voices.ESPEAK_FOREIGN if name not in VALID_LANGUAGES]
        tongues = own * 3 + english * 5 + foreign
    people = [voices.espeak_voice(rng, n, tongues) for n in range(count[0])]
    people += [voices.flite_voice(rng, n, FLITE[split]) for n in range(count[1])]
    people += [voices.piper_voice(rng, n) for n in range(count[2])]
    return people


def spoken(voice: voices.Voice, seed: int, is_agent: bool) -> list[Clip]:
    """What one speaker says: phrases, backchannels, and sentences if it can be an agent."""
    rng = np.random.default_rng([seed, voice.seed, len(voice.engine)])
    phrases, backchannels = texts.phrases(voice.language)
    count = min(PHRASES, len(phrases))
    clips = []
    short = [p for p in texts.SHORT if phrases == texts.english()]
    chosen = [str(p) for p in rng.choice(phrases, count, replace=False)]
    chosen += [str(p) for p in rng.choice(short, 6, replace=False)] if short else []
    for text in chosen:
        clips.append(Clip("speech", voice.name, text, voice.say(text)))
    for text in rng.choice(backchannels, min(BACKCHANNELS, len(backchannels)), replace=False):
        clips.append(Clip("backchannel", voice.name, str(text), voice.say(str(text))))
    for text in rng.choice(texts.FILLERS, 3, replace=False):
        clips.append(Clip("filler", voice.name, str(text), voice.say(str(text))))
    if is_agent:
        for text in rng.choice(texts.AGENT, SENTENCES, replace=False):
            clips.append(Clip("agent", voice.name, str(text), voice.say(str(text))))
    return clips


def _spoken(task: tuple[voices.Voice, int, bool]) -> list[Clip]:
    return spoken(*task)


def add_speech(bank: Bank, split: str, cache: Path, seed: int, jobs: int) -> None:
    """Add the synthetic speakers, spoken once and kept in the cache; one in four is an agent."""
    people = cast(split, seed)
    for engine in ENGINES:
        folder = cache / f"voices-{split}-{seed}-{engine}"
        if not (folder / "bank.npy").exists():
            said = Bank()
            own = [voice for voice in people if voice.engine == engine]
            tasks = [(voice, seed, number % 4 == 0) for number, voice in enumerate(own)]
            with ProcessPoolExecutor(jobs) as pool:
                for clips in pool.map(_spoken, tasks):
                    for clip in clips:
                        add_sorted(said, clip)
            if said.clips:
                said.save(folder)
        if (folder / "bank.npy").exists():
            bank.clips += [
                Clip(c.kind, c.speaker, c.name, Bank.pcm(c)) for c in Bank.load(folder).clips
            ]


def add_sorted(bank: Bank, clip: Clip) -> None:
    """Add a synthetic clip if its length fits its kind."""
    before = len(bank.clips)
    bank.add(clip)
    if len(bank.clips) == before:
        return
    length_s = len(bank.clips[-1].pcm) / RATE_HZ
    limits = {"speech": (0.65, 6), "backchannel": (0.1, 0.72), "filler": (0.1, 0.6)}
    low, high = limits.get(clip.kind, (0, 60))
    if not low <= length_s <= high:
        bank.clips.pop()


def add_throats(bank: Bank, seed: int, count: int) -> None:
    """Add synthetic sounds of throats, and hums as backchannels."""
    rng = np.random.default_rng([seed, 5])
    for kind in vocal.NONVERBAL:
        for number in range(count):
            bank.add(Clip("nonverbal", f"dsp-{kind}", str(number), vocal.nonverbal(rng, kind)))
    for number in range(6 * count):
        body = vocal.Body.draw(rng)
        hum = vocal.hum(rng, body, seconds=rng.uniform(0.15, 0.68))
        bank.add(Clip("backchannel", f"hum-{number}", "mm", hum))


def add_noises(bank: Bank, seed: int, count: int) -> None:
    """Add synthetic transients and beds."""
    rng = np.random.default_rng([seed, 6])
    for kind in noises.SHORT:
        for number in range(count):
            bank.add(Clip("transient", f"dsp-{kind}", str(number), noises.short(rng, kind)))
    for kind in noises.BEDS:
        for number in range(max(2, count // 6)):
            name = f"{kind}-{number}"
            bank.add(Clip("bed", f"dsp-{kind}", name, noises.bed(rng, kind, 40)))


def add_babble(bank: Bank, seed: int, prefix: str, beds: int = 4) -> None:
    """Add beds of many voices, and of one voice with music under it (a television)."""
    rng = np.random.default_rng([seed, 7])
    phrases = [c for c in bank.clips if c.kind in ("speech", "agent")]
    for number in range(beds):
        for kind, talkers in (("babble", int(rng.integers(4, 14))), ("tv", 1)):
            out = np.zeros(40 * RATE_HZ, np.float32)
            for _ in range(talkers):
                lay(rng, out, phrases)
            if kind == "tv":
                out += noises.bed(rng, "music", 40) * rng.uniform(0.05, 0.5)
            bank.add(Clip("bed", f"{prefix}-{kind}", f"{kind}-{number}", out))


def lay(rng: Generator, out: np.ndarray, phrases: list[Clip]) -> None:
    """Let one talker speak through `out`."""
    at, gain = int(rng.uniform(0, RATE_HZ)), 10 ** (rng.uniform(-9, 0) / 20)
    while at < len(out):
        clip = phrases[int(rng.integers(len(phrases)))].pcm
        size = min(len(clip), len(out) - at)
        out[at : at + size] += gain * clip[:size]
        at += size + int(rng.exponential(0.25) * RATE_HZ)


def human_clean(split: str, debs: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    """Human speech under a free licence: speaker, name, samples.

    The reader of festvox-ru is played at several speeds for training: pitch and formants differ
    as between people.
    """
    if split == "valid":
        for path in recordings.files(debs / "pocketsphinx-testdata", "*.wav"):
            yield f"ps-{path.parent.name}", path.stem, read(path)
        return
    factors = (1.0, 0.86, 0.91, 1.08, 1.16, 1.25)
    for number, path in enumerate(recordings.files(debs / "festvox-ru", "*.wav")):
        factor = factors[number % len(factors)]
        yield f"ru-{factor}", path.stem, warp(read(path), factor)


def add_clean_recordings(bank: Bank, split: str, debs: Path) -> None:
    """Add what packages hold under free licences."""
    for speaker, name, pcm in human_clean(split, debs):
        bank.add_recording(Clip("speech", speaker, name, pcm, True))
    for number, wad in enumerate(recordings.files(debs / "freedoom", "*.wad")):
        for name, pcm in recordings.doom_sounds(wad):
            if number or (sum(name.encode()) % 4 == 0) != (split == "valid"):
                continue
            kind = "nonverbal" if CRY.search(name) else "transient"
            bank.add(Clip(kind, "freedoom", name, pcm[: 2 * RATE_HZ], True))
    if split == "valid":
        return
    samples = debs / "sonic-pi-samples"
    for pattern in ("perc_*", "misc_*", "drum_tom*", "glitch*", "elec*", "vinyl*", "tabla*"):
        recordings.sounds(bank, "transient", samples, f"{pattern}.flac", "sonic-pi", clean=True)
    for pattern in ("ambi_*", "loop_*"):
        recordings.beds(bank, samples, f"{pattern}.flac", "sonic-pi", clean=True)


def add_other_recordings(bank: Bank, debs: Path) -> None:
    """Add human recordings under GPL and CC-BY-SA: for `full` only."""
    games = "usr/share/games"
    for folder in sorted((debs / "ktuberling-data/usr/share/ktuberling/sounds").iterdir()):
        if folder.is_dir():
            recordings.speech(bank, folder, "*.[ow]*", f"ktub-{folder.name}", clean=False)
    for folder in sorted((debs / "klettres-data/usr/share/klettres").iterdir()):
        recordings.speech(bank, folder, "*.ogg", f"klet-{folder.name}", clean=False)
    for language in ("cs", "nl"):
        root = debs / f"fillets-ng-data-{language}"
        for mark, who in (("-m-", "m"), ("-v-", "v"), ("-x-", "x")):
            name = f"fillets-{language}-{who}"
            recordings.speech(bank, root, f"*{mark}*.ogg", name, clean=False)
    for package in ("asterisk-prompt-fr-armelle", "asterisk-prompt-es-co"):
        recordings.speech(bank, debs / package, "*.gsm", package, clean=False)
    wesnoth = debs / "wesnoth-1.16-data" / games / "wesnoth/1.16/data/core/sounds"
    for path in recordings.files(wesnoth, "*.ogg"):
        is_cry = re.search(r"(die|hit|groan|laugh|grunt|scream)", path.stem)
        kind = "nonverbal" if is_cry else "transient"
        bank.add(Clip(kind, "wesnoth", path.stem, read(path)[: 2 * RATE_HZ], bool(is_cry), False))
    recordings.beds(bank, wesnoth / "ambient", "*.ogg", "wesnoth", clean=False)
    colobot = debs / "colobot-common-sounds"
    recordings.sounds(bank, "transient", colobot, "*.wav", "colobot", clean=False)
    for pack in recordings.files(debs / "openarena-data", "*.pk3"):
        add_arena(bank, pack)
    for language in ("en", "es", "ru"):
        add_agent(bank, debs / f"asterisk-core-sounds-{language}-wav", f"asterisk-{language}")


def add_arena(bank: Bank, pack: Path) -> None:
    """Add the players' cries and the noises of OpenArena."""
    with zipfile.ZipFile(pack) as archive:
        for name in sorted(archive.namelist()):
            if not name.startswith("sound/") or not name.endswith((".wav", ".ogg")):
                continue
            is_cry = bool(re.search(r"player/(?!foot)", name))
            if is_cry or name.startswith(("sound/items", "sound/world", "sound/weapons")):
                pcm = read(BytesIO(archive.read(name)))[: 2 * RATE_HZ]
                kind = "nonverbal" if is_cry else "transient"
                bank.add(Clip(kind, "openarena", name, pcm, is_cry, False))


def add_agent(bank: Bank, root: Path, name: str) -> None:
    """Add the prompts of a telephone system as an agent."""
    for path in recordings.files(root, "*.wav"):
        if re.search(r"(silence|digits|letters|phonetic|beep|tone)", str(path)):
            continue
        pcm = read(path)
        if len(pcm) > RATE_HZ:
            bank.add(Clip("agent", name, path.stem, fade(pcm), True, False))


def build(split: str, cache: Path, *, seed: int = 1, jobs: int = 2) -> Bank:
    """Build the bank of `train`, `valid` or `full` from what `fetch` left in the cache."""
    bank = Bank()
    voices_of = "valid" if split == "valid" else "train"
    amount = 10 if split == "valid" else 30
    offset = 50 if split == "valid" else 0
    add_speech(bank, voices_of, cache, seed, jobs)
    add_clean_recordings(bank, voices_of, cache / "debs")
    add_throats(bank, seed + offset, amount)
    add_noises(bank, seed + offset, amount)
    if split == "full":
        add_other_recordings(bank, cache / "debs")
    add_babble(bank, seed + offset, voices_of)
    return bank
