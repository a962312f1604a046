"""Callers from files: a folder with `script.yaml`, recordings, or the caller of an old call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdr_lab.audio.frame import FrameCutter
from sdr_lab.audio.wav import read_info, read_mulaw
from sdr_lab.errors import BadInput
from sdr_lab.events import (
    AgentStarted,
    CallerStarted,
    Event,
    Interrupted,
    TurnDropped,
    TurnOver,
    Withdrawn,
    read_events,
)
from sdr_lab.simulate.caller import GAP_S, Caller

BEFORE_MS = 200
AFTER_MS = 200
"""Kept around a turn that is cut out of a recording: soft beginnings and ends of words."""


class _Turn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    say: str = Field(min_length=1)
    after: float = Field(GAP_S, ge=0, le=60)
    into: float | None = Field(None, ge=0, le=60)


class _Script(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    voice: str = ""
    number: str = Field("", pattern=r"^(\+[1-9]\d{6,14})?$")
    turns: list[_Turn] = Field(min_length=1)


def read_script(folder: Path) -> Caller:
    """Read `script.yaml` and the recordings `01.wav`, `02.wav`… beside it.

    Raises:
        BadInput: the script can't be read, or a recording is missing.
    """
    script = _checked(folder / "script.yaml")
    caller = Caller(number=script.number)
    for number, turn in enumerate(script.turns, 1):
        sound = recording(folder / f"{number:02d}.wav")
        if turn.into is not None:
            caller.cuts_in(turn.say, into=turn.into, sound=sound)
        else:
            caller.says(turn.say, after=turn.after, sound=sound)
    return caller


def recording(path: Path) -> bytes | Callable[[], Iterator[bytes]]:
    """Return the sound of a file as µ-law; a long one is streamed.

    Raises:
        AudioError: it can't be read or holds no sound.
    """
    if read_info(path).duration_ms <= 60_000:
        return b"".join(read_mulaw(path))
    return lambda: _frames(path)


def read_call(folder: Path) -> Caller:
    """Return the caller of a recorded call: each turn again, barge-ins at the same offset.

    Raises:
        BadInput: the folder holds no call with a turn in it.
    """
    audio, log = folder / "audio.wav", folder / "events.jsonl"
    if not audio.is_file() or not log.is_file():
        raise BadInput(f"{folder} is no call folder: audio.wav and events.jsonl are expected")
    left = b"".join(read_mulaw(audio, channel=0))
    caller = Caller(number=_number_of(folder / "call.json"))
    for turn in _turns(read_events(log)):
        sound = left[max(0, turn.onset_ms - BEFORE_MS) * 8 : (turn.last_voiced_ms + AFTER_MS) * 8]
        if turn.into_s is not None:
            caller.cuts_in(turn.text, into=turn.into_s, sound=sound)
        else:
            caller.says(turn.text, sound=sound)
    if not caller.acts:
        raise BadInput(f"{folder}: the caller said nothing that could be repeated")
    return caller


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A turn of a recorded call."""

    turn: int
    text: str
    onset_ms: int
    last_voiced_ms: int
    into_s: float | None
    """Seconds of the agent's reply that he let pass before he cut in; None: he waited."""


def _turns(events: Iterable[Event]) -> list[_Spoken]:
    turns: list[_Spoken] = []
    onset_ms: int | None = None
    began_ms, into_s = 0, None
    for event in events:
        match event:
            case AgentStarted():
                began_ms = event.at_ms
            case CallerStarted() if onset_ms is None:
                onset_ms = event.onset_ms
            case Interrupted():
                onset_ms = event.onset_ms
                into_s = max(0.0, (event.onset_ms - BEFORE_MS - began_ms) / 1000)
            case TurnDropped():
                onset_ms = into_s = None
            case TurnOver() if onset_ms is not None:
                turns.append(
                    _Spoken(event.turn, event.text, onset_ms, event.last_voiced_ms, into_s)
                )
                onset_ms = into_s = None
            case Withdrawn() if (
                turns and turns[-1].turn == event.turn
            ):  # he went on: the turn comes again, longer
                onset_ms, into_s = turns[-1].onset_ms, turns[-1].into_s
                turns.pop()
            case _:
                continue
    return turns


def _number_of(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("caller_number", ""))
    except (OSError, ValueError, AttributeError):
        return ""  # a folder made by hand may have no call.json


def _frames(path: Path) -> Iterator[bytes]:
    cutter = FrameCutter()
    for block in read_mulaw(path):
        yield from cutter.push(block)
    yield from cutter.flush()


def _checked(path: Path) -> _Script:
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _Script.model_validate(data)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; a caller is a folder with script.yaml") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {place}: got {first['input']!r}: {first['msg']}") from None
