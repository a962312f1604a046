from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.errors import BadInput, StorageError
from sdr_lab.tune.labels import (
    CallLabels,
    Interval,
    Label,
    ms_of,
    read_labels,
    s_of,
    write_labels,
)
from tests.tune.made_labels import labels

FULL = CallLabels(
    labels=(
        Label("interruption", 1000, 2000, "kim", "he asks the price"),
        Label("noise", 2500, 2600, extra={"level_db": -30.5}),
    ),
    agent=(Interval(0, 5000), Interval(6000, 7000)),
    tags={"scene": "street"},
    caller_turns=(Interval(5200, 5800),),
)


def test_what_is_written_is_read(tmp_path: Path):
    path = tmp_path / "labels.json"

    write_labels(path, FULL)

    assert read_labels(path, 8000) == FULL
    assert json.loads(path.read_text())["labels"][0] == {
        "type": "interruption", "onset_s": 1.0, "offset_s": 2.0,
        "by": "kim", "note": "he asks the price",
    }  # fmt: skip


def test_labels_are_read_in_order_of_onset(tmp_path: Path):
    path = tmp_path / "labels.json"
    rows = [{"type": "noise", "onset_s": s, "offset_s": s + 0.5} for s in (3, 1, 2)]
    path.write_text(json.dumps({"labels": rows}))

    assert [label.onset_ms for label in read_labels(path).labels] == [1000, 2000, 3000]
    assert read_labels(path).agent is None


def one(**changes) -> dict:
    row = {"type": "noise", "onset_s": 1, "offset_s": 2} | changes
    return {"version": 1, "labels": [row]}


BAD = {
    "no list": ([], "expected"),
    "other version": ({"version": 2, "labels": []}, "version 2 is unknown; allowed: 1"),
    "misspelled": (one(type="nose"), "labels[0]: type 'nose' is unknown; allowed: interruption"),
    "no type": ({"labels": [{"onset_s": 1, "offset_s": 2}]}, "labels[0]: has no type; allowed: "),
    "huge": (one(offset_s=int("9" * 400)), f"offset_s: {'9' * 20} is no time within a call"),
    "hint": (one(type="interuption"), "did you mean interruption?"),
    "no time": (one(onset_s=None), "labels[0], onset_s: expected seconds, not None"),
    "text": (one(onset_s="1"), "expected seconds, not '1'"),
    "milliseconds": (one(offset_s=2e8), "no time within a call"),
    "negative": (one(onset_s=-1), "noise -1.000–2.000 s begins before the recording"),
    "no length": (one(offset_s=1), "noise 1.000–1.000 s has no length"),
    "backwards": (one(offset_s=0.5), "has no length"),
    "past the end": (one(offset_s=10.5), "lies past the end: the recording ends at 10.000 s"),
    "no object": ({"labels": [7]}, "expected an object with type, onset_s and offset_s, not 7"),
    "agent": ({**one(), "agent": [[2, 1]]}, "agent[0]: [2, 1] has no length"),
    "agent overlaps": ({**one(), "agent": [[0, 2], [1, 3]]}, "overlap; join them"),
    "agent pair": ({**one(), "agent": [[0]]}, "expected [start, end] in seconds, not [0]"),
    "tags": ({**one(), "tags": ["x"]}, "tags must be an object"),
    "overlap": (
        {"labels": one()["labels"] + one(onset_s=1.5, offset_s=3)["labels"]},
        "noise 1.000–2.000 s and noise 1.500–3.000 s overlap",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_labels_that_cannot_be_are_refused_in_one_line(tmp_path: Path, case: str):
    row, told = BAD[case]
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(row))

    with pytest.raises(BadInput) as error:
        read_labels(path, 10_000)

    assert told in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_of_different_kinds_may_overlap(tmp_path: Path):
    path = tmp_path / "labels.json"
    what = CallLabels((Label("interruption", 0, 2000), Label("noise", 500, 900)))

    write_labels(path, what)

    assert read_labels(path) == what


def test_damaged_json_is_told_with_its_line(tmp_path: Path):
    path = tmp_path / "labels.json"
    path.write_text('{"version": 1,\n"labels": [\n{"type": }]}')

    with pytest.raises(BadInput, match=r"labels.json, line 3, column 10: damaged JSON"):
        read_labels(path)


def test_a_number_of_thousands_of_digits_is_damaged(tmp_path: Path):
    path = tmp_path / "labels.json"
    path.write_text('{"version": 1, "labels": [], "x": ' + "9" * 5000 + "}")

    with pytest.raises(BadInput, match=r"labels.json: damaged JSON: Exceeds the limit"):
        read_labels(path)


def test_a_byte_order_mark_is_no_damage(tmp_path: Path):
    path = tmp_path / "labels.json"
    path.write_text('{"version": 1, "labels": []}', encoding="utf-8-sig")

    assert read_labels(path) == CallLabels()


def test_a_missing_or_binary_file_is_told(tmp_path: Path):
    with pytest.raises(BadInput, match="can't be read: No such file"):
        read_labels(tmp_path / "labels.json")
    (tmp_path / "labels.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_labels(tmp_path / "labels.json")


def test_a_folder_that_is_not_there_can_not_be_written(tmp_path: Path):
    with pytest.raises(StorageError, match="can't write"):
        write_labels(tmp_path / "no" / "labels.json", FULL)


@given(st.integers(0, 10**8))
def test_times_survive_the_file(ms: int):
    assert ms_of(json.loads(json.dumps(s_of(ms)))) == ms


@given(labels())
def test_any_labels_survive_the_file(tmp_path_factory: pytest.TempPathFactory, made):
    path = tmp_path_factory.mktemp("any") / "labels.json"

    write_labels(path, CallLabels(made))

    assert read_labels(path, 120_000).labels == made
