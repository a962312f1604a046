"""A cache in front of a voice, for lines that recur: greetings, apologies, fillers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from pathlib import Path

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.resample import PHONE_HZ, to_mulaw
from sdr_lab.records import Sound
from sdr_lab.tts.base import Voice

LONGEST_KEPT = 160
"""Characters. What recurs is short, and a long answer costs more room than it saves time."""

_MEMORY_BYTES = 8_000_000
"""Quarter of an hour of speech."""

_TEMPORARY = ".part"
_EVICT_TO = 0.9


def is_short(sentence: str) -> bool:
    """The rule for what is kept, unless another is given."""
    return len(sentence) <= LONGEST_KEPT


class CachedVoice:
    """Answers from memory or disk what was spoken before; asks the voice for everything else.

    Sounds are kept as they go to the phone, 8 kHz µ-law, in files named by a hash of provider,
    voice, settings and text. Only whole sentences are kept: one that was cut off by the caller
    is not. When the directory is full (`max_mb`), what was used longest ago goes; when it can't
    be written, the cache lives in memory alone. Several processes may share a directory.
    """

    def __init__(
        self,
        voice: Voice,
        directory: Path,
        max_mb: float = 50,
        keep: Callable[[str], bool] = is_short,
    ) -> None:
        """Put a cache in front of `voice`. Nothing is read, made or loaded yet.

        Args:
            voice: Its `fingerprint`, if it has one, tells settings apart.
            directory: Made when the first sentence is kept.
            max_mb: Size of the directory; 1 MB holds two minutes of speech.
            keep: Which sentences are kept.
        """
        self.name = voice.name
        self.voice = voice
        self.directory = directory
        self.max_bytes = int(max_mb * 1_000_000)
        self.problem: str | None = None
        """Why nothing is kept on disk, if that is so."""
        self._keep = keep
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._disk_bytes: int | None = None

    @property
    def fingerprint(self) -> str:
        """What the sound of a sentence depends on: that of the voice behind."""
        return str(getattr(self.voice, "fingerprint", ""))

    def is_cached(self, sentence: str, voice: str = "") -> bool:
        """True if `speak` would answer at once (a file look-up; the voice is not asked)."""
        key = self._key(sentence, voice)
        return key in self._memory or self._path(key).is_file()

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        """Yield the sound of a sentence, in one piece if it is cached.

        Raises:
            ProviderError: the voice failed. What it said until then is not kept.
        """
        key = self._key(sentence, voice)
        if mulaw := await self._look_up(key):
            yield Sound(mulaw_to_pcm(mulaw), PHONE_HZ)
            return
        pieces: list[Sound] = []
        async with contextlib.aclosing(_closable(self.voice.speak(sentence, voice))) as sounds:
            async for sound in sounds:
                pieces.append(sound)
                yield sound
        # Only reached when the listener took every piece
        if pieces and self._keep(sentence):
            await asyncio.to_thread(self._store, key, pieces)

    async def prepare(self, sentences: Iterable[str], voice: str = "") -> int:
        """Speak into the cache what is not in it yet; return how many sentences that were.

        Raises:
            ProviderError: the voice failed.
        """
        missing = [text for text in sentences if text and not self.is_cached(text, voice)]
        for sentence in missing:
            async for _ in self.speak(sentence, voice):
                continue
        return len(missing)

    async def warm_up(self, voice: str = "") -> None:
        """Load what the voice needs for its first sentence, if it has something to load."""
        warm_up = getattr(self.voice, "warm_up", None)
        if warm_up is not None:
            await warm_up(voice)

    def _key(self, sentence: str, voice: str) -> str:
        parts = [self.name, self.fingerprint, voice, sentence]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.ulaw"

    async def _look_up(self, key: str) -> bytes | None:
        if key in self._memory:
            self._memory.move_to_end(key)
            return self._memory[key]
        mulaw = await asyncio.to_thread(self._read, key)
        if mulaw:
            self._remember(key, mulaw)
        return mulaw

    def _read(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            mulaw = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):  # a read-only directory serves all the same
            os.utime(path)
        return mulaw or None

    def _remember(self, key: str, mulaw: bytes) -> None:
        self._memory_bytes += len(mulaw) - len(self._memory.pop(key, b""))
        self._memory[key] = mulaw
        while self._memory_bytes > _MEMORY_BYTES and len(self._memory) > 1:
            self._memory_bytes -= len(self._memory.popitem(last=False)[1])

    def _store(self, key: str, pieces: list[Sound]) -> None:
        mulaw = b"".join(map(to_mulaw, pieces))
        self._remember(key, mulaw)
        if self.problem or len(mulaw) > self.max_bytes:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._write(key, mulaw)
            self._evict(len(mulaw))
        except OSError as error:
            self.problem = f"{self.directory}: {error.strerror}; speech is cached in memory only"

    def _write(self, key: str, mulaw: bytes) -> None:
        handle, name = tempfile.mkstemp(suffix=_TEMPORARY, dir=self.directory)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(mulaw)
            os.replace(name, self._path(key))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _evict(self, added: int) -> None:
        if self._disk_bytes is not None:
            self._disk_bytes += added
            if self._disk_bytes <= self.max_bytes:
                return
        files = sorted((stat.st_mtime_ns, stat.st_size, path) for path, stat in self._files())
        self._disk_bytes = sum(size for _, size, _ in files)
        if self._disk_bytes <= self.max_bytes:
            return
        for _, size, path in files[:-1]:
            path.unlink(missing_ok=True)
            self._disk_bytes -= size
            if self._disk_bytes <= self.max_bytes * _EVICT_TO:
                return

    def _files(self) -> Iterable[tuple[Path, os.stat_result]]:
        for path in self.directory.glob("*.ulaw"):
            with contextlib.suppress(FileNotFoundError):  # another process evicts as well
                yield path, path.stat()


async def _closable(sounds: AsyncIterator[Sound]) -> AsyncGenerator[Sound, None]:
    """Closing this closes the voice's generator at once, not when it is collected."""
    try:
        async for sound in sounds:
            yield sound
    finally:
        close = getattr(sounds, "aclose", None)
        if close is not None:
            await close()
