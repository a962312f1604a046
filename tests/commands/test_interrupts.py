"""`sdr-lab interrupts`: detect, score, import, export, label."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import soundfile
from typer.testing import Result

from sdr_lab.tune.labels import Label, read_labels, write_labels
from sdr_lab.tune.review import labels_of_call, locked
from tests.tune.made_calls import EVENTS, channels, corpus, write_wav

Run = Callable[..., Result]
ENERGY = ("--detector", "energy")


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Two calls: `loud` with an interruption and distractors, `quiet` with one at half the level
    that `energy` asks for.
    """
    return corpus(tmp_path / "corpus", loud=EVENTS, quiet=(("interruption", 4.0, 5.2, 300.0),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_wav(tmp_path / "conv_9" / "audio.wav", *channels())
    return tmp_path / "conv_9"


def told(result: Result) -> str:
    """The one line on standard error."""
    [line] = result.stderr.splitlines()
    return line


def test_detections_are_written_and_scored(run: Run, run_json, calls: Path, tmp_path: Path):
    out = tmp_path / "detections.json"

    shown = run("interrupts", "detect", calls, *ENERGY, "--out", out).stdout

    assert json.loads(out.read_text())["loud"][0] == 4.1
    assert "stops of energy in 2 calls" in shown
    by_file = run_json("interrupts", "score", calls, "--detections", out)
    assert by_file == run_json("interrupts", "score", calls, *ENERGY)
    assert (by_file["interruptions"], by_file["recall"]) == (2, 0.5)
    assert by_file["false_by_cause"] == {"backchannel": 1, "noise": 1}


def test_detections_go_to_standard_output(run: Run, calls: Path):
    found = json.loads(run("interrupts", "detect", calls, *ENERGY).stdout)

    assert list(found) == ["loud", "quiet"]
    assert found["quiet"] == []


def test_holds_of_a_detector_without_holds_are_its_stops(run: Run, run_json, calls: Path):
    stops = run("interrupts", "detect", calls, *ENERGY).stdout
    holds = run("interrupts", "detect", calls, *ENERGY, "--decision", "hold").stdout

    assert holds == stops
    held = run_json("interrupts", "score", calls, *ENERGY, "--hold")
    assert held == run_json("interrupts", "score", calls, *ENERGY)


def test_a_score_for_people(run: Run, calls: Path):
    result = run("interrupts", "score", calls, *ENERGY)

    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "energy: 2 calls" in lines
    assert "recall 50.0% of 2 interruptions" in lines
    assert "latency median 100 ms, p90 100 ms" in lines
    assert "backchannel 1 3.33" in lines  # in 18.4 s of the agent's speech, 0.3 min
    assert result.stderr == ""  # no progress bar where nobody looks


def test_tags_are_in_the_order_of_their_numbers(run: Run, calls: Path):
    truth = calls / "truth.json"
    rows = json.loads(truth.read_text())
    for row, snr_db in zip(rows, (10, 9), strict=True):
        row["tags"] = {"snr_db": snr_db}
    truth.write_text(json.dumps(rows))

    shown = run("interrupts", "score", calls, *ENERGY).stdout

    assert shown.index("snr=9 ") < shown.index("snr=10 ")


def test_settings_come_from_the_command_the_agent_and_the_configuration(
    run: Run, run_json, calls: Path, tmp_path: Path
):
    def recall(*options: object, before: tuple[object, ...] = ()) -> float:
        return json.loads(
            run(*before, "interrupts", "score", calls, "--json", *ENERGY, *options).stdout
        )["recall"]

    agent = tmp_path / "sam.yaml"
    agent.write_text(
        "id: sam\nname: Sam\nsystem_prompt: You sell.\nfirst_message: Hello.\n"
        "interrupt: {min_energy: 200}\n"
    )

    assert recall() == 0.5
    assert recall("--set", "min_energy=200") == 1.0
    assert recall("--agent", agent) == 1.0
    assert recall(before=("--set", "INTERRUPT_MIN_ENERGY=200")) == 1.0
    assert recall("--agent", agent, "--set", "INTERRUPT_MIN_ENERGY=9000") == 0.0


def test_a_score_that_is_missed_exits_with_1(run: Run, calls: Path):
    ok = ("--min-f1", 0.3, "--min-recall", 0.5, "--max-false-per-min", 8)
    run("interrupts", "score", calls, *ENERGY, *ok)

    bad = ("--min-f1", 0.9, "--max-false-per-min", 1)
    result = run("interrupts", "score", calls, *ENERGY, *bad, exit_code=1)

    assert told(result).startswith("F1 0.4 is below --min-f1 0.9; ")
    assert told(result).endswith("false a minute are above --max-false-per-min 1")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--detector", "energi"), "did you mean energy?"),
        (("--set", "min_enrgy=3"), "did you mean min_energy?"),
        (("--set", "min_energy=loud"), "setting INTERRUPT_MIN_ENERGY: got 'loud', allowed"),
        (("--set", "min_energy"), "expected KEY=VALUE"),
        (("--agent", "nobody"), "nobody"),
        (("--detections", "no.json"), "no.json: can't be read: No such file"),
        (("--detections", "no.json", "--hold"), "not both"),
        (("--detector", "energy", "--set", "detector=hybrid"), "contradict each other; give one"),
        (("--detector", "json:JSONDecoder"), "detector 'json:JSONDecoder': can't be made of"),
    ],
)
def test_what_can_not_be_scored_is_told_in_one_line(run: Run, calls: Path, options, line: str):
    assert line in told(run("interrupts", "score", calls, *options, exit_code=1))


