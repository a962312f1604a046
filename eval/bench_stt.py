"""How well and how fast Whisper hears.

    python eval/bench_stt.py [--noise-db N] [--few] [--neighbours]

- 44 sentences of sales calls in the voices that this machine has (Piper's packaged one, flite's
  slt and rms, espeak-ng), 8 kHz µ-law, 400 ms of pre-roll and 160 ms of pause around them: share
  of wrong words and time of a decode, for `WhisperModel.transcribe` (greedy, as faster-whisper
  is usually called) and for ours; on demand for neighbours of our defaults;
- time of a decode by the length of the utterance, and of two decodes at once;
- sounds without words that were taken for words.

The utterances of the methods are interleaved, so that other work on the machine meets all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from machine import machine

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.resample import PHONE_HZ, resample, to_mulaw
from sdr_lab.audio.wav import read_sound
from sdr_lab.records import Sound
from sdr_lab.stt.whisper import RATE_HZ, Decoding, Whisper, weights
from sdr_lab.tts.numerals import cardinal
from sdr_lab.tts.piper import Piper

LEVEL_RMS = 3000
LINE_NOISE_RMS = 12
REPEATS = 15
LENGTHS_S = (0.5, 2, 6, 12, 20)
SENTENCES = """Hello, who is this?|Yes, this is Karen speaking.|How much does it cost per month?
What would the price be for a team of twelve people?|Do you offer a discount for a whole year?
That sounds a little expensive for us.|We already use another tool for that.|No.|Yes, please.
Does it work with Salesforce?|Can I connect it to our Outlook calendar?|Okay, go ahead.|Goodbye.
I would like to book a demo for Thursday at three in the afternoon.|Is there a free trial?
Tuesday morning at ten works better for me.|How long does it take to set up?
Who else in our industry is using it?|I'm not interested, thank you.|You have the wrong number.
Please take me off your list.|Can you call me back next week?|I need to talk to my manager first.
Could you send me some information by email?|My email address is karen at example dot com.
What happens to our data if we cancel?|Is our data stored in Europe or in the United States?
Do you support single sign on?|We have about two hundred employees.|Sure, that would be great.
Our budget for this year is already spent.|What makes you different from your competitors?
Sorry, could you repeat that?|I am in a meeting right now.|Can I speak to a real person?
How did you get my number?|We had a bad experience with a similar product last year.
Let me check my calendar. Wednesday at two thirty is fine.|What does the enterprise plan include?
Is there a setup fee or a minimum contract length?|And what if we need more users later?
Do you have customer support on weekends?|Can we export our reports as a spreadsheet?
Stop. I only want to know the price.""".replace("\n", "|").split("|")

Recognise = Callable[[bytes], str]


@dataclass
class Tally:
    """What one method did."""

    wrong: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    words: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    times_ms: list[float] = field(default_factory=list)

    def add(self, voice: str, said: str, recognise: Recognise, mulaw: bytes) -> None:
        begun = time.perf_counter()
        heard = recognise(mulaw)
        self.times_ms.append(1000 * (time.perf_counter() - begun))
        self.wrong[voice] += distance(words_of(said), words_of(heard))
        self.words[voice] += len(words_of(said))

    def line(self, name: str) -> str:
        rate = sum(self.wrong.values()) / sum(self.words.values())
        voices = " ".join(f"{v} {self.wrong[v] / self.words[v]:6.1%}" for v in self.words)
        median, p95 = np.percentile(self.times_ms, [50, 95])
        return f"{name:32s} {rate:6.1%}  ({voices})  {median:5.0f} ms, p95 {p95:5.0f} ms"


def words_of(text: str) -> list[str]:
    """Return the words as they sound, so that "2:30" equals "two thirty"."""
    text = text.lower().replace("@", " at ").replace(".com", " dot com").replace("e-mail", "email")
    text = re.sub(r"\d+", lambda number: f" {cardinal(int(number[0]))} ", text)
    text = re.sub(r"\bokay\b", "ok", text.replace("set-up", "setup"))
    return re.sub(r"[^a-z' ]", " ", text).replace(" and hundred", " hundred").split()


def distance(said: list[str], heard: list[str]) -> int:
    """Count the words to change, add or remove."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            best = min(row[j] + 1, row[j - 1] + 1, corner + (word != other))
            corner, row[j] = row[j], best
    return row[-1]


