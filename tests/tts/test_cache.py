import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.resample import to_mulaw
from sdr_lab.errors import ProviderError
from sdr_lab.records import Sound
from sdr_lab.tts.base import Voice
from sdr_lab.tts.cache import LONGEST_KEPT, CachedVoice
from sdr_lab.tts.tone import Tone

GREETING = "Hello, this is Joe."


@dataclass
class Counting:
    """Tones, and a note of what was asked for."""

    tone: Tone = field(default_factory=Tone)
    name: str = "counting"
    fingerprint: str = "1"
    asked: list[tuple[str, str]] = field(default_factory=list)
    closed: int = 0
    fails_after: int | None = None
    warmed: list[str] = field(default_factory=list)

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        self.asked.append((sentence, voice))
        given = 0
        try:
            async with aclosing(self.tone.speak(sentence)) as sounds:  # type: ignore[type-var]
                async for sound in sounds:
                    if given == self.fails_after:
                        raise ProviderError(self.name, "broke off")
                    given += 1
                    yield sound
        finally:
            self.closed += 1

    async def warm_up(self, voice: str = "") -> None:
        self.warmed.append(voice)


async def spoken(voice: Voice, sentence: str = GREETING, name: str = "") -> bytes:
    return b"".join([to_mulaw(sound) async for sound in voice.speak(sentence, name)])


@pytest.fixture
def source() -> Counting:
    return Counting()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tts_cache"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


async def test_a_line_that_recurs_is_spoken_once(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)

    first, second = await spoken(voice), await spoken(voice)

    assert source.asked == [(GREETING, "")]
    assert first == second == await spoken(Tone())


async def test_a_new_process_finds_it_on_disk(source: Counting, folder: Path):
    first = await spoken(CachedVoice(source, folder))
    later = CachedVoice(source, folder)

    assert later.is_cached(GREETING)
    assert await spoken(later) == first
    assert len(source.asked) == 1


async def test_is_cached(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)

    assert not voice.is_cached(GREETING)
    assert files(folder) == []
    await spoken(voice)

    assert voice.is_cached(GREETING)
    assert not voice.is_cached(GREETING, "other")
    assert not voice.is_cached("Hello.")
    assert source.asked == [(GREETING, "")]


async def test_voice_settings_and_provider_are_told_apart(source: Counting, folder: Path):
    await spoken(CachedVoice(source, folder))
    for other in (Counting(fingerprint="2"), Counting(name="other")):
        assert not CachedVoice(other, folder).is_cached(GREETING)
    await spoken(CachedVoice(source, folder), GREETING, "lee")

    assert source.asked == [(GREETING, ""), (GREETING, "lee")]
    assert len(files(folder)) == 2


async def test_a_cached_line_comes_in_one_piece_at_8_khz(folder: Path):
    voice = CachedVoice(Tone(rate_hz=22050), folder)
    pieces = [sound async for sound in voice.speak(GREETING)]
    again = [sound async for sound in voice.speak(GREETING)]

    assert len(pieces) == 4
    assert {sound.rate_hz for sound in pieces} == {22050}
    assert len(again) == 1
    assert again[0].rate_hz == 8000
    # sum of pieces, each rounded to a whole sample
    assert again[0].duration_ms == pytest.approx(sum(p.duration_ms for p in pieces), abs=0.5)


async def test_what_was_cut_off_is_not_kept(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)
    async with aclosing(voice.speak(GREETING)) as sounds:  # type: ignore[type-var]
        async for _ in sounds:
            break

    assert source.closed == 1  # at once, not when it is collected
    assert not voice.is_cached(GREETING)
    assert files(folder) == []


async def test_what_failed_half_way_is_not_kept(folder: Path):
    source = Counting(fails_after=2)
    voice = CachedVoice(source, folder)

    with pytest.raises(ProviderError, match="broke off"):
        await spoken(voice)

    assert not voice.is_cached(GREETING)
    assert files(folder) == []


async def test_nothing_is_not_kept(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)

    assert await spoken(voice, "...") == b""
    assert files(folder) == []


