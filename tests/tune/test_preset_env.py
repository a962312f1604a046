from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values

from sdr_lab.errors import BadInput, StorageError
from sdr_lab.tune.preset_env import update_env, with_lines

LINES = {"INTERRUPT_MIN_ENERGY": "900", "INTERRUPT_HOLD_SCORE": ""}


def test_comments_and_other_lines_stay():
    text = (
        '# keys\nOPENAI="a # b"\n\nINTERRUPT_MIN_ENERGY=800  # as the seed\n'
        "#INTERRUPT_MIN_ENERGY=1\nLAST=1"
    )

    assert with_lines(text, LINES) == (
        '# keys\nOPENAI="a # b"\n\nINTERRUPT_MIN_ENERGY=900  # as the seed\n'
        "#INTERRUPT_MIN_ENERGY=1\nLAST=1\nINTERRUPT_HOLD_SCORE=\n"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("export INTERRUPT_MIN_ENERGY=1\n", "export INTERRUPT_MIN_ENERGY=900\n"),
        ("INTERRUPT_MIN_ENERGY = '1'\n", "INTERRUPT_MIN_ENERGY =900\n"),
        ('INTERRUPT_MIN_ENERGY="1 # 2" # why\n', "INTERRUPT_MIN_ENERGY=900 # why\n"),
        ("INTERRUPT_MIN_ENERGY=\n", "INTERRUPT_MIN_ENERGY=900\n"),
        ("INTERRUPT_MIN_ENERGY\nB=1\n", "INTERRUPT_MIN_ENERGY=900\nB=1\n"),
        ("\r\nINTERRUPT_MIN_ENERGY=1\r\nB=1\r\n", "\r\nINTERRUPT_MIN_ENERGY=900\r\nB=1\r\n"),
        ("INTERRUPT_MIN_ENERGY=1\nINTERRUPT_MIN_ENERGY=2\n", "INTERRUPT_MIN_ENERGY=900\n" * 2),
        (
            "A='x\nINTERRUPT_MIN_ENERGY=1\n'\n",
            "A='x\nINTERRUPT_MIN_ENERGY=1\n'\n" + "INTERRUPT_MIN_ENERGY=900\n",
        ),
        ("", "INTERRUPT_MIN_ENERGY=900\n"),
        ("A=1\r\n", "A=1\r\nINTERRUPT_MIN_ENERGY=900\r\n"),
    ],
)
def test_lines_of_every_form_are_changed(old: str, new: str, tmp_path: Path):
    made = with_lines(old, {"INTERRUPT_MIN_ENERGY": "900"})

    assert made == new
    file = tmp_path / "x.env"
    file.write_bytes(made.encode())
    assert dotenv_values(file)["INTERRUPT_MIN_ENERGY"] == "900"


def test_a_file_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path):
    real, link = tmp_path / "real.env", tmp_path / ".env"
    real.write_text("A=1\n")
    real.chmod(0o640)
    link.symlink_to(real)

    update_env(link, LINES)

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.read_text() == "A=1\nINTERRUPT_MIN_ENERGY=900\nINTERRUPT_HOLD_SCORE=\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "real.env"]


def test_a_new_file_is_its_owners_alone(tmp_path: Path):
    update_env(tmp_path / "new.env", LINES)

    assert (tmp_path / "new.env").stat().st_mode & 0o777 == 0o600


def test_what_is_no_text_is_left_alone(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_bytes(b"A=\xff\n")

    with pytest.raises(BadInput, match="not UTF-8"):
        update_env(file, LINES)
    assert file.read_bytes() == b"A=\xff\n"
    with pytest.raises(StorageError):
        update_env(tmp_path / "no" / "folder.env", LINES)