def test_calls_without_labels_are_told(run: Run, folder: Path):
    result = run("interrupts", "score", folder, *ENERGY, exit_code=1)

    assert "no labels in 1 call, nothing to score against; label them with" in told(result)


def test_where_nothing_can_be_written_nothing_is_computed(run: Run, calls: Path, tmp_path: Path):
    for out in (tmp_path, tmp_path / "no" / "file.json"):
        result = run("interrupts", "detect", calls, "--out", out, exit_code=1)
        assert "give the name of a file" in told(result)


def test_swapped_channels_are_refused_until_said(run: Run, run_json, tmp_path: Path):
    path = corpus(tmp_path / "corpus")
    right = run_json("interrupts", "score", path, *ENERGY)
    write_wav(path / "calls" / "talk.wav", *reversed(channels()))

    refused = told(run("interrupts", "score", path, *ENERGY, exit_code=1))

    assert "channels look swapped: caller must be left; use --swap" in refused
    assert run_json("interrupts", "score", path, *ENERGY, "--swap") == right
    assert run_json("interrupts", "score", path, *ENERGY, "--no-swap") != right


def test_recordings_come_in_and_go_out(run: Run, run_json, tmp_path: Path):
    source = corpus(tmp_path / "corpus")
    figures = run_json("interrupts", "score", source, *ENERGY)
    run("interrupts", "export", source, "--to", "audacity", "--out", tmp_path / "tracks")

    result = run(
        "interrupts", "import", tmp_path / "tracks" / "talk.wav", "--into", tmp_path / "calls",
        "--by", "kim", "--id", "talk_2",
    )  # fmt: skip
    run("interrupts", "export", tmp_path / "calls", "--out", tmp_path / "again")

    assert f"{tmp_path / 'calls' / 'talk_2'}: 12.0 s, 3 labels" in result.stdout
    assert "its labels are taken" in told(result)
    again = run_json("interrupts", "score", tmp_path / "again", *ENERGY)
    assert {**again, "by_tag": {}} == {**figures, "by_tag": {}}


