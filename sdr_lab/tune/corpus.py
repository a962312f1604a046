"""Labelled calls, from either layout on disk.

A corpus is a folder with `truth.json` and `calls/<id>.wav`, or a folder of call folders
(`audio.wav`, `labels.json`, and `events.jsonl` if the call was recorded here), or one call folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    Event,
    Interrupted,
    Resumed,
    read_events,
)
from sdr_lab.records import FRAME_MS
from sdr_lab.tune.labels import (
    LABELS,
    CallLabels,
    Interval,
    Label,
    check_labels,
    describe,
    is_plain_name,
    labels_of,
    read_json,
    read_labels,
    s_of,
)
from sdr_lab.tune.two_channels import (
    active_intervals,
    energies,
    looks_swapped,
    read_frames,
    read_length,
)

TRUTH = "truth.json"
AUDIO = "audio.wav"
EVENTS = "events.jsonl"
CALL = "call.json"

LAYOUTS = (
    "a folder with truth.json and calls/*.wav, or call folders (audio.wav and labels.json); "
    "`sdr-lab interrupts import` makes them of other recordings"
)

CUT_OFF_MS = 4000
"""A sound that the end of a synthetic recording cuts may be labelled in its full length."""

CHECKED_MS = 300_000
"""The first five minutes of a call show which channel is whose."""

ENDS = (AgentStopped, Interrupted, Resumed, CallEnded)


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A recorded call and what is known of it. Holds no audio; picklable."""

    id: str
    audio: Path
    """Two channels, 8 kHz: caller left, agent right (unless `is_swapped`)."""
    duration_ms: int
    agent: tuple[Interval, ...]
    """When the agent was heard, in order, not overlapping."""
    labels: tuple[Label, ...] = ()
    """In order of onset."""
    tags: Mapping[str, Any] = field(default_factory=dict)
    caller_turns: tuple[Interval, ...] = ()
    """The caller's own turns, while the agent was silent."""
    filters: tuple[str, ...] = ()
    """Audio filters of the live call, which the detector heard through."""
    is_swapped: bool = False
    """The caller is on the right channel of the file."""
    is_agent_known: bool = True
    """False: `agent` is where the agent's channel is active, since nothing else tells."""

    def frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield 20 ms at a time, 160 bytes of µ-law each: caller, agent. Reads as it goes.

        Raises:
            AudioError: the file is gone or damaged.
        """
        return read_frames(self.audio, self.is_swapped)


def open_corpus(
    path: Path,
    swap: bool | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> list[LabelledCall]:
    """Read a corpus: all labels, no audio but what the checks need.

    Args:
        path: A folder of either layout, or one call folder.
        swap: True: the caller is on the right; False: on the left, unchecked; None: on the left,
            refused when the channels look swapped.
        on_warning: Told in one line of what was left out.

    Raises:
        BadInput: no calls, or one that can't be used.
    """
    warn = on_warning or (lambda line: None)
    if not path.is_dir():
        told = "is a file" if path.exists() else "no such folder"
        raise BadInput(f"{path}: {told}; give {_layouts(path)}")
    if (path / TRUTH).is_file():
        calls = list(_calls_of_truth(path, bool(swap), warn))
    elif (path / AUDIO).is_file():
        calls = [_call_of_folder(path, bool(swap))]
    else:
        folders = sorted(file.parent for file in path.glob(f"*/{AUDIO}"))
        calls = [_call_of_folder(folder, bool(swap)) for folder in folders]
    if not calls:
        raise BadInput(f"{path}: no calls in it; give {_layouts(path)}")
    if swap is None:
        check_channels(calls)
    _check_agent(path, calls, warn)
    return calls


def _layouts(path: Path) -> str:
    near = path.resolve().parent
    return f"{near}" if (near / TRUTH).is_file() else LAYOUTS


def agent_intervals(events: Iterable[Event], duration_ms: int) -> tuple[Interval, ...]:
    """Return when the detector was armed in a recorded call.

    A hold does not end an interval, since the detector goes on listening; going on after a hold
    begins a new one.
    """
    found: list[Interval] = []
    start_ms: int | None = None
    for event in events:
        if isinstance(event, AgentStarted) and start_ms is None:
            start_ms = event.at_ms
        elif start_ms is not None and isinstance(event, ENDS):
            _add(found, start_ms, event.at_ms, duration_ms)
            start_ms = event.at_ms if isinstance(event, Resumed) else None
    if start_ms is not None:
        _add(found, start_ms, duration_ms, duration_ms)
    return tuple(found)


def _add(found: list[Interval], start_ms: int, end_ms: int, duration_ms: int) -> None:
    end_ms = min(end_ms, duration_ms)
    if end_ms > start_ms:
        found.append(Interval(start_ms, end_ms))


def check_channels(calls: Sequence[LabelledCall]) -> None:
    """Compare both channels of each call with what is known of it.

    One call whose agent is known is enough to complain. By labels alone one call in a hundred
    looks swapped that is not, so most of those must.

    Raises:
        BadInput: channels look swapped.
    """
    odd = [call for call in calls if _looks_swapped(call)]
    unknown = [call for call in calls if not call.is_agent_known]
    known = [call for call in odd if call.is_agent_known]
    if known or 2 * len(odd) > len(unknown):
        call = (known or odd)[0]
        raise BadInput(
            f"{call.audio}: channels look swapped: caller must be left; use --swap "
            f"(or --no-swap if they are right){_so_many(odd)}"
        )


def _looks_swapped(call: LabelledCall) -> bool:
    sounds = energies(call.audio, CHECKED_MS)
    if call.is_swapped:
        sounds = sounds[::-1]
    return looks_swapped(sounds, call.agent if call.is_agent_known else (), call.labels)


def _so_many(calls: Sequence[LabelledCall]) -> str:
    return f"; so do {len(calls) - 1} more" if len(calls) > 1 else ""


def _calls_of_truth(path: Path, swap: bool, warn: Callable[[str], None]) -> Iterator[LabelledCall]:
    truth = path / TRUTH
    rows = read_json(truth)
    if not isinstance(rows, list):
        raise BadInput(f"{truth}: expected a list of calls; see docs/labels.md")
    seen: set[str] = set()
    late: list[str] = []
    for i, row in enumerate(rows):
        key = row.get("id") if isinstance(row, dict) else None
        if not isinstance(key, str) or not is_plain_name(key):
            told = repr(key)[:80]
            raise BadInput(f"{truth}, call {i}: id {told}; expected the name of a file in calls/")
        if key in seen:
            raise BadInput(f"{truth}: call {key} is there twice; remove one")
        seen.add(key)
        audio = path / "calls" / f"{key}.wav"
        if not audio.is_file():
            warn(f"{truth}: call {key} is left out: calls/{key}.wav is missing")
            continue
        yield _call_of_row(truth, row, audio, swap, late)
    for audio in sorted((path / "calls").glob("*.wav")):
        if audio.stem not in seen:
            warn(f"{audio}: left out: {TRUTH} does not have call {audio.stem}")
    if late:
        warn(f"{truth}: {len(late)} label(s) end after the recording, which cuts them: {late[0]}")


def _call_of_row(
    truth: Path, row: Mapping[str, Any], audio: Path, swap: bool, late: list[str]
) -> LabelledCall:
    where = f"{truth}, call {row['id']}"
    duration_ms = read_length(audio)
    known = labels_of(row, "events", where)
    check_labels(known.labels, None, where)
    for label in known.labels:
        if label.onset_ms >= duration_ms or label.offset_ms > duration_ms + CUT_OFF_MS:
            check_labels([label], duration_ms, where)
        if label.offset_ms > duration_ms:
            late.append(f"{row['id']}, {describe(label)}")
    return LabelledCall(
        id=row["id"],
        audio=audio,
        duration_ms=duration_ms,
        agent=_agent_of(known, audio, duration_ms, swap, where),
        labels=known.labels,
        tags=known.tags,
        caller_turns=known.caller_turns,
        filters=_names(row.get("filters")),
        is_swapped=swap,
        is_agent_known=known.agent is not None,
    )


def _call_of_folder(folder: Path, swap: bool) -> LabelledCall:
    audio, log, labels = folder / AUDIO, folder / EVENTS, folder / LABELS
    duration_ms = read_length(audio)
    known = read_labels(labels, duration_ms) if labels.is_file() else CallLabels()
    if known.agent is None and log.is_file():
        known = replace(known, agent=agent_intervals(read_events(log), duration_ms))
    return LabelledCall(
        id=folder.resolve().name,
        audio=audio,
        duration_ms=duration_ms,
        agent=_agent_of(known, audio, duration_ms, swap, str(folder)),
        labels=known.labels,
        tags=known.tags,
        caller_turns=known.caller_turns,
        filters=_filters_of(folder / CALL),
        is_swapped=swap,
        is_agent_known=known.agent is not None,
    )


def _agent_of(
    known: CallLabels, audio: Path, duration_ms: int, swap: bool, where: str
) -> tuple[Interval, ...]:
    """Return when the agent speaks: as the files say, else by what the channel holds."""
    if known.agent is None:
        return active_intervals(energies(audio)[0 if swap else 1])
    if known.agent and known.agent[-1].end_ms > duration_ms + FRAME_MS:
        end_s = s_of(known.agent[-1].end_ms)
        raise BadInput(
            f"{where}: the agent speaks until {end_s:.3f} s, but {audio.name} ends at "
            f"{s_of(duration_ms):.3f} s; is it the right recording?"
        )
    return known.agent


def _filters_of(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    row = read_json(path)
    settings = row.get("settings") if isinstance(row, dict) else None
    return _names(settings.get("filters")) if isinstance(settings, dict) else ()


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _check_agent(path: Path, calls: Sequence[LabelledCall], warn: Callable[[str], None]) -> None:
    silent = [call.id for call in calls if not call.agent]
    if len(silent) == len(calls):
        raise BadInput(
            f"{path}: the agent never speaks in {len(calls)} call(s), so nothing can be "
            "interrupted; the agent must be on the right channel"
        )
    if silent:
        warn(f"{path}: the agent never speaks in {len(silent)} of {len(calls)} calls: {silent[0]}")
