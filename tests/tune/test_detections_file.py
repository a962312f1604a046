from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.tune.detections_file import read_detections


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1.5, 2], "b": []}',
        '{"call": "a", "t": 1.5}\n\n{"call": "a", "t": 2}\n',
    ],
)
def test_both_forms_are_read(tmp_path: Path, text: str):
    (tmp_path / "d.json").write_text(text)

    assert read_detections(tmp_path / "d.json", ["a", "b"])["a"] == [1.5, 2]


def test_a_single_line_is_one_detection(tmp_path: Path):
    (tmp_path / "d.json").write_text('{"call": "a", "t": 1.5}')

    assert read_detections(tmp_path / "d.json", ["a"]) == {"a": [1.5]}


BAD = {
    '{"a": [1,\n 2': "line 2, column 3: damaged JSON",
    "[1]": "expected",
    '{"x": [1]}': "call 'x' is not in the corpus",
    '{"dev-01": [1]}': "did you mean dev-001?",
    '{"a": 1}': "call a: expected a list of seconds, not 1",
    '{"a": ["1"]}': "expected seconds, not '1'",
    '{"a": [NaN]}': "expected seconds, not nan",
    '{"call": "a", "t": 1}\n{"call": "a"}': "line 2: damaged; expected",
    '{"call": "a", "t": 1}\n7': "line 2: damaged; expected",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_damaged_is_told_with_its_place(tmp_path: Path, text: str):
    (tmp_path / "d.json").write_text(text)

    with pytest.raises(BadInput) as error:
        read_detections(tmp_path / "d.json", ["a", "dev-001"])

    assert BAD[text] in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(BadInput, match="can't be read: No such file"):
        read_detections(tmp_path / "d.json", [])
