from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.errors import BadInput
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    Event,
    Held,
    Interrupted,
    Resumed,
    to_json,
)
from sdr_lab.tune.corpus import agent_intervals, open_corpus
from sdr_lab.tune.labels import CallLabels, Interval, Label, write_labels
from tests.tune.made_calls import AGENT, EVENTS, channels, corpus, write_wav

SPOKEN = tuple(Interval(round(a * 1000), round(b * 1000)) for a, b in AGENT)
STARTED = AgentStarted(at_ms=1000, clock_ms=0, turn=1)
STOPPED = AgentStopped(at_ms=6000, clock_ms=0, turn=1, text="")
HELD = Held(at_ms=2000, clock_ms=0, turn=1, heard="", onset_ms=1900, detector="energy")
RESUMED = Resumed(at_ms=2800, clock_ms=0, turn=1, why="expired", held_ms=800, repeated_ms=0)
CUT = Interrupted(
    at_ms=2400, clock_ms=0, turn=1, heard="", planned="", onset_ms=1900, detector="energy"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A call folder with a recording only."""
    write_wav(tmp_path / "conv_1" / "audio.wav", *channels())
    return tmp_path / "conv_1"


def edit(path: Path, change: Callable[[Any], Any]) -> Path:
    rows = json.loads((path / "truth.json").read_text())
    changed = change(rows)
    (path / "truth.json").write_text(json.dumps(rows if changed is None else changed))
    return path


def test_a_corpus_is_read(tmp_path: Path):
    [call] = open_corpus(corpus(tmp_path))

    assert (call.id, call.duration_ms, call.agent) == ("talk", 12_000, SPOKEN)
    assert call.tags == {"noise": "none"}
    assert [label.kind for label in call.labels] == [kind for kind, *_ in EVENTS]
    assert call.labels[0] == Label("interruption", 4000, 5200)


def test_its_frames_are_the_bytes_of_both_channels(tmp_path: Path):
    caller, agent = channels()
    [call] = open_corpus(corpus(tmp_path))

    frames = list(call.frames())

    assert {(len(a), len(b)) for a, b in frames} == {(160, 160)}
    assert b"".join(a for a, _ in frames) == caller
    assert b"".join(b for _, b in frames) == agent


def test_a_call_folder_says_when_the_agent_spoke(folder: Path):
    log = [STARTED, STOPPED, AgentStarted(at_ms=6800, clock_ms=0, turn=2)]
    (folder / "events.jsonl").write_text("\n".join(map(to_json, log)) + '\n{"kind": "Agen')
    (folder / "call.json").write_text('{"settings": {"filters": ["highpass_gate"]}}')
    write_labels(folder / "labels.json", CallLabels((Label("noise", 9000, 9200),)))

    [call] = open_corpus(folder)

    assert call.agent == (Interval(1000, 6000), Interval(6800, 12_000))
    assert call.filters == ("highpass_gate",)
    assert call.id == "conv_1"
    assert open_corpus(folder.parent) == [call]


def test_without_a_log_the_channel_shows_when_the_agent_spoke(folder: Path):
    [call] = open_corpus(folder)

    assert not call.is_agent_known
    assert len(call.agent) == len(SPOKEN)
    for found, true in zip(call.agent, SPOKEN, strict=True):
        assert abs(found.start_ms - true.start_ms) <= 60
        assert abs(found.end_ms - true.end_ms) <= 100


@pytest.mark.parametrize(
    ("events", "intervals"),
    [
        ([STARTED, STOPPED], [(1000, 6000)]),
        ([STARTED, HELD, CUT], [(1000, 2400)]),
        ([STARTED, HELD, RESUMED, STOPPED], [(1000, 2800), (2800, 6000)]),
        ([STARTED], [(1000, 9000)]),
        ([STOPPED, CUT, RESUMED], []),
    ],
)
def test_a_hold_does_not_end_the_agents_speech(events: list[Event], intervals: list):
    assert agent_intervals(events, 9000) == tuple(Interval(*pair) for pair in intervals)


def label(**changes: Any) -> Callable[[Any], None]:
    return lambda rows: rows[0]["events"][0].update(changes)


def field(**changes: Any) -> Callable[[Any], None]:
    return lambda rows: rows[0].update(changes)


BAD = {
    "no list": (lambda rows: {}, "expected a list of calls"),
    "empty": (lambda rows: [], "no calls in it; give a folder with truth.json"),
    "no id": (field(id=None), "call 0: id None; expected the name of a file"),
    "a path": (field(id="../talk"), "expected the name of a file in calls/"),
    "long": (field(id="x" * 5000), "expected the name of a file in calls/"),
    "unprintable": (field(id="ta\0lk"), "expected the name of a file in calls/"),
    "up": (field(id=".."), "expected the name of a file in calls/"),
    "twice": (lambda rows: rows * 2, "call talk is there twice"),
    "type": (label(type="cough"), "call talk, events[0]: type 'cough' is unknown"),
    "past": (label(onset_s=13, offset_s=14), "lies past the end: the recording ends at 12.000 s"),
    "far past": (label(offset_s=20), "lies past the end"),
    "backwards": (label(offset_s=1), "has no length"),
    "overlap": (
        lambda rows: rows[0]["events"].append({"type": "noise", "onset_s": 9, "offset_s": 10}),
        "overlap; join them or shorten one",
    ),
    "silent": (field(agent=[]), "the agent never speaks in 1 call(s)"),
    "agent": (field(agent=[[1, 40]]), "the agent speaks until 40.000 s, but talk.wav ends at"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_can_not_be_is_refused_in_one_line(tmp_path: Path, case: str):
    change, told = BAD[case]
    path = edit(corpus(tmp_path), change)

    with pytest.raises(BadInput) as error:
        open_corpus(path)

    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_json_is_told_with_its_line(tmp_path: Path):
    path = corpus(tmp_path)
    (path / "truth.json").write_text('[\n{"id": "talk",}\n]')

    with pytest.raises(BadInput, match=r"truth.json, line 2, column \d+: damaged JSON"):
        open_corpus(path)


def test_what_is_left_out_is_told(tmp_path: Path):
    path = corpus(tmp_path, talk=EVENTS, gone=EVENTS)
    (path / "calls" / "gone.wav").rename(path / "calls" / "stray.wav")
    told: list[str] = []

    calls = open_corpus(path, on_warning=told.append)

    assert [call.id for call in calls] == ["talk"]
    assert "call gone is left out: calls/gone.wav is missing" in told[0]
    assert "stray.wav: left out: truth.json does not have call stray" in told[1]


def test_a_label_that_the_end_cuts_is_told(tmp_path: Path):
    told: list[str] = []
    path = edit(corpus(tmp_path), label(onset_s=11.5, offset_s=12.5))

    [call] = open_corpus(path, on_warning=told.append)

    assert call.labels[-1].offset_ms == 12_500
    assert "1 label(s) end after the recording, which cuts them: talk, interruption 11.5" in told[0]


def test_a_silent_agent_in_one_of_two_calls_is_told(tmp_path: Path):
    told: list[str] = []
    path = edit(corpus(tmp_path, a=EVENTS, b=EVENTS), lambda rows: rows[1].update(agent=[]))

    assert len(open_corpus(path, on_warning=told.append)) == 2
    assert "the agent never speaks in 1 of 2 calls: b" in told[0]


@pytest.mark.parametrize("name", ["nothing", "file", "empty"])
def test_a_folder_without_calls_is_refused(tmp_path: Path, name: str):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()

    with pytest.raises(BadInput, match=r"give a folder with truth.json and calls/\*.wav"):
        open_corpus(tmp_path / name)


@pytest.mark.parametrize("inner", ["calls", "truth.json"])
def test_a_part_of_a_corpus_is_told_what_to_give(tmp_path: Path, inner: str):
    with pytest.raises(BadInput, match=f"; give {re.escape(str(tmp_path))}$"):
        open_corpus(corpus(tmp_path) / inner)


def test_mono_and_other_rates_are_refused(tmp_path: Path):
    import soundfile

    path = corpus(tmp_path)
    wav = path / "calls" / "talk.wav"
    with MulawWavWriter(wav, channels=1) as mono:
        mono.write(channels()[0])
    with pytest.raises(BadInput, match=r"talk\.wav: mono; two channels are needed, caller left"):
        open_corpus(path)
    soundfile.write(wav, np.zeros((1600, 2), np.int16), 16_000)
    with pytest.raises(BadInput, match=r"16000 Hz; 8000 Hz is needed; convert it with"):
        open_corpus(path)


def test_pcm_at_8_khz_is_encoded_on_the_way(tmp_path: Path):
    import soundfile

    from sdr_lab.audio.codec import mulaw_to_pcm

    caller, agent = channels()
    path = corpus(tmp_path)
    pcm = np.stack((mulaw_to_pcm(caller), mulaw_to_pcm(agent)), axis=1)
    soundfile.write(path / "calls" / "talk.wav", pcm, 8000, subtype="PCM_16")

    [call] = open_corpus(path)

    assert b"".join(a for a, _ in call.frames()) == caller
    assert b"".join(b for _, b in call.frames()) == agent


def test_swapped_channels_are_noticed_and_can_be_swapped_back(tmp_path: Path):
    caller, agent = channels()
    path = corpus(tmp_path)
    write_wav(path / "calls" / "talk.wav", agent, caller)

    with pytest.raises(BadInput, match="channels look swapped: caller must be left; use --swap"):
        open_corpus(path)
    [call] = open_corpus(path, swap=True)
    assert b"".join(a for a, _ in call.frames()) == caller
    [call] = open_corpus(path, swap=False)
    assert b"".join(a for a, _ in call.frames()) == agent


def test_labels_alone_show_swapped_channels(folder: Path):
    labels = CallLabels((Label("interruption", 4000, 5200),))
    write_labels(folder / "labels.json", labels)
    assert open_corpus(folder)
    write_wav(folder / "audio.wav", *reversed(channels()))

    with pytest.raises(BadInput, match="channels look swapped"):
        open_corpus(folder)
