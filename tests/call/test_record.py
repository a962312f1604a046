"""The call folder survives a kill, a full disk and a read-only workspace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sdr_lab.audio.wav import read_info
from sdr_lab.call.record import CallFolder
from sdr_lab.errors import StorageError
from sdr_lab.events import CallerStarted, read_events
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import Agent, CallConfig, CallSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import Scene, rehearse

AGENT = Agent("a", "A", 1, "You sell.", "Hello.")
CONFIG = CallConfig("conv_1", AGENT, CallSettings(), "scripted", "scripted", "tone", "simulated")
SMALL = Scene()

WRITER = """
import sys, time
from pathlib import Path
from sdr_lab.call.record import CallFolder
from sdr_lab.events import CallerStarted
from sdr_lab.records import Agent, CallConfig, CallSettings

config = CallConfig("conv_1", Agent("a", "A", 1, "You sell.", "Hello."), CallSettings(),
                    "scripted", "scripted", "tone", "simulated")
folder = CallFolder(Path(sys.argv[1]), config)
for n in range(500):
    folder.frame(b"\\x40" * 160, b"\\x41" * 160)
    if n % 50 == 0:
        folder.event(CallerStarted(at_ms=n * 20, clock_ms=n * 20.0, onset_ms=n * 20))
print("written", flush=True)
time.sleep(60)
"""


def test_after_a_kill_all_but_the_last_second_is_there(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    folder = tmp_path / "conv_1"
    assert read_info(folder / "audio.wav").duration_ms >= 9000
    assert len(list(read_events(folder / "events.jsonl"))) == 10
    assert "outcome" not in json.loads((folder / "call.json").read_text())


def test_a_line_cut_off_by_a_crash_is_skipped(tmp_path: Path):
    folder = CallFolder(tmp_path, CONFIG)
    folder.event(CallerStarted(at_ms=20, clock_ms=20.0, onset_ms=0))
    folder.close({"reason": "caller"})
    log = folder.path / "events.jsonl"
    log.write_text(log.read_text() + '{"kind": "CallerStar')
    assert len(list(read_events(log))) == 1


def test_the_same_call_twice(tmp_path: Path):
    CallFolder(tmp_path, CONFIG).close({})
    with pytest.raises(StorageError, match="exists already"):
        CallFolder(tmp_path, CONFIG)


def test_a_workspace_that_is_a_file(tmp_path: Path):
    (tmp_path / "calls").write_text("")
    with pytest.raises(StorageError, match="SDR_LAB_HOME"):
        CallFolder(tmp_path / "calls", CONFIG)


def test_a_full_disk_in_mid_call_stops_the_recording_and_not_the_call(tmp_path: Path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    folder = CallFolder(tmp_path, CONFIG)
    folder._events.close()
    folder._events = full.open("w", buffering=1)
    folder.event(CallerStarted(at_ms=20, clock_ms=20.0, onset_ms=0))
    folder.frame(b"\xff" * 160, b"")
    assert "No space left" in folder.error
    assert "\n" not in folder.error


@pytest.mark.parametrize("limit_bytes", [3000, 20_000])
def test_a_disk_that_fills_up_does_not_end_the_call(tmp_path: Path, limit_bytes: int):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    caller = Caller().says("How much is it?").says("Thank you, bye.")
    CallFolder(tmp_path / "warm", CONFIG).close({})  # nothing is left to be compiled to disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        done = rehearse(caller, ScriptedModel(["It is $49.", "Goodbye."]), tmp_path, SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.outcome.reason == "caller"
    assert done.said[-1] == ("agent", "Goodbye.")
    assert "stopped" in done.outcome.recording_error
    assert not list(done.folder.glob("*.part"))


def test_call_json_says_who_writes_it(tmp_path: Path):
    folder = CallFolder(tmp_path, CONFIG)
    call = json.loads((folder.path / "call.json").read_text())
    assert call["pid"] == os.getpid()
    assert call["agent"]["id"] == "a"
    assert call["settings"]["interrupt"]["min_energy"] == 800
    folder.close({"reason": "caller", "duration_ms": 0})
    assert json.loads((folder.path / "call.json").read_text())["outcome"]["reason"] == "caller"
    assert not list(folder.path.glob("*.part"))
