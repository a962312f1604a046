from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from sdr_lab.errors import Conflict
from sdr_lab.tune.labels import KINDS, read_labels
from sdr_lab.tune.proposals import proposals
from sdr_lab.tune.review import open_proposals, reject, rejected
from sdr_lab.tune.review_desk import KEYS, Desk, context, write_snippet
from tests.tune.made_calls import channels, write_wav
from tests.tune.made_talks import LONG, logged, talk, words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return logged(tmp_path, words("yeah", 3000, 3600), words("how much is it", 7000, 8000))


def desk_of(folder: Path) -> Desk:
    return Desk(open_proposals(folder), lambda call: folder.parent / call, "ann")


def test_every_kind_has_a_key():
    assert sorted(KEYS.values()) == sorted(KINDS)
    assert not set(KEYS) & set("xkuqp")


def test_keys_answer_one_after_the_other(folder: Path):
    desk = desk_of(folder)
    assert desk.place == "1 of 2"
    assert desk.press("i") == "conv_1@7000 is labelled interruption"
    assert desk.place == "2 of 2"
    assert desk.press("x") == "conv_1@3000 is no event"
    assert desk.is_over
    assert desk.answered == 2
    assert [x.kind for x in read_labels(folder / "labels.json").labels] == ["interruption"]
    assert [x.proposal for x in rejected(folder)] == ["conv_1@3000"]


def test_arrows_move_onset_and_offset(folder: Path):
    desk = desk_of(folder)
    for key in ("left", "left", "up"):
        desk.press(key)
    assert desk.press("down") == "6.90 to 8.00 s"
    assert desk.press("up") == "6.90 to 8.05 s"
    desk.press("b")
    (label,) = read_labels(folder / "labels.json").labels
    assert (label.kind, label.onset_ms, label.offset_ms) == ("backchannel", 6900, 8050)


def test_times_stay_within_the_call_and_apart(folder: Path):
    desk = desk_of(folder)
    for _ in range(200):
        desk.press("up")
        desk.press("left")
    assert desk.span == (0, 12_000)
    for _ in range(400):
        desk.press("right")
    assert desk.span == (11_950, 12_000)


def test_skipped_ones_stay_open(folder: Path):
    desk = desk_of(folder)
    desk.press("k")
    desk.press("k")
    assert desk.is_over
    assert len(open_proposals(folder)) == 2


def test_undo_opens_the_last_answer(folder: Path):
    desk = desk_of(folder)
    assert desk.press("u") == "nothing to take back"
    desk.press("n")
    desk.press("x")
    assert desk.press("u") == "conv_1@3000 is open again"
    assert not desk.is_over
    assert desk.current is not None
    assert desk.current.id == "conv_1@3000"
    desk.press("u")
    assert read_labels(folder / "labels.json").labels == ()


def test_quitting_keeps_the_rest(folder: Path):
    desk = desk_of(folder)
    assert desk.press("q") == "the rest is kept for the next time"
    assert desk.is_over
    assert desk.current is None
    assert len(open_proposals(folder)) == 2


def test_other_keys_do_nothing(folder: Path):
    desk = desk_of(folder)
    assert desk.press("z") == ""
    assert desk.place == "1 of 2"


def test_what_another_has_answered_stays_where_it_is(folder: Path):
    desk = desk_of(folder)
    missed, _ = proposals(folder)
    reject(folder, missed, "bob")
    with pytest.raises(Conflict, match="bob has rejected it"):
        desk.press("i")
    assert desk.place == "1 of 2"


def test_an_empty_stack_is_over(folder: Path):
    assert Desk([], lambda call: folder, "ann").is_over


def test_context_shows_what_was_said_around(tmp_path: Path):
    folder = talk(tmp_path, "Wait, how much is it?")
    (one,) = proposals(folder)
    lines = context(folder, one.onset_ms, one.offset_ms)
    texts = [(line.who, line.text) for line in lines]
    assert ("caller", "Tell me more.") in texts
    assert any(who == "agent" and LONG[:20] in text for who, text in texts)
    assert [line.text for line in lines if line.is_here] == ["Wait, how much is it?"]


def test_a_snippet_holds_both_channels_and_two_seconds_around(folder: Path, tmp_path: Path):
    write_wav(folder / "audio.wav", *channels())
    path = write_snippet(folder, 4000, 5200, tmp_path / "cut.wav")
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(pcm) == 8 * 5200
    assert np.abs(pcm[: 8 * 1900, 0]).max() < 300 < np.abs(pcm[8 * 2000 : 8 * 3200, 0]).max()
    assert np.abs(pcm[:, 1]).max() > 5000
