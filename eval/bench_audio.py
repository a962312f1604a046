"""What the sound costs: a frame of a call, files, speakable text, and Piper's first sound.

    python eval/bench_audio.py [--no-piper] [--json]

Times are the best of several runs for what is repeated thousands of times in a call, the median
for what the caller waits for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from machine import machine

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.energy import active_level_dbfs, calculate_audio_energy, frame_energies
from sdr_lab.audio.filters import FilterChain
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.audio.resample import resample, to_mulaw
from sdr_lab.audio.wav import read_blocks
from sdr_lab.records import Sound
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.speakable import clean_markdown_for_tts, speakable, spoken_weight
from sdr_lab.tts.tone import Tone

WRITTEN = (
    "**Pro** is $49.99/mo (15% off until 12/01/2026); mail joe@example.com or call 415-555-0123."
)
PLAIN = "I completely understand that budget is tight right now, so let me ask one thing."
SENTENCES = [
    "Sure.",
    "Sorry, I didn't catch that.",
    "Does Tuesday at ten A M work for you?",
    "The starter plan is twenty-nine dollars per month, billed yearly.",
    "We integrate with Salesforce, HubSpot and forty other tools, and it takes less than an hour.",
    "That's a fair point, and most of our customers felt the same way before they tried it for a "
    "month and saw how many fewer people missed their appointments.",
]
HOUR_BYTES = 3600 * 8000


def best_us(action: Callable[[], object], number: int = 2000) -> float:
    """Time of one run in µs, the best of five."""
    return min(timeit.repeat(action, number=number, repeat=5)) / number * 1e6


def bench_frames() -> dict[str, float]:
    """What 20 ms of a caller cost, in µs."""
    rng = np.random.default_rng(1)
    pcm = rng.normal(0, 2000, 160).astype(np.int16)
    frame = pcm_to_mulaw(pcm)
    gate = FilterChain(["highpass_gate"])
    with tempfile.TemporaryDirectory() as folder:
        wav = MulawWavWriter(Path(folder) / "audio.wav")
        return {
            "energy of a frame, µs": best_us(lambda: calculate_audio_energy(frame)),
            "decode a frame, µs": best_us(lambda: mulaw_to_pcm(frame)),
            "encode a frame, µs": best_us(lambda: pcm_to_mulaw(pcm)),
            "no filter, µs": best_us(lambda: FilterChain().process_mulaw(frame)),
            "highpass_gate with codec, µs": best_us(lambda: gate.process_mulaw(frame)),
            "record a stereo frame, flushes included, µs": best_us(lambda: wav.write(frame, frame)),
        }


def bench_files() -> dict[str, float]:
    """What hours of audio cost, in ms."""
    rng = np.random.default_rng(2)
    hour = rng.integers(0, 256, HOUR_BYTES, np.uint8).tobytes()
    second = Sound(rng.normal(0, 2000, 22050).astype(np.int16), 22050)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.ulaw"
        path.write_bytes(hour)
        return {
            "energies of 1 h of frames, ms": best_us(lambda: frame_energies(hour), 1) / 1000,
            "read 1 h of µ-law, ms": best_us(lambda: sum(map(len, read_blocks(path))), 1) / 1000,
            "22.05 → 8 kHz µ-law, ms per s of speech": best_us(lambda: to_mulaw(second), 20) / 1000,
        }


def bench_text() -> dict[str, float]:
    """What a sentence costs, in µs."""

    def weigh() -> None:
        spoken_weight.cache_clear()
        for word in PLAIN.split():
            spoken_weight(word)

    return {
        "clean_markdown_for_tts, µs": best_us(lambda: clean_markdown_for_tts(WRITTEN), 300),
        "speakable, much to spell out, µs": best_us(lambda: speakable(WRITTEN), 300),
        "speakable, plain sentence, µs": best_us(lambda: speakable(PLAIN), 300),
        "spoken_weight of a sentence's words, first time, µs": best_us(weigh, 50),
    }


async def bench_cache() -> dict[str, float]:
    """How soon a cached line sounds, in ms."""

    async def first_sound_ms(voice: CachedVoice) -> float:
        start = time.perf_counter()
        async for _ in voice.speak(PLAIN):
            break
        return (time.perf_counter() - start) * 1000

    with tempfile.TemporaryDirectory() as folder:
        voice = CachedVoice(Tone(), Path(folder))
        await voice.prepare([PLAIN])
        from_memory = [await first_sound_ms(voice) for _ in range(50)]
        from_disk = [await first_sound_ms(CachedVoice(Tone(), Path(folder))) for _ in range(50)]
    return {
        "cached line from memory, ms": median(from_memory),
        "cached line from disk, ms": median(from_disk),
    }


async def bench_piper() -> dict[str, float]:
    """How soon Piper's first sound is there, in ms, and how loud it is."""
    from sdr_lab.tts.piper import Piper

    voice = Piper(deterministic=True)
    start = time.perf_counter()
    await voice.warm_up()
    figures = {"Piper: import, load, first word, ms": (time.perf_counter() - start) * 1000}
    levels: list[float] = []
    for sentence in SENTENCES:
        waits: list[float] = []
        spoken_ms = 0.0
        for _ in range(5):
            start = time.perf_counter()
            sounds = [sound async for sound in voice.speak(sentence)]
            waits.append((time.perf_counter() - start) * 1000)
            spoken_ms = sum(sound.duration_ms for sound in sounds)
            levels.append(active_level_dbfs(resample(sounds[0], 8000).pcm, 8000))
        name = f"Piper: {len(sentence)} characters, {spoken_ms / 1000:.1f} s of speech, ms"
        figures[name] = median(waits)
    voice.close()
    figures["Piper: active level on the phone, dBFS"] = float(np.mean(levels))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--no-piper", action="store_true", help="leave the voice out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = bench_frames() | bench_files() | bench_text() | asyncio.run(bench_cache())
    if not options.no_piper:
        figures |= asyncio.run(bench_piper())
    if options.json:
        json.dump({"machine": machine(), "figures": figures}, sys.stdout, indent=1)
        return
    print(machine())
    for name, value in figures.items():
        print(f"{value:10.2f}  {name}")


if __name__ == "__main__":
    main()
