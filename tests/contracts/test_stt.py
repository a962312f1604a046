"""What holds for every transcriber."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sdr_lab.call.streams import closing
from sdr_lab.config import Settings
from sdr_lab.records import FRAME_BYTES, FRAME_MS, Words
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.deepgram_server import DeepgramServer
from sdr_lab.stt.base import Cue, Heard, Transcriber
from sdr_lab.stt.deepgram import Deepgram
from sdr_lab.stt.deepgram_client import Account
from sdr_lab.stt.deepgram_flux import DeepgramFlux
from sdr_lab.stt.scripted import Said, ScriptedTranscriber, SpelledRecogniser, spelled
from sdr_lab.stt.utterances import Utterances
from sdr_lab.stt.whisper import Whisper
from tests.contracts.loopback import in_a_thread

SILENCE = b"\xff" * FRAME_BYTES
LEAD_MS, LATE_MS = 500, 100
DATA = Path(__file__).parents[1] / "stt" / "data"
T = TypeVar("T")

Talk = Callable[[Transcriber], Coroutine[Any, Any, T]]


@dataclass(frozen=True)
class Subject:
    """A transcriber, two things said in a way that it understands, and how to run it."""

    texts: Sequence[str]
    sounds: Sequence[bytes]
    run: Callable[[Talk[Any]], Any]
    """Runs a coroutine function on a loop, with the transcriber."""
    pace_s: float = FRAME_MS / 1000
    """Between frames. A double in audio time can be given them faster."""
    is_batch: bool = False
    """Decodes in pauses only: one interim result a turn, which is complete."""

    def hear(self, steps: Sequence[bytes | Cue]) -> list[Words]:
        """Return the words of the steps; turn signals may come between them."""

        async def collect(transcriber: Transcriber) -> list[Words]:
            results = transcriber.transcribe(paced(steps, self.pace_s))
            return [result async for result in results if isinstance(result, Words)]

        return self.run(collect)


def _virtual(transcriber: Transcriber) -> Callable[[Talk[Any]], Any]:
    return lambda talk: run_virtually(talk(transcriber))


@contextmanager
def _spelled() -> Iterator[Subject]:
    texts = ["how much does it cost", "goodbye"]
    run = _virtual(Utterances(SpelledRecogniser(takes_ms=70)))
    yield Subject(texts, [spelled(text) for text in texts], run, is_batch=True)


@contextmanager
def _scripted() -> Iterator[Subject]:
    texts = ["how much does it cost", "goodbye"]
    sounds = [spelled(text) for text in texts]
    script, at_ms = [], 0
    for text, sound in zip(texts, sounds, strict=True):
        lasts_ms = FRAME_MS * len(sound) // FRAME_BYTES
        script.append(Said(text, at_ms + LEAD_MS, at_ms + LEAD_MS + lasts_ms))
        at_ms += LEAD_MS + lasts_ms + LEAD_MS
    run = _virtual(ScriptedTranscriber(script, delay_ms=70, final_delay_ms=20))
    yield Subject(texts, sounds, run, is_batch=True)


RECORDED = ["how much does it cost per month", "please take me off your list"]


def _recorded() -> list[bytes]:
    return [(DATA / f"joe-{name}.ulaw").read_bytes() for name in ("price", "list")]


@contextmanager
def _whisper() -> Iterator[Subject]:
    yield Subject(RECORDED, _recorded(), _virtual(Utterances(Whisper())), is_batch=True)


@contextmanager
def _loopback(make: Callable[[Account], Transcriber]) -> Iterator[Subject]:
    texts = ["how much does it cost", "goodbye"]
    sounds = [spelled(text) for text in texts]
    with in_a_thread(DeepgramServer()) as server:
        account = Account(server.api_key, server.url)
        yield Subject(texts, sounds, lambda talk: asyncio.run(talk(make(account))), 0.003)


@contextmanager
def _deepgram() -> Iterator[Subject]:
    with _loopback(Deepgram) as subject:
        yield subject


@contextmanager
def _flux() -> Iterator[Subject]:
    with _loopback(DeepgramFlux) as subject:
        yield subject


@contextmanager
def _live(make: Callable[[Account], Transcriber]) -> Iterator[Subject]:
    settings = Settings.load()
    if not settings.secret("DEEPGRAM_API_KEY"):
        pytest.skip("DEEPGRAM_API_KEY is not set")
    account = Account(settings.secret("DEEPGRAM_API_KEY"), settings.deepgram_url)
    yield Subject(RECORDED, _recorded(), lambda talk: asyncio.run(talk(make(account))))


@contextmanager
def _deepgram_live() -> Iterator[Subject]:
    with _live(Deepgram) as subject:
        yield subject


@contextmanager
def _flux_live() -> Iterator[Subject]:
    with _live(DeepgramFlux) as subject:
        yield subject


@pytest.fixture(
    params=[
        pytest.param(_spelled, id="utterances"),
        pytest.param(_scripted, id="scripted"),
        pytest.param(_whisper, id="whisper", marks=pytest.mark.models),
        pytest.param(_deepgram, id="deepgram"),
        pytest.param(_flux, id="deepgram_flux"),
        pytest.param(_deepgram_live, id="deepgram_live", marks=pytest.mark.live),
        pytest.param(_flux_live, id="deepgram_flux_live", marks=pytest.mark.live),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with request.param() as subject:
        yield subject


def turn(sound: bytes, *cues: Cue) -> list[bytes | Cue]:
    """Silence, speech, silence with a pause noticed after 160 ms and the cues after 400 ms."""
    frames = [sound[at : at + FRAME_BYTES] for at in range(0, len(sound), FRAME_BYTES)]
    late = LATE_MS // FRAME_MS
    lead, tail = [SILENCE] * (LEAD_MS // FRAME_MS), [SILENCE] * (LEAD_MS // FRAME_MS)
    steps: list[bytes | Cue] = [*lead, *frames[:late], Cue.STARTED, *frames[late:]]
    return [*steps, *tail[:8], Cue.PAUSED, *tail[8:20], *cues, *tail[20:]]


async def paced(
    steps: Sequence[bytes | Cue], pace_s: float = FRAME_MS / 1000
) -> AsyncIterator[Heard | Cue]:
    """Deliver frames in time, cues at once."""
    at_ms = 0
    for step in steps:
        if isinstance(step, Cue):
            yield step
            continue
        await asyncio.sleep(pace_s)
        yield Heard(at_ms, step.ljust(FRAME_BYTES, b"\xff"))
        at_ms += FRAME_MS


def plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ").strip()


def finals(heard: Sequence[Words]) -> list[str]:
    return [plain(words.text) for words in heard if words.is_final]


def test_two_turns_give_two_finals_with_their_words(subject: Subject):
    steps = [step for sound in subject.sounds for step in turn(sound, Cue.FINISH)]

    heard = subject.hear(steps)

    assert finals(heard) == subject.texts
    first = [words.is_final for words in heard].index(True)
    assert 0 < first < len(heard) - 2  # interim results come before each of them
    if subject.is_batch:
        assert [words.is_final for words in heard] == [False, True, False, True]


def test_interim_text_agrees_with_the_final_when_nothing_was_added(subject: Subject):
    *_, interim, final = subject.hear(turn(subject.sounds[0], Cue.FINISH))

    assert (interim.is_final, final.is_final) == (False, True)
    assert interim.text == final.text
    assert interim.end_ms <= final.end_ms


def test_times_are_in_order_and_reach_the_last_voiced_sample(subject: Subject):
    lasts_ms = FRAME_MS * -(-len(subject.sounds[0]) // FRAME_BYTES)

    heard = subject.hear(turn(subject.sounds[0], Cue.FINISH))

    assert sorted(words.end_ms for words in heard) == [words.end_ms for words in heard]
    for words in heard:
        assert LEAD_MS - 400 <= words.start_ms <= LEAD_MS + LATE_MS
        assert 0 <= words.confidence <= 1
        if words.is_final or subject.is_batch:
            assert LEAD_MS + lasts_ms <= words.end_ms <= LEAD_MS + lasts_ms + 400


def test_every_finish_is_answered_once(subject: Subject):
    steps = [*turn(subject.sounds[0], Cue.FINISH), Cue.FINISH, SILENCE, Cue.FINISH]

    assert finals(subject.hear(steps)) == [subject.texts[0], "", ""]


def test_silence_gives_an_empty_final(subject: Subject):
    heard = subject.hear([*[SILENCE] * 10, Cue.STARTED, *[SILENCE] * 10, Cue.FINISH])

    assert [(words.text, words.is_final) for words in heard] == [("", True)]
    assert heard[0].end_ms == 400


def test_drop_forgets_what_was_heard(subject: Subject):
    steps = [*turn(subject.sounds[0], Cue.DROP), *turn(subject.sounds[1], Cue.FINISH)]

    assert finals(subject.hear(steps)) == [subject.texts[1]]


def test_a_dropped_finish_is_answered_with_nothing(subject: Subject):
    steps = turn(subject.sounds[0])
    pause = steps.index(Cue.PAUSED)

    heard = subject.hear([*steps[:pause], Cue.FINISH, Cue.DROP, *steps[pause + 1 :]])

    assert finals(heard) == [""]
    if subject.is_batch:
        assert len(heard) == 1


def test_a_finish_right_before_the_end_is_answered(subject: Subject):
    steps = turn(subject.sounds[0])

    heard = subject.hear([*steps[: steps.index(Cue.PAUSED)], Cue.FINISH])

    assert finals(heard) == [subject.texts[0]]


def test_closing_early_leaves_no_task_behind(subject: Subject):
    steps = turn(subject.sounds[0])

    async def talk(transcriber: Transcriber) -> tuple[Words, set[asyncio.Task[object]]]:
        audio = paced(steps, subject.pace_s)
        async with closing(transcriber.transcribe(audio)) as stream:
            words = await anext(result async for result in stream if isinstance(result, Words))
        return words, await others()

    words, left = subject.run(talk)

    assert subject.texts[0].startswith(plain(words.text))
    assert left == set()


def test_cancelling_the_consumer_leaves_no_task_behind(subject: Subject):
    steps = turn(subject.sounds[0], Cue.FINISH)

    async def talk(transcriber: Transcriber) -> set[asyncio.Task[object]]:
        is_heard = asyncio.Event()

        async def consume() -> None:
            async for _ in transcriber.transcribe(paced(steps, subject.pace_s)):
                is_heard.set()
                await asyncio.sleep(3600)

        async with asyncio.TaskGroup() as group:
            consumer = group.create_task(consume())
            await is_heard.wait()
            consumer.cancel()
        return await others()

    assert subject.run(talk) == set()


def test_an_error_of_the_audio_comes_through_unwrapped(subject: Subject):
    async def broken() -> AsyncIterator[Heard | Cue]:
        yield Heard(0, SILENCE)
        raise ConnectionError("the line broke")

    async def talk(transcriber: Transcriber) -> list[object]:
        return [result async for result in transcriber.transcribe(broken())]

    with pytest.raises(ConnectionError, match="the line broke"):
        subject.run(talk)


async def others() -> set[asyncio.Task[object]]:
    """Return the tasks beside this one, once those that are about to end have ended."""
    left: set[asyncio.Task[object]] = set()
    for _ in range(20):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            break
        await asyncio.sleep(0.01)
    return left
