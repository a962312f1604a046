"""Callers from files: what is read, what is refused, and an old call made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.errors import AudioError, BadInput
from sdr_lab.events import AgentStarted, Interrupted, TurnOver, Withdrawn
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, Prompt
from sdr_lab.simulate.caller import Caller, speech_like
from sdr_lab.simulate.rehearsal import Rehearsal, Scene, rehearse
from sdr_lab.simulate.script import read_call, read_script, recording

GOOD = """
name: Pat
voice: slt
number: "+14155550142"
turns:
  - say: "How much is it?"
  - say: "Wait."
    into: 1.5
  - say: "Bye."
    after: 0.4
"""
LONG = "I would like to tell you about our new plan today and about all that it can do for you."
SCENE = Scene(
    settings=replace(CallSettings(), endpoint=EndpointSettings(mode="fixed", silence_ms=500))
)


def write_wav(path: Path, mulaw: bytes) -> None:
    with MulawWavWriter(path, channels=1) as wav:
        wav.write(mulaw)


def script(tmp_path: Path, text: str, recordings: int = 3) -> Path:
    folder = tmp_path / "pat"
    folder.mkdir()
    (folder / "script.yaml").write_text(text, encoding="utf-8")
    for number in range(1, recordings + 1):
        write_wav(folder / f"{number:02d}.wav", bytes([number]) * 160 * number)
    return folder


# ---- script.yaml


def test_a_script_is_a_caller(tmp_path: Path):
    caller = read_script(script(tmp_path, GOOD))
    assert caller.number == "+14155550142"
    rows = [(act.text, act.when, act.seconds) for act in caller.acts]
    assert rows == [
        ("How much is it?", "after", 1.0),
        ("Wait.", "into", 1.5),
        ("Bye.", "after", 0.4),
    ]


def test_each_turn_has_its_recording(tmp_path: Path):
    acts = read_script(script(tmp_path, GOOD)).acts
    assert [b"".join(act.frames()) for act in acts] == [
        b"\x01" * 160, b"\x02" * 320, b"\x03" * 480,
    ]  # fmt: skip
    assert [act.length_ms for act in acts] == [20, 40, 60]


def test_a_missing_recording_is_named(tmp_path: Path):
    with pytest.raises(AudioError, match=r"03\.wav: no such file"):
        read_script(script(tmp_path, GOOD, recordings=2))


def test_a_recording_that_is_no_sound_is_named(tmp_path: Path):
    folder = script(tmp_path, GOOD)
    (folder / "02.wav").write_text("not a sound")
    with pytest.raises(AudioError, match=r"02\.wav: not audio"):
        read_script(folder)


def test_a_folder_without_a_script(tmp_path: Path):
    with pytest.raises(BadInput, match=r"script\.yaml: No such file.*a caller is a folder with"):
        read_script(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: Pat\nturns: []", r"turns: got \[\]"),
        ("name: Pat", "turns: .*required"),
        ("turns:\n  - say: Hi", "name: .*required"),
        ("name: Pat\nturns:\n  - say: ''", r"turns\.0\.say: got ''"),
        ("name: Pat\nturns:\n  - say: Hi\n  - say: Ho\n    into: -1", r"turns\.1\.into: got -1"),
        ("name: Pat\nturns:\n  - say: Hi\n    after: soon", r"turns\.0\.after: got 'soon'"),
        ("name: Pat\nturns:\n  - say: Hi\n    at: 3", r"turns\.0\.at: got 3: Extra inputs"),
        ("name: Pat\nnumber: '555'\nturns:\n  - say: Hi", "number: got '555'"),
        ("name: [", "no YAML"),
        ("just words", "got 'just words'"),
        ("", "got None"),
    ],
)
def test_a_bad_script_is_one_clear_line(tmp_path: Path, text: str, told: str):
    with pytest.raises(BadInput, match=r"script\.yaml: .*" + told) as caught:
        read_script(script(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_script_that_is_not_utf_8(tmp_path: Path):
    folder = script(tmp_path, GOOD)
    (folder / "script.yaml").write_bytes(b"name: Ren\xe9\nturns:\n  - say: Hi\n")
    with pytest.raises(BadInput, match=r"script\.yaml"):
        read_script(folder)


# ---- recordings


def test_a_long_recording_is_streamed_and_can_be_played_twice(tmp_path: Path):
    second = speech_like(1)
    write_wav(tmp_path / "long.wav", second * 61)
    sound = recording(tmp_path / "long.wav")
    assert callable(sound)
    first = sound()
    assert isinstance(first, Iterator)
    assert b"".join(next(first) for _ in range(50)) == second
    assert b"".join(sound()) == second * 61


def test_a_short_recording_is_read_at_once(tmp_path: Path):
    write_wav(tmp_path / "short.wav", speech_like(2))
    assert recording(tmp_path / "short.wav") == speech_like(2)


# ---- a recorded call


def turns(done: Rehearsal) -> list[str]:
    return [event.text for event in done.all(TurnOver)]


def offset_ms(done: Rehearsal) -> int:
    """From the start of the reply that was cut off to the caller's first frame."""
    cut = done.first(Interrupted)
    began = [event for event in done.all(AgentStarted) if event.at_ms < cut.at_ms][-1]
    return cut.onset_ms - began.at_ms