def spoken(*command: str) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run([arg.replace("OUT", str(path)) for arg in command], check=True)
        return read_sound(path)


def voices() -> dict[str, Callable[[str], Sound]]:
    """Return the voices that this machine has."""
    piper = Piper(deterministic=True)

    async def speak(text: str) -> Sound:
        parts = [sound async for sound in piper.speak(text)]
        return Sound(np.concatenate([part.pcm for part in parts]), parts[0].rate_hz)

    found: dict[str, Callable[[str], Sound]] = {"piper": lambda text: asyncio.run(speak(text))}
    if shutil.which("flite"):
        for name in ("slt", "rms"):
            found[name] = lambda text, name=name: spoken(
                "flite", "-voice", name, "-t", text, "-o", "OUT"
            )
    if shutil.which("espeak-ng"):
        found["espeak"] = lambda text: spoken("espeak-ng", "-v", "en-us", "-w", "OUT", text)
    return found


def on_the_phone(sound: Sound, noise_rms: float, rng: np.random.Generator) -> bytes:
    """Return an utterance as the adapter hands it over."""
    pcm = resample(sound, PHONE_HZ).pcm.astype(np.float64)
    voiced = np.nonzero(np.abs(pcm) > 300)[0]
    pcm = pcm[voiced[0] : voiced[-1] + 1]
    pcm = np.pad(pcm * LEVEL_RMS / np.sqrt(np.mean(pcm**2)), (400 * 8, 160 * 8))
    return noisy(pcm, noise_rms, rng)


def noisy(pcm: np.ndarray, noise_rms: float, rng: np.random.Generator) -> bytes:
    return to_mulaw(
        Sound(
            np.clip(pcm + rng.normal(0, noise_rms, len(pcm)), -32000, 32000).astype(np.int16),
            PHONE_HZ,
        )
    )


