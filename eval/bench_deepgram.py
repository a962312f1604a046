"""What a second of speech by Deepgram costs here, and what the two encodings differ in.

    python eval/bench_deepgram.py [--repeats N]

The real SDK talks to the loopback double, which runs in a process of its own, so that the figures
are those of this side alone: no network, no synthesis (the sentences are spoken beforehand).

- text to speech: `linear16` at 16 kHz, resampled here, against `mulaw` at 8 kHz, taken as it is:
  time from the sentence to the first µ-law for the phone, CPU and bytes per second of speech; for a
  service that sends at once and for one that sends in real time;
- the sound itself: level and spectrum of what the phone gets by either way;
- speech to text: CPU per second of audio by the length of a message.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import numpy as np
from machine import machine

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.resample import PHONE_HZ, StreamResampler, resample
from sdr_lab.errors import MissingPackage
from sdr_lab.records import FRAME_BYTES, FRAME_MS, Sound
from sdr_lab.simulate.caller import speech_like
from sdr_lab.simulate.deepgram_server import DeepgramServer, serving
from sdr_lab.stt import deepgram_stream
from sdr_lab.stt.base import Heard
from sdr_lab.stt.deepgram import Deepgram
from sdr_lab.stt.deepgram_client import Account
from sdr_lab.tts.base import Voice
from sdr_lab.tts.deepgram import AuraSettings, DeepgramVoice
from sdr_lab.tts.piper import Piper
from sdr_lab.tts.tone import Tone

Encoding = Literal["linear16", "mulaw"]
ENCODINGS: tuple[Encoding, ...] = ("linear16", "mulaw")
CHUNK_MS = 40
"""Audio in a message of the double."""
LISTEN_S = 60
BANDS_HZ = ((100, 500), (500, 1000), (1000, 2000), (2000, 3000), (3000, 3400), (3400, 4000))
TEXTS = (
    "Thanks for calling Maplewood, this is Joe.",
    "It costs forty nine dollars a month, and that includes support for the whole team.",
    "Would Thursday at three in the afternoon work for you?",
    "I will send the details to your email address right after the call.",
)


class Prepared:
    """Says sentences that were spoken before."""

    name = "prepared"

    def __init__(self, sounds: dict[str, Sound]) -> None:
        self._sounds = sounds

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        yield self._sounds[sentence]


async def spoken(voice: Voice, text: str) -> Sound:
    parts = [sound async for sound in voice.speak(text)]
    return Sound(np.concatenate([part.pcm for part in parts]), parts[0].rate_hz)


def prepare() -> dict[str, Sound]:
    """Speak the sentences with a real voice if there is one, at 16 kHz."""
    try:
        voice: Voice = Piper(deterministic=True)
    except MissingPackage:
        voice = Tone(rate_hz=16_000)
    print(f"sentences by {voice.name}")
    return {text: resample(asyncio.run(spoken(voice, text)), 16_000) for text in TEXTS}


def serve(sounds: dict[str, Sound], chunk_bytes: int, chunk_s: float, told: Connection) -> None:
    """The double's process: tells its address and serves until it is told to end."""

    async def run() -> None:
        voice = Prepared(sounds)
        server = DeepgramServer(voice=voice, chunk_bytes=chunk_bytes, chunk_s=chunk_s)
        async with serving(server):
            told.send(server.url)
            await asyncio.to_thread(told.recv)

    asyncio.run(run())


@contextmanager
def service(sounds: dict[str, Sound], encoding: Encoding, is_real_time: bool):
    """Run the double in a process of its own; yield its address."""
    per_ms = 32 if encoding == "linear16" else 8
    ours, theirs = multiprocessing.Pipe()
    pace_s = CHUNK_MS / 1000 if is_real_time else 0.0
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(sounds, CHUNK_MS * per_ms, pace_s, theirs)
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


@dataclass
class Cost:
    """What some sentences cost."""

    first_ms: list[float]
    cpu_ms: float
    audio_s: float
    bytes: int
    phone: dict[str, bytes]
    """µ-law by text."""

    def line(self, name: str) -> str:
        median, p95 = np.percentile(self.first_ms, [50, 95])
        cpu = self.cpu_ms / self.audio_s
        kbytes = self.bytes / self.audio_s / 1000
        return f"{name:22s} {median:8.1f} {p95:8.1f} {cpu:14.2f} {kbytes:12.1f}"