def test_two_raw_files_are_one_call(run: Run, tmp_path: Path):
    files = tmp_path / "caller.ulaw", tmp_path / "agent.ulaw"
    for file, sound in zip(files, channels(), strict=True):
        file.write_bytes(sound)

    shown = run("interrupts", "import", *files, "--into", tmp_path / "calls", "--id", "one").stdout

    assert "one: 12.0 s, 0 labels" in shown
    info = soundfile.info(tmp_path / "calls" / "one" / "audio.wav")
    assert (info.channels, info.subtype, info.samplerate) == (2, "ULAW", 8000)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--swap", "--caller-channel", "left"), "contradict each other"),
        (("--type", "cough"), "--type: type 'cough' is unknown"),
        (("--labels", "no.txt"), "no.txt: can't be read"),
        (("--id", "a/b"), "not the name of a folder"),
    ],
)
def test_what_can_not_be_imported_is_told(run: Run, tmp_path: Path, options, line: str):
    wav = write_wav(tmp_path / "talk.wav", *channels())

    result = run("interrupts", "import", wav, "--into", tmp_path / "c", *options, exit_code=1)

    assert line in told(result)
    assert not (tmp_path / "c" / "talk").exists()


def test_labels_are_added_listed_and_removed(run: Run, run_json, folder: Path):
    def add(kind: str, onset: float, offset: float, *more: object, exit_code: int = 0) -> Result:
        return run(
            "interrupts", "label", folder, "--type", kind, "--onset", onset, "--offset", offset,
            *more, exit_code=exit_code,
        )  # fmt: skip

    add("noise", 9, 9.2)
    shown = add("interruption", 4, 5.2, "--by", "kim", "--note", "asks the price").stdout

    assert shown.split("\n")[1].split() == [
        "1", "4.000", "5.200", "interruption", "kim", "asks", "the", "price",
    ]  # fmt: skip
    assert read_labels(folder / "labels.json").labels[0] == Label(
        "interruption", 4000, 5200, "kim", "asks the price"
    )
    assert "overlap" in told(add("noise", 9.1, 9.5, exit_code=1))
    assert "lies past the end" in told(add("noise", 11, 13, exit_code=1))
    assert "did you mean noise?" in told(add("nose", 1, 2, exit_code=1))
    assert "allowed: seconds" in told(add("noise", float("nan"), 2, exit_code=1))
    far = told(add("noise", 1, 1e300, exit_code=1))
    assert far == "--offset: got 1e+300, allowed: seconds from the beginning"
    run("interrupts", "label", folder, "--remove", 2)
    listed = run_json("interrupts", "label", folder)
    assert [row["type"] for row in listed] == ["interruption"]


def test_a_label_waits_for_whoever_is_writing(run: Run, folder: Path):
    """Like a reviewer who has read the labels, and writes them while a colleague adds one."""
    reading, added = Event(), Event()

    def review() -> None:
        with locked(folder):
            known = labels_of_call(folder)
            reading.set()
            added.wait(0.3)  # runs out: the colleague can't write now
            mine = Label("noise", 1000, 2000, "ann")
            write_labels(folder / "labels.json", replace(known, labels=(*known.labels, mine)))

    reviewer = Thread(target=review)
    reviewer.start()
    reading.wait()
    run("interrupts", "label", folder, "--type", "noise", "--onset", 4, "--offset", 5)
    added.set()
    reviewer.join()

    assert [x.onset_ms for x in read_labels(folder / "labels.json").labels] == [1000, 4000]


def test_the_labellers_name_is_the_login_name(run: Run, run_json, folder: Path):
    from sdr_lab.commands.interrupts_data import login_name

    run("interrupts", "label", folder, "--type", "noise", "--onset", 1, "--offset", 2)

    assert run_json("interrupts", "label", folder)[0].get("by", "") == login_name()


def test_what_is_no_label_is_told(run: Run, folder: Path, calls: Path):
    def line(*args: Any) -> str:
        return told(run("interrupts", "label", *args, exit_code=1))

    assert "needs --type, --onset and --offset" in line(folder, "--type", "noise")
    assert "not both" in line(folder, "--type", "noise", "--remove", 1)
    assert "no label 1; it has 0" in line(folder, "--remove", 1)
    assert "--to folders" in line(calls)
    assert "no audio.wav in it" in line(folder.parent)
    assert "conv_nobody" in line("conv_nobody")


def test_a_call_without_labels_says_so(run: Run, folder: Path):
    assert told(run("interrupts", "label", folder)).startswith("No labels yet")