def standard() -> Recognise:
    """Return faster-whisper as it is usually called, greedy."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(weights()), device="cpu", compute_type="int8", cpu_threads=2)

    def recognise(mulaw: bytes) -> str:
        sound = resample(Sound(mulaw_to_pcm(mulaw), PHONE_HZ), RATE_HZ)
        segments, _ = model.transcribe(
            sound.pcm.astype(np.float32) / 32768,
            language="en",
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)

    return recognise


def ours(threads: int = 2, decoding: Decoding | None = None) -> Recognise:
    whisper = Whisper(threads=threads, decoding=decoding)
    whisper.load()
    return lambda mulaw: whisper.decode(mulaw).text


def neighbours() -> dict[str, Recognise]:
    """Return our method with one thing changed."""
    return {
        "ours, greedy": ours(decoding=Decoding(beam=1)),
        "ours, window 8 s": ours(decoding=Decoding(window=800)),
        "ours, window 10 s": ours(decoding=Decoding(window=1000)),
        "ours, window 15 s": ours(decoding=Decoding(window=1500)),
        "ours, window 30 s": ours(decoding=Decoding(window=3000)),
        "ours, int8_float32": ours(decoding=Decoding(compute_type="int8_float32")),
        "ours, float32": ours(decoding=Decoding(compute_type="float32")),
    }


def compare(methods: dict[str, Recognise], noise_rms: float, few: bool) -> list[bytes]:
    """Print a line for each method; return the utterances."""
    rng = np.random.default_rng(0)
    tallies = {name: Tally() for name in methods}
    utterances = []
    for voice, speak in voices().items():
        for said in SENTENCES[:: 4 if few else 1]:
            mulaw = on_the_phone(speak(said), noise_rms, rng)
            utterances.append(mulaw)
            for name, recognise in methods.items():
                tallies[name].add(voice, said, recognise, mulaw)
    lasts = np.median([len(mulaw) / 8000 for mulaw in utterances])
    print(f"\n{len(utterances)} utterances, median {lasts:.1f} s: wrong words, time of a decode")
    for name, tally in tallies.items():
        print(tally.line(name))
    return utterances


def times_by_length(methods: dict[str, Recognise], utterances: list[bytes]) -> None:
    """Print the median time of a decode for utterances of several lengths."""
    speech = b"".join(mulaw[400 * 8 :] for mulaw in utterances)
    print("\nutterance   " + "".join(f"{name:>28s}" for name in methods))
    for length_s in LENGTHS_S:
        size = int(length_s * 8000)
        times: dict[str, list[float]] = {name: [] for name in methods}
        for number in range(REPEATS):
            piece = speech[number * size % (len(speech) - size) :][:size]
            for name, recognise in methods.items():
                begun = time.perf_counter()
                recognise(piece)
                times[name].append(1000 * (time.perf_counter() - begun))
        columns = "".join(f"{np.median(times[name]):25.0f} ms" for name in methods)
        print(f"{length_s:7.1f} s   {columns}")


def wordless() -> dict[str, np.ndarray]:
    """Return sounds that hold no words, 8 kHz."""
    rng = np.random.default_rng(1)
    sounds = {}
    for length_s in (0.4, 0.8, 1.5, 3.0, 6.0):
        t = np.arange(int(PHONE_HZ * length_s)) / PHONE_HZ
        hiss = rng.normal(0, 1, len(t))
        knock = np.exp(-np.maximum(t - length_s / 2, 0) * 60) * (t > length_s / 2)
        breath = np.exp(-(((t - length_s / 2) / (length_s / 6)) ** 2))
        sounds |= {
            f"silence {length_s} s": 0 * t,
            **{f"hiss at {rms}, {length_s} s": rms * hiss for rms in (30, 150, 600, 2500)},
            f"hum {length_s} s": 1500 * np.sin(2 * np.pi * 120 * t),
            f"knock {length_s} s": 15 * hiss + 6000 * knock * hiss,
            f"breath {length_s} s": 15 * hiss + 1500 * breath * hiss,
            f"beeps {length_s} s": 4000 * np.sin(2 * np.pi * 440 * t) * (t % 1 < 0.5),
        }
    return sounds


def invented(methods: dict[str, Recognise]) -> None:
    """Print how often a sound without words was taken for words."""
    sounds = wordless()
    print(f"\nwords heard in {len(sounds)} sounds without any")
    for name, recognise in methods.items():
        texts = {}
        for label, pcm in sounds.items():
            text = recognise(pcm_to_mulaw(np.clip(pcm, -32000, 32000).astype(np.int16)))
            if text:
                texts[label] = text
        print(f"{name:32s} {len(texts)}  {'; '.join(f'{k}: {v}' for k, v in texts.items())[:150]}")


async def both_at_once(utterances: list[bytes]) -> None:
    """Print the time of two decodes that begin together, as two calls make them."""
    whisper = Whisper()
    times = []
    for mulaw in utterances[:REPEATS]:
        begun = time.perf_counter()
        await asyncio.gather(whisper.recognise(mulaw), whisper.recognise(mulaw))
        times.append(1000 * (time.perf_counter() - begun))
    print(f"\ntwo decodes at once: both done after {np.median(times):.0f} ms (median)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--noise-db", type=float, help="signal-to-noise ratio; none: a clean line")
    parser.add_argument("--few", action="store_true", help="every fourth sentence")
    parser.add_argument("--neighbours", action="store_true", help="other windows and types too")
    args = parser.parse_args()
    clean = args.noise_db is None
    noise_rms = LINE_NOISE_RMS if clean else LEVEL_RMS / 10 ** (args.noise_db / 20)
    chosen = {"faster-whisper, greedy": standard(), "ours": ours()}
    print(machine())
    one_thread = {"ours, 1 thread": ours(threads=1)}
    methods = chosen | one_thread | (neighbours() if args.neighbours else {})
    utterances = compare(methods, noise_rms, args.few)
    times_by_length(chosen | one_thread, utterances)
    invented(chosen)
    asyncio.run(both_at_once(utterances))


if __name__ == "__main__":
    main()