async def speak_all(url: str, encoding: Encoding, repeats: int) -> Cost:
    """Speak the sentences as a call does: to µ-law, resampled on the way if need be."""
    voice = DeepgramVoice("loopback-key", url, AuraSettings(encoding=encoding))
    await voice.warm_up()
    cost = Cost([], 0.0, 0.0, 0, {})
    for _ in range(repeats):
        for text in TEXTS:
            if len(cost.first_ms) % 16 == 15:  # below the limit of flushes: a new socket
                await voice.close()
                await voice.warm_up()
            begun_s, cpu_s = time.perf_counter(), time.process_time()
            phone, first_s = b"", 0.0
            resampler = StreamResampler(voice.settings.rate_hz, PHONE_HZ)
            async for sound in voice.speak(text):
                cost.bytes += len(sound.pcm) * (2 if encoding == "linear16" else 1)
                phone += pcm_to_mulaw(resampler.push(sound.pcm))
                first_s = first_s or (time.perf_counter() if phone else 0.0)
            phone += pcm_to_mulaw(resampler.push(np.zeros(0, np.int16), last=True))
            cost.first_ms.append(1000 * (first_s - begun_s))
            cost.cpu_ms += 1000 * (time.process_time() - cpu_s)
            cost.audio_s += len(phone) / PHONE_HZ
            cost.phone[text] = phone
    await voice.close()
    return cost


def compare(linear: dict[str, bytes], direct: dict[str, bytes]) -> None:
    """Print how the sounds of the two ways differ."""
    a, b = (
        np.concatenate([mulaw_to_pcm(way[text]).astype(float) for text in TEXTS])
        for way in (linear, direct)
    )
    n = min(len(a), len(b))
    same = np.mean(a[:n] == b[:n])
    noise = 10 * np.log10(np.mean(b[:n] ** 2) / max(np.mean((a[:n] - b[:n]) ** 2), 1e-9))
    print("\nlinear16, resampled here, against mulaw as it came (both resampled by soxr HQ,")
    print("in pieces here and whole at the double)")
    print(f"  length {len(a) - len(b):+d} samples, level {level_db(a) - level_db(b):+.2f} dB")
    print(f"  equal samples {same:.1%}, difference {noise:.1f} dB below the speech")
    for low, high in BANDS_HZ:
        difference = band_db(a, low, high) - band_db(b, low, high)
        print(f"  {low:4d}..{high:4d} Hz {difference:+.2f} dB")


def level_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768))


def band_db(samples: np.ndarray, low_hz: int, high_hz: int) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / PHONE_HZ)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum()))


async def listen(url: str, frames_per_message: int) -> float:
    """Return the CPU time in ms of a second of audio on its way to Deepgram.

    0 frames per message: of the audio alone, which goes nowhere.
    """
    deepgram_stream.FRAMES_PER_MESSAGE = frames_per_message
    sound = speech_like(LISTEN_S)

    async def audio() -> AsyncIterator[Heard]:
        for at in range(0, len(sound), FRAME_BYTES):
            await asyncio.sleep(0.001)
            yield Heard(at // FRAME_BYTES * FRAME_MS, sound[at : at + FRAME_BYTES])

    cpu_s = time.process_time()
    if frames_per_message:
        async for _ in Deepgram(Account("loopback-key", url)).transcribe(audio()):
            continue
    else:
        async for _ in audio():
            continue
    return 1000 * (time.process_time() - cpu_s) / LISTEN_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=10, help="times each sentence is spoken")
    repeats = parser.parse_args().repeats
    print(machine())
    sounds = prepare()
    print(f"{len(TEXTS) * repeats} sentences each")
    print(f"\n{'':22s} first µ-law (ms)    CPU (ms per s)    kB per s")
    print(f"{'':22s} {'median':>8s} {'p95':>8s}")
    phones: dict[Encoding, dict[str, bytes]] = {}
    for is_real_time in (False, True):
        for encoding in ENCODINGS:
            with service(sounds, encoding, is_real_time) as url:
                times = max(1, repeats // 5) if is_real_time else repeats
                cost = asyncio.run(speak_all(url, encoding, times))
            phones[encoding] = cost.phone
            print(cost.line(f"{encoding}, {'in real time' if is_real_time else 'at once'}"))
    compare(phones["linear16"], phones["mulaw"])
    print("\nspeech to text: CPU per second of audio (ms)")
    with service(sounds, "mulaw", False) as url:
        idle_ms = asyncio.run(listen(url, 0))
        for frames in (1, 2, 3, 5):
            cpu_ms = asyncio.run(listen(url, frames)) - idle_ms
            print(f"  messages of {frames * FRAME_MS:3d} ms {cpu_ms:6.2f}")


if __name__ == "__main__":
    main()
