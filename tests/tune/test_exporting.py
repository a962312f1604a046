"""What is exported can be imported again and is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from sdr_lab.errors import Conflict, StorageError
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.exporting import LAYOUTS, export
from sdr_lab.tune.importing import Source, import_call
from sdr_lab.tune.labels import CallLabels, Interval, write_labels
from tests.tune.made_calls import corpus, write_wav
from tests.tune.made_labels import labels

KNOWN = ("id", "duration_ms", "agent", "labels", "tags", "caller_turns", "filters")


def known(call: LabelledCall) -> dict:
    return {name: getattr(call, name) for name in KNOWN}


def audio_of(call: LabelledCall) -> tuple[bytes, bytes]:
    frames = list(call.frames())
    return b"".join(a for a, _ in frames), b"".join(b for _, b in frames)


@pytest.fixture
def call(tmp_path: Path) -> LabelledCall:
    [call] = open_corpus(corpus(tmp_path / "corpus"))
    return replace(call, caller_turns=(Interval(11_200, 11_900),))


@pytest.mark.parametrize("layout", ["corpus", "folders"])
def test_a_corpus_survives(tmp_path: Path, call: LabelledCall, layout: str):
    filtered = replace(call, filters=("highpass_gate",))
    export([filtered], tmp_path / "out", layout)

    [again] = open_corpus(tmp_path / "out")

    assert known(again) == known(filtered)
    assert audio_of(again) == audio_of(call)


def test_swapped_recordings_come_out_the_right_way_round(tmp_path: Path, call: LabelledCall):
    export([replace(call, is_swapped=True)], tmp_path / "out", "corpus")

    [again] = open_corpus(tmp_path / "out", swap=False)

    assert audio_of(again) == audio_of(call)[::-1]


def test_a_pair_comes_back_byte_by_byte(tmp_path: Path, call: LabelledCall):
    export([call], tmp_path / "out", "wav")
    pair = [tmp_path / "out" / f"talk.{who}.wav" for who in ("caller", "agent")]

    import_call(Source(pair[0], pair[1]), tmp_path / "calls", "talk")

    assert audio_of(open_corpus(tmp_path / "calls")[0]) == audio_of(call)


@settings(max_examples=25, deadline=None)
@given(labels())
def test_any_label_comes_back_from_audacity(tmp_path_factory: pytest.TempPathFactory, made):
    folder = tmp_path_factory.mktemp("audacity")
    write_wav(folder / "in" / "talk" / "audio.wav", b"\xff" * 960_000, b"\x80" * 960_000)
    what = CallLabels(made, (Interval(1, 119_999),))
    write_labels(folder / "in" / "talk" / "labels.json", what)
    [call] = open_corpus(folder / "in", swap=False)

    export([call], folder / "out", "audacity")
    import_call(Source(folder / "out" / "talk.wav", caller="left", by="kim"), folder / "back")

    assert known(open_corpus(folder / "back", swap=False)[0]) == known(call)


@settings(max_examples=25, deadline=None)
@given(labels())
def test_any_label_comes_back_from_a_corpus(tmp_path_factory: pytest.TempPathFactory, made):
    folder = tmp_path_factory.mktemp("corpus")
    write_wav(folder / "in" / "talk" / "audio.wav", b"\xff" * 960_001, b"\x80" * 960_001)
    write_labels(folder / "in" / "talk" / "labels.json", CallLabels(made, (Interval(1, 9),)))
    [call] = open_corpus(folder / "in", swap=False)

    export([call], folder / "out", "corpus")

    [again] = open_corpus(folder / "out", swap=False)
    assert known(again) == known(call)
    assert again.audio.stat().st_size == call.audio.stat().st_size


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_tells_its_progress(tmp_path: Path, call: LabelledCall, layout: str):
    done: list[str] = []

    export([call], tmp_path / "out", layout, lambda call: done.append(call.id))

    assert done == ["talk"]


def test_nothing_is_replaced_and_nothing_half_written(tmp_path: Path, call: LabelledCall):
    with pytest.raises(Conflict, match="exists already; give a new folder"):
        export([call], tmp_path / "corpus", "corpus")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't be written: a part of that path is a file"):
        export([call], tmp_path / "file" / "out", "corpus")
    gone = replace(call, audio=tmp_path / "gone.wav")
    with pytest.raises(Exception, match="no such file"):
        export([call, gone], tmp_path / "out", "corpus")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus", "file"]
