from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sdr_lab.call.ears import LONGEST_MS, Ears
from sdr_lab.call.inbox import Expired, TranscriberFailed
from sdr_lab.errors import ProviderError
from sdr_lab.records import FRAME_MS, Words
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.stt.base import Cue, Heard

WORDS = Words("hello", True, 0, 20)


class Moody:
    """Does what its plan says at each attempt: words, an error, or just ending."""

    name = "moody"

    def __init__(self, *plan: list[Words | Exception]) -> None:
        self.plan = list(plan)
        self.heard: list[Heard | Cue] = []
        self.begun_s: list[float] = []

    async def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncIterator[Words]:
        self.begun_s.append(asyncio.get_running_loop().time())
        for item in self.plan.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item
        if not self.plan:
            async for heard in audio:
                self.heard.append(heard)


def posted(moody: Moody, frames: int = 0) -> list[object]:
    items: list[object] = []

    async def run() -> None:
        ears = Ears(moody, items.append)
        for number in range(frames):
            ears.hear(Heard(number * FRAME_MS, b"\xff" * 160))
        task = asyncio.ensure_future(ears.run())
        await asyncio.sleep(60)
        task.cancel()

    run_virtually(run())
    return items


def test_three_failures_in_a_row_are_the_end():
    fails: list[Words | Exception] = [ProviderError("moody", "no")]
    moody = Moody(fails, fails, fails)
    failed = TranscriberFailed("moody", "no")
    assert posted(moody) == [failed, failed, failed, Expired("error")]
    assert moody.begun_s == [0.0, 0.5, 1.5]


def test_words_between_failures_make_them_count_anew():
    fails: list[Words | Exception] = [WORDS, ProviderError("moody", "no")]
    items = posted(Moody(*[fails] * 8, [WORDS]))
    assert Expired("error") not in items
    assert items.count(WORDS) == 9


def test_a_transcriber_that_just_ends_is_asked_again():
    items = posted(Moody([WORDS], [WORDS]))
    assert items == [WORDS, TranscriberFailed("moody", "ended in the middle of the call"), WORDS]


def test_what_was_said_meanwhile_is_heard_after_a_failure():
    moody = Moody([KeyError("bug")], [WORDS])
    posted(moody, frames=10)
    assert len(moody.heard) == 10


def test_a_transcriber_that_takes_nothing_does_not_fill_the_memory():
    moody = Moody([WORDS])
    posted(moody, frames=10_000)
    assert len(moody.heard) <= LONGEST_MS // FRAME_MS + 1
    assert moody.heard[-1] == Heard(9999 * FRAME_MS, b"\xff" * 160)
