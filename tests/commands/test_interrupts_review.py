from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdr_lab.commands.interrupts_review import ARROWS, Player, answer_all, user
from sdr_lab.tune.labels import read_labels
from sdr_lab.tune.review import open_proposals, reject
from sdr_lab.tune.review_desk import Desk
from tests.tune.made_talks import LONG, logged, talk, words


@pytest.fixture
def folder(home: Path) -> Path:
    return logged(home / "calls", words("yeah", 3000, 3600), words("how much is it", 7000, 8000))


def desk_of(folder: Path) -> Desk:
    return Desk(open_proposals(folder), lambda call: folder.parent / call, "ann")


def keys(*pressed: str):
    """Press keys; then the terminal is closed."""
    left: Iterator[str] = iter(pressed)

    def read() -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    return read


def test_the_queue_is_listed(run, run_json, folder: Path):
    text = run("interrupts", "review", "--list").stdout
    assert text.splitlines()[0].split() == [
        "id",
        "priority",
        "probably",
        "from",
        "s",
        "to",
        "s",
        "why",
    ]
    assert "conv_1@7000" in text.splitlines()[1]
    rows = run_json("interrupts", "review")
    assert [(r["id"], r["kind"], r["priority"]) for r in rows] == [
        ("conv_1@7000", "interruption", "high"), ("conv_1@3000", "backchannel", "low"),
    ]  # fmt: skip
    for key in ("conv_1", folder, folder.parent):
        assert run_json("interrupts", "review", key) == rows


def test_answers_may_be_given_as_options(run, folder: Path):
    review = ("interrupts", "review")
    told = run(*review, "--accept", "conv_1@7000", "--type", "side_speech", "--by", "ann").stdout
    assert told == "conv_1@7000 is labelled side_speech by ann\n"
    told = run(*review, "--reject", "conv_1@3000", "--by", "ann").stdout
    assert told == "conv_1@3000 is no event by ann\n"
    assert run(*review, "--list").stdout == "nothing waits for review in 1 call\n"
    assert run(*review).stdout == "nothing waits for review in 1 call\n"
    (label,) = read_labels(folder / "labels.json").labels
    assert (label.kind, label.by) == ("side_speech", "ann")
    assert run(*review, "--undo", "conv_1@7000").stdout == "conv_1@7000 is open again\n"
    answer = json.loads(run(*review, "--accept", "conv_1@7000", "--json").stdout)
    assert (answer["kind"], answer["by"]) == ("interruption", user())


def test_another_detector_can_be_asked(run_json, home: Path):
    talk(home / "calls", "Wait, how much is it?")
    (one,) = run_json("interrupts", "review", "--compare", "energy")
    assert one["reason"].endswith("energy would have stopped")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "2 proposals wait, and nobody is there to press keys: give --list"),
        (["--accept", "conv_1@1"], "not open in call conv_1; open: conv_1@7000, conv_1@3000"),
        (["--accept", "conv_1@7000", "--type", "nois"], "type 'nois' is unknown"),
        (["--accept", "a@1", "--reject", "b@1"], "give one of --accept, --reject and --undo"),
        (["--reject", "nonsense"], "proposal nonsense: no call ''"),
        (["--undo", "conv_1@7000"], "has no answer that could be taken back"),
        (["conv_9"], "conv_9"),
        (["--compare", "enrgy"], "did you mean"),
    ],
)
def test_bad_input_is_one_line(run, folder: Path, options: list[str], told: str):
    result = run("interrupts", "review", *options, exit_code=1)
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_person_goes_through_the_queue(folder: Path, capsys: pytest.CaptureFixture[str]):
    desk = desk_of(folder)
    played: list[str] = []

    def play(desk: Desk) -> str:
        assert desk.current is not None
        played.append(desk.current.id)
        return "playing"

    answer_all(desk, keys("p", "\x1b[D", "?", "I", "x"), play)
    shown = capsys.readouterr().out
    assert "1 of 2  conv_1@7000  7.00 to 8.00 s  probably interruption (high)" in shown
    assert LONG[:30] in shown
    assert "▸    7.00 s  caller  how much is it" in shown
    assert "6.95 to 8.00 s" in shown
    assert "i interruption  b backchannel" in shown  # after a key that means nothing
    assert "conv_1@3000 is no event" in shown
    assert played == ["conv_1@7000", "conv_1@7000", "conv_1@3000"]
    (label,) = read_labels(folder / "labels.json").labels
    assert (label.onset_ms, label.by) == (6950, "ann")


def test_a_closed_terminal_keeps_the_rest(folder: Path):
    desk = desk_of(folder)
    answer_all(desk, keys("k"), lambda desk: "")
    assert desk.is_over
    assert len(open_proposals(folder)) == 2


def test_an_answer_that_came_first_is_told(folder: Path, capsys: pytest.CaptureFixture[str]):
    desk = desk_of(folder)
    reject(folder, open_proposals(folder)[0], "bob")
    answer_all(desk, keys("i", "q"), lambda desk: "")
    assert "bob has rejected it" in capsys.readouterr().err


def test_arrows_of_all_terminals_are_known():
    assert set(ARROWS.values()) == {"left", "right", "up", "down"}


def test_the_snippet_is_written_where_it_is_said(folder: Path, tmp_path: Path):
    desk = desk_of(folder)
    with Player(tmp_path) as player:
        told = player.play(desk)
    assert str(tmp_path / "conv_1@7000.wav") in told
    assert (tmp_path / "conv_1@7000.wav").stat().st_size > 8000