def answer(prompt: Prompt) -> str:
    """By the words: a script in order would depend on what was prepared in vain."""
    answers = {"How much is it?": "It is $49.", "Tell me more.": LONG}
    return answers.get(prompt.words, "Yes?")


def first(tmp_path: Path, caller: Caller) -> Rehearsal:
    return rehearse(caller, ScriptedModel(answer), tmp_path / "first", SCENE)


def again(done: Rehearsal, tmp_path: Path) -> Rehearsal:
    return rehearse(read_call(done.folder), ScriptedModel(answer), tmp_path / "again", SCENE)


def test_a_recorded_call_is_repeated(tmp_path: Path):
    caller = Caller().says("How much is it?").says("Tell me more.")
    caller.cuts_in("Wait, stop there.", into=1.5).says("Thank you, bye.")
    done = first(tmp_path, caller)
    repeated = again(done, tmp_path)
    assert turns(repeated) == turns(done)
    assert [who for who, _ in repeated.said] == [who for who, _ in done.said]
    assert len(repeated.all(Interrupted)) == 1


@pytest.mark.parametrize("into", [0.5, 1.5, 2.5])
def test_it_is_interrupted_at_the_same_place(tmp_path: Path, into: float):
    caller = Caller().says("Tell me more.").cuts_in("Wait, stop there.", into=into)
    done = first(tmp_path, caller)
    repeated = again(done, tmp_path)
    assert offset_ms(repeated) == pytest.approx(offset_ms(done), abs=40)
    assert repeated.first(Interrupted).heard == done.first(Interrupted).heard


def test_its_sound_is_the_callers_own(tmp_path: Path):
    voice = speech_like(1.2, seed=7)
    caller = Caller().says("How much is it?", at=3.0, sound=voice)
    (act,) = read_call(first(tmp_path, caller).folder).acts
    sound = b"".join(act.frames())
    assert voice in sound
    assert len(sound) <= len(voice) + 8 * 440  # at most 200 ms on both sides, and a frame each
    assert np.all(np.frombuffer(sound.replace(voice, b""), np.uint8) == 0xFF)


def test_a_turn_that_went_on_is_repeated_once(tmp_path: Path):
    caller = Caller().says("We are ten people", at=3.0, lasts=1.0)
    caller.says("in the field.", at=5.0, lasts=1.0)
    model = ScriptedModel(["Never.", "Growth fits."], first_delay_ms=1500)
    done = rehearse(caller, model, tmp_path / "first", SCENE)
    assert done.all(Withdrawn)
    assert [act.text for act in read_call(done.folder).acts] == ["We are ten people in the field."]


def test_noise_that_was_no_turn_is_no_part_of_the_next_one(tmp_path: Path):
    caller = Caller().says("Tell me more.").cuts_in("", into=1.0, lasts=0.3).says("Thank you.")
    last = read_call(first(tmp_path, caller).folder).acts[-1]
    assert (last.text, last.when) == ("Thank you.", "after")
    assert last.length_ms <= 640 + 440


def test_the_callers_number_is_repeated(tmp_path: Path):
    caller = Caller(number="+14155550142").says("Hello?")
    done = first(tmp_path, caller)
    assert read_call(done.folder).number == SCENE.caller_number


def test_a_folder_that_is_no_call(tmp_path: Path):
    with pytest.raises(BadInput, match=r"no call folder: audio\.wav and events\.jsonl"):
        read_call(tmp_path)


def test_a_call_without_a_word_of_the_caller(tmp_path: Path):
    done = first(tmp_path, Caller().hangs_up(at=3.0))
    with pytest.raises(BadInput, match="said nothing that could be repeated"):
        read_call(done.folder)
