"""The server of `eval/load.py`: `server.py` itself, in a process of its own, with providers that
cost nothing. What it did is read from the event logs of its calls."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from sdr_lab.config import Settings
from sdr_lab.events import Event, LineCleared, read_events
from sdr_lab.trace.clock import CallClock
from sdr_lab.trace.latency import barge_ins

ROOT = Path(__file__).parent.parent
START_S = 60.0
DOUBLES = "sdr_lab.simulate.instant"
WAV_BYTES_MS = 16
"""Two channels, 8 kHz, a byte a sample."""

AGENT = """\
id: maplewood
name: Load
system_prompt: You answer questions.
first_message: Hello, this is Maplewood. What can I do for you?
knowledge: none
"""


class Server:
    """A running server."""

    def __init__(self, home: Path, settings: list[str], wrapper: list[str]) -> None:
        self.home = home
        self.calls_dir = home / "data" / "calls"
        self.log = home / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        given = [f"{name}={value}" for name, value in {**_settings(home), "PORT": port}.items()]
        options = [part for pair in (*given, *settings) for part in ("--set", pair)]
        ours = set(Settings.names())
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*wrapper, sys.executable, str(ROOT / "server.py"), *options],
                cwd=home,  # no .env there
                env={name: value for name, value in os.environ.items() if name not in ours},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def python(self) -> psutil.Process:
        """The process that does the work, below a profiler if there is one."""
        top = psutil.Process(self.process.pid)
        below = [p for p in top.children(recursive=True) if "server.py" in " ".join(p.cmdline())]
        return below[0] if below else top

    def wait_until_warm(self) -> None:
        """Return when it has loaded all it needs.

        Raises:
            RuntimeError: it ended, or took too long; with its log.
        """
        until_s = time.monotonic() + START_S
        while "warm: " not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def lag_counts(self) -> dict[float, float]:
        """Return how often its event loop woke up at most so many seconds late, from the start."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as reply:
            text = reply.read().decode()
        found = re.findall(r'sdr_lab_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)', text)
        return {float(le): float(count) for le, count in found}

    def wait_until_idle(self, calls: int, within_s: float = 30.0) -> None:
        """Return when so many calls are over and written down, or the time is."""
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            done = len(list(self.calls_dir.glob("*/transcript.txt")))
            if done >= calls:
                break
            time.sleep(0.1)

    def call_log(self, conversation_id: str) -> CallLog:
        """Return what a call has left behind."""
        return call_log(self.calls_dir / conversation_id)

    def complaints(self) -> list[str]:
        """Return the lines of its log that tell of something wrong."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if " ERROR " in line or " WARNING " in line][:20]

    def stop(self) -> None:
        """End it in order, or by force."""
        self.python.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _settings(home: Path) -> dict[str, object]:
    agents = home / "datasets" / "agents"
    agents.mkdir(parents=True)
    (agents / "maplewood.yaml").write_text(AGENT, encoding="utf-8")
    return {
        "SDR_LAB_HOME": home / "data",
        "SDR_LAB_DATASETS": home / "datasets",
        "STT_PROVIDER": f"{DOUBLES}:InstantTranscriber",
        "LLM_PROVIDER": f"{DOUBLES}:InstantModel",
        "TTS_PROVIDER": f"{DOUBLES}:InstantVoice",
        "RATE_LIMIT_PER_MINUTE": 0,
        "MAX_CALLS": 1000,
        "SHUTDOWN_GRACE_S": 2,
    }


@contextmanager
def running(home: Path, settings: list[str], wrapper: list[str]) -> Iterator[Server]:
    """Run a server with a workspace in `home`; yield it warm.

    Args:
        settings: NAME=VALUE, what differs from the settings of this script.
        wrapper: A command that runs it, such as a profiler; empty: none.
    """
    server = Server(home, settings, wrapper)
    try:
        server.wait_until_warm()
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class CallLog:
    """What a call has left on disk."""

    cleared_at_ms: tuple[float, ...]
    """Stream time of the frame that made the agent stop, for each `clear`."""
    handed_over_ms: tuple[float, ...]
    """From the arrival of that frame to the `clear` handed to the line."""
    turns: int
    has_ended: bool
    """Its end was written."""
    duration_ms: int
    wav_ms: int


def call_log(folder: Path) -> CallLog:
    """Read what a call has left behind."""
    events: list[Event] = list(read_events(folder / "events.jsonl"))
    outcome = json.loads((folder / "call.json").read_text()).get("outcome") or {}
    cuts = barge_ins(events, CallClock(events))
    return CallLog(
        cleared_at_ms=tuple(float(e.at_ms) for e in events if isinstance(e, LineCleared)),
        handed_over_ms=tuple(cut.cleared_ms - cut.decided_ms for cut in cuts),
        turns=int(outcome.get("turns", 0)),
        has_ended=bool(outcome) and (folder / "transcript.txt").exists(),
        duration_ms=int(outcome.get("duration_ms", 0)),
        wav_ms=(folder / "audio.wav").stat().st_size // WAV_BYTES_MS,
    )
