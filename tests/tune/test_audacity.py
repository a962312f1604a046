from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from sdr_lab.errors import BadInput
from sdr_lab.tune.audacity import read_track, write_track
from sdr_lab.tune.labels import CallLabels, Interval, Label
from tests.tune.made_labels import labels

TRACK = """\
0.500000\t6.000000\tagent
1.234567\t2.000000\tinterruption: he asks the price
\\\t300.000000\t3400.000000
3,1\t3,4\tBackchannel
4.000000\t4.250000\tside speech: to his wife: "no"

7.000000\t7.100000\tNOISE
"""


@pytest.fixture
def track(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "track.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_track_is_read(track):
    found = read_track(track(TRACK), by="kim", duration_ms=8000)

    assert found == CallLabels(
        labels=(
            Label("interruption", 1235, 2000, "kim", "he asks the price"),
            Label("backchannel", 3100, 3400, "kim"),
            Label("side_speech", 4000, 4250, "kim", 'to his wife: "no"'),
            Label("noise", 7000, 7100, "kim"),
        ),
        agent=(Interval(500, 6000),),
    )


def test_labels_without_a_kind_may_be_given_one(track):
    found = read_track(track("1\t2\the coughs: loudly\n3\t4\tnoise\n"), kind="nonverbal")

    assert found.labels == (
        Label("nonverbal", 1000, 2000, note="he coughs: loudly"),
        Label("noise", 3000, 4000),
    )


BAD = {
    "1\t2\tinteruption\n": "line 1: type 'interuption' is unknown",
    "1\t2\t\n": "type '' is unknown",
    "\n1 2 noise\n": "line 2: '1 2 noise' is no label; expected start, end and text, with tabs",
    "a\tb\tnoise\n": "is no label",
    "nan\t2\tnoise\n": "is no label",
    "2\t2\tnoise\n": "has no length",
    "2\t1\tagent\n": "has no length",
    "-1\t1\tnoise\n": "begins before the recording",
    "1\t9\tnoise\n": "lies past the end",
    "1\t3\tnoise\n2\t4\tnoise\n": "overlap",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_label_is_told_with_its_line(track, text: str):
    with pytest.raises(BadInput) as error:
        read_track(track(text), duration_ms=8000)

    assert BAD[text] in str(error.value)


def test_a_track_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "x.txt").write_bytes(b"1\t2\t\xff\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_track(tmp_path / "x.txt")


@given(labels())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, made):
    path = tmp_path_factory.mktemp("track") / "track.txt"
    what = CallLabels(made, (Interval(100, 5000), Interval(7000, 7001)))

    write_track(path, what)

    assert read_track(path, "kim", duration_ms=120_000) == what
