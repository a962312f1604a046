"""What holds for every voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pytest

from sdr_lab.audio.resample import to_mulaw
from sdr_lab.config import Settings
from sdr_lab.errors import ProviderError
from sdr_lab.records import Sound
from sdr_lab.simulate.deepgram_server import DeepgramServer
from sdr_lab.tts.base import Voice
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.deepgram import AuraSettings, DeepgramVoice
from sdr_lab.tts.piper import Piper
from sdr_lab.tts.tone import Tone
from tests.contracts.loopback import in_a_thread

SHORT, LONG = "Good morning.", "I would like to tell you about our plan for small teams today."
FOREIGN = {"deepgram": "en-us.onnx", "piper": "aura-2-thalia-en", "tone": "aura-2-thalia-en"}


@dataclass
class Subject:
    """A voice, and one that can't speak if there is such."""

    voice: Voice
    broken: Voice | None = None
    is_exact: bool = True
    """The same sentence lasts equally long each time."""


@contextmanager
def _tone(home: Path) -> Iterator[Subject]:
    yield Subject(Tone())


@contextmanager
def _piper(home: Path) -> Iterator[Subject]:
    voice = Piper(deterministic=True)
    yield Subject(voice)
    voice.close()


@contextmanager
def _cached(home: Path) -> Iterator[Subject]:
    yield Subject(CachedVoice(Tone(), home / "tts_cache"))


def _loopback(encoding: Literal["linear16", "mulaw"]) -> Callable[[Path], Iterator[Subject]]:
    def subject(home: Path) -> Iterator[Subject]:
        with in_a_thread(DeepgramServer()) as server:
            voice = DeepgramVoice(server.api_key, server.url, AuraSettings(encoding=encoding))
            yield Subject(voice, DeepgramVoice("wrong", server.url))

    return subject


@contextmanager
def _live(home: Path) -> Iterator[Subject]:
    settings = Settings.load()
    if not settings.secret("DEEPGRAM_API_KEY"):
        pytest.skip("DEEPGRAM_API_KEY is not set")
    voice = DeepgramVoice(settings.secret("DEEPGRAM_API_KEY"), settings.deepgram_url)
    yield Subject(voice, DeepgramVoice("wrong", settings.deepgram_url), is_exact=False)


@pytest.fixture(
    params=[
        pytest.param(_tone, id="tone"),
        pytest.param(_piper, id="piper", marks=pytest.mark.models),
        pytest.param(_cached, id="cached"),
        pytest.param(contextmanager(_loopback("linear16")), id="deepgram_linear16"),
        pytest.param(contextmanager(_loopback("mulaw")), id="deepgram_mulaw"),
        pytest.param(_live, id="deepgram_live", marks=pytest.mark.live),
    ]
)
def subject(request: pytest.FixtureRequest, home: Path) -> Iterator[Subject]:
    with request.param(home) as subject:
        yield subject


def stream(voice: Voice, sentence: str, name: str = "") -> AsyncGenerator[Sound, None]:
    return cast(AsyncGenerator[Sound, None], voice.speak(sentence, name))


async def spoken(voice: Voice, sentence: str, name: str = "") -> list[Sound]:
    async with aclosing(stream(voice, sentence, name)) as sounds:
        return [sound async for sound in sounds]


def lasts_ms(sounds: list[Sound]) -> float:
    return sum(sound.duration_ms for sound in sounds)


async def tidied(voice: Voice) -> set[asyncio.Task[object]]:
    """Close the voice if it has something to close; return the tasks that are left."""
    if isinstance(voice, DeepgramVoice):
        await voice.close()
    left: set[asyncio.Task[object]] = set()
    for _ in range(50):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            break
        await asyncio.sleep(0.01)
    return left


async def test_it_has_a_name(subject: Subject):
    assert subject.voice.name == subject.voice.name.strip().lower() != ""


async def test_it_yields_sound_of_one_rate(subject: Subject):
    sounds = await spoken(subject.voice, SHORT)

    assert {sound.pcm.dtype for sound in sounds} == {np.dtype(np.int16)}
    assert {sound.pcm.ndim for sound in sounds} == {1}
    assert all(len(sound.pcm) for sound in sounds)
    assert len({sound.rate_hz for sound in sounds}) == 1
    assert await tidied(subject.voice) == set()


async def test_it_is_as_loud_as_a_telephone_wants_it(subject: Subject):
    pcm = np.concatenate([sound.pcm for sound in await spoken(subject.voice, LONG)])

    rms = np.sqrt(np.mean(pcm.astype(np.float64) ** 2))
    assert -30 < 20 * np.log10(rms / 32768) < -12
    assert len(to_mulaw(Sound(pcm, 8000))) == len(pcm)
    assert await tidied(subject.voice) == set()


async def test_more_words_take_longer(subject: Subject):
    short, long = await spoken(subject.voice, SHORT), await spoken(subject.voice, LONG)

    assert 200 < lasts_ms(short) < lasts_ms(long) < 20_000
    assert await tidied(subject.voice) == set()


@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
async def test_nothing_comes_for_text_without_words(subject: Subject, text: str):
    assert await spoken(subject.voice, text) == []


async def test_it_can_be_closed_early_and_the_next_sentence_is_whole(subject: Subject):
    whole = lasts_ms(await spoken(subject.voice, SHORT))
    async with aclosing(stream(subject.voice, LONG)) as sounds:
        await anext(sounds)

    after = lasts_ms(await spoken(subject.voice, SHORT))

    assert after == pytest.approx(whole, rel=0 if subject.is_exact else 0.3)
    assert await tidied(subject.voice) == set()


async def test_it_can_be_cancelled_and_the_next_sentence_is_whole(subject: Subject):
    whole = lasts_ms(await spoken(subject.voice, SHORT))
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(stream(subject.voice, LONG)) as sounds:
            async for _ in sounds:
                begun.set()
                await asyncio.sleep(0.01)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(listen())
        await begun.wait()
        task.cancel()

    after = lasts_ms(await spoken(subject.voice, SHORT))

    assert after == pytest.approx(whole, rel=0 if subject.is_exact else 0.3)
    assert await tidied(subject.voice) == set()


async def test_it_serves_two_calls_at_once(subject: Subject):
    texts = (SHORT, LONG, SHORT)
    together = await asyncio.gather(*(spoken(subject.voice, text) for text in texts))
    alone = [await spoken(subject.voice, text) for text in texts]

    tolerance = 0 if subject.is_exact else 0.3
    assert [lasts_ms(sounds) for sounds in together] == pytest.approx(
        [lasts_ms(sounds) for sounds in alone], rel=tolerance
    )
    assert await tidied(subject.voice) == set()


async def test_a_voice_of_another_provider_is_replaced(subject: Subject):
    name = FOREIGN[subject.voice.name]

    assert lasts_ms(await spoken(subject.voice, SHORT, name)) > 200
    assert await tidied(subject.voice) == set()


async def test_failures_are_provider_errors_of_one_line(subject: Subject):
    if subject.broken is None:
        pytest.skip("this voice has no server that could refuse it")
    with pytest.raises(ProviderError) as caught:
        await spoken(subject.broken, SHORT)
    assert caught.value.provider == subject.broken.name
    assert "\n" not in str(caught.value)
