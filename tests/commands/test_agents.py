from __future__ import annotations

from pathlib import Path

import pytest

SAM = """\
name: Sam
system_prompt: You sell software to garden centres.
first_message: Hello, this is Sam.
"""


@pytest.fixture
def sam(home: Path) -> Path:
    path = home.parent / "sam.yaml"
    path.write_text(SAM)
    return path


def change(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_an_empty_workspace_says_how_to_begin(run):
    assert "sdr-lab agents save FILE" in run("agents", "list").stderr


def test_save_makes_versions(run, run_json, sam: Path):
    assert run("agents", "save", sam).stdout == "sam is at version 1\n"
    assert run("agents", "save", sam).stdout == "sam is at version 1\n"
    change(sam, "Hello, this", "Hi, this")
    run("agents", "save", sam, "--note", "shorter", "--author", "kim")

    assert [(a["id"], a["version"]) for a in run_json("agents", "list")] == [("sam", 2)]
    assert [
        (v["version"], v["note"], v["author"]) for v in run_json("agents", "versions", "sam")
    ] == [
        (2, "shorter", "kim"),
        (1, "", ""),
    ]
    assert "shorter" in run("agents", "versions", "Sam").stdout
    assert "sam" in run("agents", "list").stdout


def test_show_prints_what_save_reads(run, run_json, sam: Path):
    run("agents", "save", sam)

    sam.write_text(run("agents", "show", "sam").stdout)

    assert run("agents", "save", sam).stdout == "sam is at version 1\n"
    assert run_json("agents", "show", "sam")["first_message"] == "Hello, this is Sam."


def test_diff_and_restore(run, run_json, sam: Path):
    run("agents", "save", sam)
    change(sam, "Hello, this", "Hi, this")
    run("agents", "save", sam)

    shown = run("agents", "diff", "sam", "1").stdout
    restored = run("agents", "restore", "sam", "1").stdout

    assert "first_message" in shown
    assert "-Hello, this is Sam." in shown
    assert "+Hi, this is Sam." in shown
    assert restored == "sam is at version 3\n"
    assert run_json("agents", "show", "sam", "--version", "2")["first_message"].startswith("Hi")


def test_delete_asks_and_undelete_brings_back(run, run_json, sam: Path):
    run("agents", "save", sam)

    assert "--yes" in run("agents", "delete", "sam", exit_code=1).stderr
    run("agents", "delete", "sam", "--yes")
    assert run_json("agents", "list") == []
    assert not run_json("agents", "list", "--deleted")[0]["is_active"]
    run("agents", "undelete", "sam")
    assert len(run_json("agents", "list")) == 1


def test_bad_input_is_one_line_and_keeps_nothing(run, run_json, sam: Path):
    for old, new, message in (
        ("name: Sam", "nam: Sam", "nam"),
        ("name: Sam", "name: Sam\ninterrupt: {min_energy: -1}", "min_energy"),
        ("name: Sam", "name: [", "YAML"),
    ):
        sam.write_text(SAM.replace(old, new))
        error = run("agents", "save", sam, exit_code=1).stderr
        assert message in error
        assert error.count("\n") == 1

    assert "no agent has the id or name 'kim'" in run("agents", "show", "kim", exit_code=1).stderr
    assert "no such agent file" in run("agents", "save", "no.yaml", exit_code=1).stderr
    assert run_json("agents", "list") == []


def test_schema_names_the_keys(run):
    assert '"first_message"' in run("agents", "schema").stdout
