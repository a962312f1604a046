"""A call on disk, written while it runs.

`calls/<conversation_id>/` holds `call.json` (the frozen CallConfig, from the first moment),
`events.jsonl` (a line per event, handed to the system at once), `audio.wav` (stereo G.711 µ-law,
caller left, agent right, its header kept up to date) and, when the call has ended,
`transcript.txt`. After a crash all but the last second is readable.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sdr_lab
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.call.playout import SILENCE
from sdr_lab.call.transcript import transcript_text
from sdr_lab.errors import SdrLabError, StorageError
from sdr_lab.events import Event, read_events, to_json
from sdr_lab.records import CallConfig

AUDIO = "audio.wav"
EVENTS = "events.jsonl"
CALL = "call.json"
TRANSCRIPT = "transcript.txt"

FAULTS = (OSError, SdrLabError)
"""What a disk that is full or gone, or a file that is too long, raises here."""


class CallFolder:
    """Writes one call. When the disk fails in mid-call the call goes on; `error` says why."""

    def __init__(self, calls_dir: Path, config: CallConfig) -> None:
        """Create the folder.

        Raises:
            StorageError: the workspace can't be written, or the call exists already.
        """
        self.path = calls_dir / config.conversation_id
        self.error = ""
        self._config = config
        try:
            self.path.mkdir(parents=True)
            self._write_call({})
            self._audio = MulawWavWriter(self.path / AUDIO)
            self._events = (self.path / EVENTS).open("a", encoding="utf-8", buffering=1)
        except FileExistsError as error:
            raise StorageError(f"call {config.conversation_id} exists already") from error
        except OSError as error:
            raise StorageError(
                f"can't record into {self.path}: {error.strerror}; make room or set SDR_LAB_HOME "
                "to a folder that can be written"
            ) from error

    def event(self, event: Event) -> None:
        """Append an event."""
        if not self.error:
            self._try(lambda: self._events.write(to_json(event) + "\n"))

    def frame(self, caller: bytes, agent: bytes) -> None:
        """Append 20 ms: the caller's raw bytes, and what he heard of us (empty: silence)."""
        if self.error:
            return
        try:
            self._audio.write(caller, agent or SILENCE)
        except FAULTS as error:
            self._fail(error)

    def close(self, outcome: dict[str, Any]) -> None:
        """Finish the files, as far as the disk lets us. `outcome` is added to `call.json`."""
        self._try(self._audio.close)
        self._try(self._events.close)
        self._try(lambda: self._write_call(outcome))
        self._try(self._write_transcript)

    def _write_transcript(self) -> None:
        _replace(self.path / TRANSCRIPT, transcript_text(read_events(self.path / EVENTS)))

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except FAULTS as error:
            self._fail(error)

    def _write_call(self, outcome: dict[str, Any]) -> None:
        call = {
            **dataclasses.asdict(self._config),
            "sdr_lab_version": sdr_lab.__version__,
            "pid": os.getpid(),
            **({"outcome": outcome} if outcome else {}),
        }
        _replace(self.path / CALL, json.dumps(call, indent=2, ensure_ascii=False) + "\n")

    def _fail(self, error: Exception) -> None:
        if not self.error:  # the first tells why
            reason = getattr(error, "strerror", None) or error
            self.error = f"recording into {self.path} stopped: {reason}"


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(path.suffix + ".part")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
