"""`sdr-lab replay`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.replay.recorded import recorded

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return recorded(tmp_path / "calls").folder


def test_the_same_settings_decide_the_same(run: Run, run_json: Callable[..., Any], folder: Path):
    told = run("replay", folder).stdout
    assert "decisions are the same (detector " in told
    assert "cut in" in told

    as_json = run_json("replay", folder)
    assert as_json["same_decisions"] is True
    assert as_json["differences"] == []
    assert as_json["live"] == as_json["replay"]
    assert as_json["call"] == folder.name
    assert {"at_ms", "kind", "moment_ms", "why"} == set(as_json["live"][0])


def test_other_settings_are_compared(run: Run, run_json: Callable[..., Any], folder: Path):
    options = ("--set", "enabled=false", "--set", "SILENCE_THRESHOLD_SEC=0.5")
    as_json = run_json("replay", folder, *options)
    assert as_json["same_decisions"] is False
    assert as_json["settings"]["interrupt"]["enabled"] is False
    assert as_json["settings"]["endpoint"]["silence_ms"] == 500
    kinds = {difference["kind"] for difference in as_json["differences"]}
    assert kinds >= {"cut_in", "turn_ending"}

    told = run("replay", folder, *options, "--differences").stdout
    assert "no longer" in told
    assert "moved" in told
    assert "silence" not in told
    assert "differences" in told.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--set", "min_enrgy=3"), "did you mean min_energy"),
        (("--set", "min_energy=loud"), "INTERRUPT_MIN_ENERGY"),
        (("--set", "min_energy"), "KEY=VALUE"),
        (("--detector", "webrct"), "webrtc"),
    ],
)
def test_bad_options_are_one_line(run: Run, folder: Path, options: tuple[str, ...], told: str):
    result = run("replay", folder, *options, exit_code=1)
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_unknown_calls(run: Run, tmp_path: Path):
    assert "no call has the id" in run("replay", "conv_nope", exit_code=1).stderr
    assert "holds no call.json" in run("replay", tmp_path, exit_code=1).stderr


def test_a_recording_that_breaks_off_is_told(run: Run, folder: Path):
    whole = (folder / "audio.wav").read_bytes()
    (folder / "audio.wav").write_bytes(whole[:16_000])  # a second of two channels

    [line] = run("replay", folder).stderr.splitlines()

    assert re.search(r"audio\.wav: breaks off at (0\.99|1\.00) s, decisions are logged until", line)
