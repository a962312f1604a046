from __future__ import annotations

from pathlib import Path

import pytest

from tests.tune.made_calls import EVENTS, channels, corpus, write_wav
from tests.tune.made_talks import talk

QUIET = (("interruption", 4.0, 5.2, 300.0),)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return corpus(tmp_path / "corpus", talk=EVENTS, quiet=QUIET)


@pytest.mark.parametrize("name", ["talk", "calls/talk.wav"])
def test_a_call_of_a_corpus_is_explained(run, calls: Path, name: str):
    text = run(
        "interrupts", "explain", calls / name, "--at", "0:04.3", "--detector", "energy"
    ).stdout
    assert text.startswith("Call talk at 4.30 s: energy stopped the agent at 4.10 s, 100 ms after")
    assert "min_speech_ms ≥" in text


def test_settings_change_the_answer(run_json, calls: Path):
    args = ("interrupts", "explain", calls / "quiet", "--at", "4.3", "--detector", "energy")
    assert run_json(*args)["stopped"] is False
    said = run_json(*args, "--set", "min_energy=100", "--no-what-if")
    assert said["stopped"] is True
    assert said["settings"]["min_energy"] == 100
    assert said["changes"] == []


def test_a_picture_is_drawn(run, calls: Path, tmp_path: Path):
    path = tmp_path / "why.png"
    told = run(
        "interrupts", "explain", calls / "talk", "--at", "4.3", "--detector", "energy",
        "--no-what-if", "--picture", path,
    ).stdout  # fmt: skip
    assert told.endswith(f"picture: {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_live_call_is_explained_with_what_it_ran_with(run, home: Path):
    folder = talk(home / "calls", "mm-hmm", 0.4)
    run("calls", "reindex")
    for key in (folder.name, folder):
        text = run("interrupts", "explain", key, "--at", "4.6").stdout
        assert "energy stopped the agent at 4.58 s; nobody has labelled what it was" in text
        assert "live call         4.58 s: stopped by energy" in text


@pytest.mark.parametrize(
    ("call", "options", "told"),
    [
        ("talk", ["--at", "99"], "--at: 99.00 s lies outside call talk; allowed: 0 to 12.00 s"),
        ("talk", ["--at", "soon"], "--at: got 'soon', allowed: seconds"),
        ("talk", ["--at", "1", "--picture", "a.gif"], "written as .png or .svg"),
        ("talk", ["--at", "1", "--detector", "enery"], "did you mean"),
        ("nobody", ["--at", "1"], "has no call 'nobody'; it has talk, quiet"),
        ("", ["--at", "1"], "holds many calls or none; name one"),
    ],
)
def test_bad_input_is_one_line(run, calls: Path, call: str, options: list[str], told: str):
    result = run("interrupts", "explain", calls / call, *options, exit_code=1)
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_unknown_calls_are_said(run):
    assert "conv_9" in run("interrupts", "explain", "conv_9", "--at", "1", exit_code=1).stderr


def test_swapped_channels_are_said(run, tmp_path: Path):
    folder = corpus(tmp_path / "swapped")
    caller, agent = channels()
    write_wav(folder / "calls" / "talk.wav", agent, caller)
    args = ("interrupts", "explain", folder / "talk", "--at", "4.3", "--detector", "energy")
    assert "channels look swapped" in run(*args, exit_code=1).stderr
    assert "stopped the agent at 4.10 s" in run(*args, "--swap", "--no-what-if").stdout


def test_a_call_is_drawn(run, calls: Path, tmp_path: Path):
    out = tmp_path / "pictures"
    args = ("interrupts", "plot", calls / "talk", "--detector", "energy", "--out", out)
    assert run(*args, "--from", "3", "--to", "0:06").stdout == f"{out / 'talk.png'}\n"
    assert run(*args, "--svg").stdout == f"{out / 'talk.svg'}\n"
    assert "not after --from 6" in run(*args, "--from", "6", "--to", "5", exit_code=1).stderr
    assert "--from: 60.00 s lies outside" in run(*args, "--from", "60", exit_code=1).stderr


def test_a_corpus_is_drawn(run, calls: Path, tmp_path: Path):
    out = tmp_path / "pictures"
    told = run("interrupts", "plot", calls, "--detector", "energy", "--out", out).stdout
    assert told.split() == [
        str(out / name) for name in ("false-stops-by-cause.png", "latency-stop.png")
    ]


def test_a_sweep_is_drawn(run, calls: Path, tmp_path: Path):
    table, out = tmp_path / "sweep.parquet", tmp_path / "pictures"
    run(
        "interrupts", "sweep", calls, "--detector", "energy", "--grid", "min_energy=100,200,800",
        "--grid", "min_speech_ms=60,100", "--out", table, "--jobs", "1",
    )  # fmt: skip
    run("interrupts", "plot", table, "--out", out)
    assert sorted(p.name for p in out.iterdir()) == [
        "f1-min_energy-min_speech_ms.png", "recall-false-per-min.png", "recall-precision.png",
    ]  # fmt: skip
    told = run("interrupts", "plot", table, "--out", out, "--x", "loudness", exit_code=1).stderr
    assert "setting 'loudness': not in the table" in told


def test_what_is_no_table_is_said(run, tmp_path: Path):
    path = tmp_path / "sweep.parquet"
    assert "no such file" in run("interrupts", "plot", path, exit_code=1).stderr
    path.write_text("no")
    assert "is no table of a sweep" in run("interrupts", "plot", path, exit_code=1).stderr