async def test_long_answers_are_not_kept(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)
    long = "word " * (LONGEST_KEPT // 5 + 1)
    await spoken(voice, long)

    assert not voice.is_cached(long)


async def test_another_rule_for_what_is_kept(source: Counting, folder: Path):
    voice = CachedVoice(source, folder, keep=lambda sentence: sentence == "Sorry?")
    await spoken(voice, "Sorry?")
    await spoken(voice, GREETING)

    assert voice.is_cached("Sorry?")
    assert not voice.is_cached(GREETING)


async def test_what_was_used_longest_ago_goes_first(source: Counting, folder: Path):
    lines = ["The first.", "The second.", "The third.", "The fourth."]
    total = sum([len(await spoken(source, line)) for line in lines])
    voice = CachedVoice(source, folder, max_mb=(total - 1) / 1e6)
    for at, line in enumerate(lines[:3]):
        await spoken(voice, line)
        age(folder, at)
    await spoken(CachedVoice(source, folder), lines[0])  # a look-up makes it young again

    await spoken(voice, lines[3])

    fresh = CachedVoice(source, folder)
    kept = [line for line in lines if fresh.is_cached(line)]
    assert kept == [lines[0], lines[2], lines[3]]


def age(folder: Path, seconds: int) -> None:
    """Give the newest file an old date; later calls give later dates."""
    newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.utime(newest, (1_000_000 + seconds, 1_000_000 + seconds))


async def test_a_line_larger_than_the_cache_stays_in_memory(source: Counting, folder: Path):
    voice = CachedVoice(source, folder, max_mb=0.001)
    await spoken(voice)

    assert voice.is_cached(GREETING)
    assert files(folder) == []


class FullDisk(CachedVoice):
    """A cache on a disk where nothing can be written."""

    def _write(self, key: str, mulaw: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_full_disk_leaves_the_memory(source: Counting, folder: Path):
    voice = FullDisk(source, folder)

    assert await spoken(voice) == await spoken(voice)

    assert len(source.asked) == 1
    assert voice.problem == f"{folder}: No space left on device; speech is cached in memory only"


async def test_a_place_that_can_not_be_made_leaves_the_memory(source: Counting, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    voice = CachedVoice(source, tmp_path / "file" / "tts_cache")

    assert await spoken(voice) == await spoken(voice)
    assert len(source.asked) == 1
    assert voice.problem is not None
    assert "memory only" in voice.problem


async def test_an_empty_file_counts_as_nothing(source: Counting, folder: Path):
    await spoken(CachedVoice(source, folder))
    only_file(folder).write_bytes(b"")

    assert len(await spoken(CachedVoice(source, folder))) > 1000
    assert len(source.asked) == 2


async def test_no_temporary_files_are_left(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)
    for number in range(5):
        await spoken(voice, f"Line {number}.")

    assert all(name.endswith(".ulaw") for name in files(folder))
    assert len(files(folder)) == 5


async def test_prepare_speaks_what_is_missing(source: Counting, folder: Path):
    voice = CachedVoice(source, folder)
    await spoken(voice)

    assert await voice.prepare([GREETING, "Sorry?", ""], "") == 1
    assert await voice.prepare([GREETING, "Sorry?"], "") == 0
    assert [text for text, _ in source.asked] == [GREETING, "Sorry?"]


async def test_warm_up_reaches_the_voice_if_it_has_one(source: Counting, folder: Path):
    await CachedVoice(source, folder).warm_up("lee")
    await CachedVoice(Tone(), folder).warm_up()

    assert source.warmed == ["lee"]


async def test_files_can_be_played_as_they_are(folder: Path):
    await spoken(CachedVoice(Tone(), folder))

    pcm = mulaw_to_pcm(only_file(folder).read_bytes())
    direct = [sound.pcm async for sound in Tone().speak(GREETING)]
    assert np.abs(pcm.astype(int) - np.concatenate(direct)).max() <= 132  # half a step


HIT = """
import asyncio, sys
from pathlib import Path
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.tone import Tone

async def main():
    voice = CachedVoice(Tone(), Path(sys.argv[1]))
    assert voice.is_cached("Hello, this is Joe.")
    async for sound in voice.speak("Hello, this is Joe."):
        print(len(sound.pcm))

asyncio.run(main())
heavy = {"piper", "onnxruntime", "torch", "scipy.signal", "soundfile"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_hit_loads_no_model(folder: Path):
    length = len(asyncio.run(spoken(CachedVoice(Tone(), folder))))

    result = subprocess.run(
        [sys.executable, "-c", HIT, str(folder)], capture_output=True, text=True, check=False
    )

    assert (result.stdout, result.stderr) == (f"{length}\n", "")
