"""A voice that fails in any way: the reserve speaks, or nobody, but the call goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sdr_lab.errors import ProviderError
from sdr_lab.events import AgentStopped, ProviderFailed
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, Sound
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, rehearse
from sdr_lab.tts.tone import Tone


@dataclass
class Failing:
    """A voice that says `pieces` pieces and then fails (or is silent, or hangs)."""

    error: Exception | None = None
    pieces: int = 0
    hangs: bool = False
    name: str = "failing"
    asked: list[str] = field(default_factory=list)

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        self.asked.append(sentence)
        for _ in range(self.pieces):
            yield Sound(np.full(1600, 4000, np.int16), 8000)
        if self.hangs:
            await asyncio.sleep(1e6)
        if self.error is not None:
            raise self.error


FAILINGS = [
    Failing(ProviderError("failing", "no")),
    Failing(KeyError("bug")),
    Failing(),
    Failing(hangs=True),
]


def call(tmp_path: Path, voice: Failing, reserve: Tone | None = None) -> Rehearsal:
    patient = CallSettings(silence_prompt_s=60)
    scene = Scene(settings=patient, voice=voice, reserve_voice=reserve)
    caller = Caller().says("How much is it?", at=30).hangs_up(at=60)
    return rehearse(caller, ScriptedModel(["It is $49."]), tmp_path, scene)


@pytest.mark.parametrize("voice", FAILINGS)
def test_the_reserve_speaks_when_the_voice_fails(tmp_path: Path, voice: Failing):
    done = call(tmp_path, voice, Tone())
    assert done.said[0] == ("agent", AGENT.first_message)
    assert ("agent", "It is $49.") in done.said
    assert done.first(ProviderFailed).provider == "failing"


@pytest.mark.parametrize("voice", FAILINGS)
def test_without_a_reserve_the_call_goes_on_and_nothing_counts_as_said(
    tmp_path: Path, voice: Failing
):
    done = call(tmp_path, voice)
    assert done.outcome.reason == "caller"
    assert {stopped.text for stopped in done.all(AgentStopped)} <= {""}
    assert done.first(ProviderFailed).stage == "tts"


@pytest.mark.parametrize("error", [ProviderError("failing", "no"), KeyError("bug")])
def test_a_torn_sentence_is_not_begun_again(tmp_path: Path, error: Exception):
    done = call(tmp_path, Failing(error, pieces=3), Tone())
    heard = done.all(AgentStopped)[0]
    assert heard.at_ms == 600
    assert heard.text == "Hello, this"  # of "Hello, this is Joe.", about 0.9 s


def test_a_voice_that_has_failed_is_left_alone_for_a_while(tmp_path: Path):
    """Else every sentence waits for a service that does not answer."""
    voice = Failing(hangs=True)
    scene = Scene(settings=CallSettings(silence_prompt_s=60), voice=voice, reserve_voice=Tone())
    caller = Caller().says("How much is it?", at=20).says("And then?", at=55).hangs_up(at=90)
    model = ScriptedModel(["It is $49. That is all.", "Nothing more."])
    done = rehearse(caller, model, tmp_path, scene)
    assert done.said[-1] == ("agent", "Nothing more.")
    assert voice.asked == [AGENT.first_message, "Nothing more."]
