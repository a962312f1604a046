"""What holds for every transcriber."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from sdr_lab.records import FRAME_BYTES, FRAME_MS, Words
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.stt.base import Cue, Heard, Transcriber
from sdr_lab.stt.scripted import Said, ScriptedTranscriber, SpelledRecogniser, spelled
from sdr_lab.stt.utterances import Utterances
from sdr_lab.stt.whisper import Whisper

SILENCE = b"\xff" * FRAME_BYTES
LEAD_MS, LATE_MS = 500, 100
DATA = Path(__file__).parents[1] / "stt" / "data"


class Voice:
    """One way to say two things, and the transcriber that should understand them."""

    def __init__(self, texts: Sequence[str], sounds: Sequence[bytes]) -> None:
        self.texts, self.sounds = texts, sounds


def _spelled() -> tuple[Transcriber, Voice]:
    texts = ["how much does it cost", "goodbye"]
    voice = Voice(texts, [spelled(text) for text in texts])
    return Utterances(SpelledRecogniser(takes_ms=70)), voice


def _scripted() -> tuple[Transcriber, Voice]:
    texts = ["how much does it cost", "goodbye"]
    voice = Voice(texts, [spelled(text) for text in texts])
    script, at_ms = [], 0
    for text, sound in zip(texts, voice.sounds, strict=True):
        lasts_ms = FRAME_MS * len(sound) // FRAME_BYTES
        script.append(Said(text, at_ms + LEAD_MS, at_ms + LEAD_MS + lasts_ms))
        at_ms += LEAD_MS + lasts_ms + LEAD_MS
    return ScriptedTranscriber(script, delay_ms=70, final_delay_ms=20), voice


def _whisper() -> tuple[Transcriber, Voice]:
    texts = ["how much does it cost per month", "please take me off your list"]
    sounds = [(DATA / f"joe-{name}.ulaw").read_bytes() for name in ("price", "list")]
    return Utterances(Whisper()), Voice(texts, sounds)


@pytest.fixture(
    params=[
        pytest.param(_spelled, id="utterances"),
        pytest.param(_scripted, id="scripted"),
        pytest.param(_whisper, id="whisper", marks=pytest.mark.models),
    ]
)
def make(request: pytest.FixtureRequest) -> Callable[[], tuple[Transcriber, Voice]]:
    return request.param


def turn(sound: bytes, *cues: Cue) -> list[bytes | Cue]:
    """Silence, speech, silence with a pause noticed after 160 ms and the cues after 400 ms."""
    frames = [sound[at : at + FRAME_BYTES] for at in range(0, len(sound), FRAME_BYTES)]
    late = LATE_MS // FRAME_MS
    lead, tail = [SILENCE] * (LEAD_MS // FRAME_MS), [SILENCE] * (LEAD_MS // FRAME_MS)
    steps: list[bytes | Cue] = [*lead, *frames[:late], Cue.STARTED, *frames[late:]]
    return [*steps, *tail[:8], Cue.PAUSED, *tail[8:20], *cues, *tail[20:]]


async def paced(steps: Sequence[bytes | Cue]) -> AsyncIterator[Heard | Cue]:
    """Deliver frames in time, cues at once."""
    at_ms = 0
    for step in steps:
        if isinstance(step, Cue):
            yield step
            continue
        await asyncio.sleep(FRAME_MS / 1000)
        yield Heard(at_ms, step.ljust(FRAME_BYTES, b"\xff"))
        at_ms += FRAME_MS


def hear(transcriber: Transcriber, steps: Sequence[bytes | Cue]) -> list[Words]:
    async def run() -> list[Words]:
        return [words async for words in transcriber.transcribe(paced(steps))]

    return run_virtually(run())


def plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ").strip()


def test_two_turns_give_two_finals_with_their_words(make):
    transcriber, voice = make()
    steps = [step for sound in voice.sounds for step in turn(sound, Cue.FINISH)]

    heard = hear(transcriber, steps)

    assert [plain(words.text) for words in heard if words.is_final] == voice.texts
    assert [words.is_final for words in heard] == [False, True, False, True]


def test_interim_text_agrees_with_the_final_when_nothing_was_added(make):
    transcriber, voice = make()

    interim, final = hear(transcriber, turn(voice.sounds[0], Cue.FINISH))

    assert interim.text == final.text
    assert interim.end_ms <= final.end_ms


def test_times_are_in_order_and_reach_the_last_voiced_sample(make):
    transcriber, voice = make()
    lasts_ms = FRAME_MS * -(-len(voice.sounds[0]) // FRAME_BYTES)

    heard = hear(transcriber, turn(voice.sounds[0], Cue.FINISH))

    for words in heard:
        assert LEAD_MS - 400 <= words.start_ms <= LEAD_MS + LATE_MS
        assert LEAD_MS + lasts_ms <= words.end_ms <= LEAD_MS + lasts_ms + 400
        assert 0 <= words.confidence <= 1


def test_every_finish_is_answered_once(make):
    transcriber, voice = make()
    steps = [*turn(voice.sounds[0], Cue.FINISH), Cue.FINISH, SILENCE, Cue.FINISH]

    heard = hear(transcriber, steps)

    assert [plain(w.text) for w in heard if w.is_final] == [voice.texts[0], "", ""]


def test_silence_gives_an_empty_final(make):
    transcriber, _ = make()

    heard = hear(transcriber, [*[SILENCE] * 10, Cue.STARTED, *[SILENCE] * 10, Cue.FINISH])

    assert [(words.text, words.is_final) for words in heard] == [("", True)]
    assert heard[0].end_ms == 400


def test_drop_forgets_what_was_heard(make):
    transcriber, voice = make()
    steps = [*turn(voice.sounds[0], Cue.DROP), *turn(voice.sounds[1], Cue.FINISH)]

    heard = hear(transcriber, steps)

    assert [plain(words.text) for words in heard if words.is_final] == [voice.texts[1]]


def test_a_dropped_finish_is_answered_with_nothing(make):
    transcriber, voice = make()
    steps = turn(voice.sounds[0])
    pause = steps.index(Cue.PAUSED)

    heard = hear(transcriber, [*steps[:pause], Cue.FINISH, Cue.DROP, *steps[pause + 1 :]])

    assert [(words.text, words.is_final) for words in heard] == [("", True)]


def test_a_finish_right_before_the_end_is_answered(make):
    transcriber, voice = make()
    steps = turn(voice.sounds[0])

    heard = hear(transcriber, [*steps[: steps.index(Cue.PAUSED)], Cue.FINISH])

    assert [plain(words.text) for words in heard if words.is_final] == [voice.texts[0]]


def test_closing_early_leaves_no_task_behind(make):
    transcriber, voice = make()

    async def run() -> tuple[Words, set[asyncio.Task[object]]]:
        async with aclosing(transcriber.transcribe(paced(turn(voice.sounds[0])))) as stream:
            words = await anext(stream)
        return words, asyncio.all_tasks() - {asyncio.current_task()}

    words, left = run_virtually(run())

    assert plain(words.text) == voice.texts[0]
    assert left == set()


def test_cancelling_the_consumer_leaves_no_task_behind(make):
    transcriber, voice = make()

    async def consume() -> None:
        async for _ in transcriber.transcribe(paced(turn(voice.sounds[0], Cue.FINISH))):
            await asyncio.sleep(3600)

    async def run() -> set[asyncio.Task[object]]:
        async with asyncio.TaskGroup() as group:
            consumer = group.create_task(consume())
            await asyncio.sleep(5)
            consumer.cancel()
        await asyncio.sleep(0.1)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert run_virtually(run()) == set()


def test_an_error_of_the_audio_comes_through_unwrapped(make):
    transcriber, _ = make()

    async def broken() -> AsyncIterator[Heard | Cue]:
        yield Heard(0, SILENCE)
        raise ConnectionError("the line broke")

    async def run() -> list[Words]:
        return [words async for words in transcriber.transcribe(broken())]

    with pytest.raises(ConnectionError, match="the line broke"):
        run_virtually(run())
