"""What goes wrong while a call is being made, a test per row of the list. Needs the ears."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands.disks import small_disk
from tests.vendors.ollama_server import OllamaServer, Script, serving

pytestmark = pytest.mark.models

ROOT = Path(__file__).parents[2]
QUESTION = ROOT / "datasets" / "callers" / "dana" / "02.wav"
AGENT = """\
name: Sam
system_prompt: You sell {product}.
first_message: Hello.
knowledge: sam
"""
SDR_LAB = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit "ignore"
from sdr_lab.cli import app
app()
"""


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    """An agent without knowledge."""
    path = tmp_path / "sam.yaml"
    path.write_text(AGENT.format(product="software"))
    return path


@contextmanager
def ollama(server: OllamaServer) -> Iterator[OllamaServer]:
    """Serve in a thread, so that the command line can have its own event loop."""
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving(server):
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert is_up.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def events(home: Path) -> list[dict[str, Any]]:
    (log,) = home.glob("calls/*/events.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


def short_call(sam: Path, *options: object) -> tuple[object, ...]:
    return ("--set", "MAX_CALL_S=12", "call", QUESTION, "--agent", sam, "--tts", "tone", *options)


def test_json_is_all_there_is_on_standard_output(run_json, home: Path, sam: Path):
    told = run_json("--set", "MAX_CALL_S=5", "call", QUESTION, "--agent", sam, "--tts", "tone")

    assert Path(told["folder"]).parent == home / "calls"
    assert told["outcome"]["reason"] == "max_length"


def test_ollama_down(run, home: Path, sam: Path):
    line = run(*short_call(sam, "--llm", "ollama"), exit_code=1).stderr

    assert "Ollama is not running at http://127.0.0.1:1" in line
    assert line.count("\n") == 1
    assert not (home / "calls").exists()


def test_model_not_pulled(run, home: Path, sam: Path):
    with ollama(OllamaServer()) as server:
        address = ("--set", f"OLLAMA_HOST={server.url}", "--set", "OLLAMA_MODEL=absent")
        line = run(*address, *short_call(sam, "--llm", "ollama"), exit_code=1).stderr

    assert "ollama pull absent" in line
    assert line.count("\n") == 1
    assert not (home / "calls").exists()


def test_stream_cut_half_way(run, home: Path, sam: Path):
    script = Script(pieces=("We connect", " to every", " calendar."), cut_before=2)
    with ollama(OllamaServer(script=script)) as server:
        address = ("--set", f"OLLAMA_HOST={server.url}", "--set", "OLLAMA_MODEL=tiny")
        shown = run(*address, *short_call(sam, "--llm", "ollama")).stdout

    happened = events(home)
    failed = [event for event in happened if event["kind"] == "ProviderFailed"]
    assert failed
    assert {event["provider"] for event in failed} == {"ollama"}
    assert "llm failed: ollama: " in shown
    said = [event["text"] for event in happened if event["kind"] == "AgentStopped"]
    assert any("sorry" in text for text in said)
    assert happened[-1]["kind"] == "CallEnded"


def test_prompt_with_a_missing_variable(run, home: Path, sam: Path):
    sam.write_text(AGENT.format(product="{{product}}"))

    line = run(*short_call(sam), exit_code=1).stderr

    assert "product" in line
    assert "system_prompt" in line
    assert line.count("\n") == 1
    assert not (home / "calls").exists()


def test_unknown_audio_filter_leaves_no_folder(run, home: Path, sam: Path):
    line = run("--set", "AUDIO_FILTERS=nope", *short_call(sam), exit_code=1).stderr

    assert "filter 'nope': unknown; use one of: highpass_gate" in line
    assert not list(home.glob("calls/*"))


def test_disk_full_in_mid_call(run, home: Path, sam: Path):
    with small_disk(home / "out", kilobytes=64) as out:
        result = run(*short_call(sam, "--out", out), exit_code=1)

        assert result.stderr.count("\n") == 1
        assert str(out) in result.stderr
        assert "No space left" in result.stderr


def test_disk_full_at_the_end_of_a_call(run, home: Path, sam: Path):
    with small_disk(home, kilobytes=300):
        result = run(*short_call(sam), exit_code=1)

        assert result.stderr.count("\n") == 1
        assert "disk is full" in result.stderr or "No space left" in result.stderr


def test_ctrl_c_ends_the_call_and_its_folder(run_json, home: Path, sam: Path):
    command = [sys.executable, "-c", SDR_LAB, "--home", str(home)]
    environ = {**os.environ, "LLM_PROVIDER": "playbook", "STT_PROVIDER": "whisper"}
    process = subprocess.Popen(
        [*command, *map(str, short_call(sam))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        cwd=home.parent,
    )
    until_s = time.monotonic() + 30
    while not any("AgentStarted" in p.read_text() for p in home.glob("calls/*/events.jsonl")):
        assert time.monotonic() < until_s, process.poll()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert told.count("\n") == 1
    assert "interrupted" in told
    assert [event["kind"] for event in events(home)][-1] == "CallEnded"
    (call,) = run_json("calls", "list")
    assert call["status"] in ("completed", "failed", "broken-off")
    assert call["ended_at"]
