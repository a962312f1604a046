"""Labelled calls in other layouts: a corpus, call folders, Audacity label tracks, WAV pairs.

Audio is copied byte by byte when it is µ-law already. Nothing that exists is replaced.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.errors import Conflict, StorageError, reason_of
from sdr_lab.tune.audacity import write_track
from sdr_lab.tune.corpus import AUDIO, CALL, TRUTH, LabelledCall
from sdr_lab.tune.labels import (
    LABELS,
    CallLabels,
    interval_rows,
    label_row,
    s_of,
    write_json,
    write_labels,
)
from sdr_lab.tune.two_channels import read_pieces

Done = Callable[[LabelledCall], None]


def export_corpus(calls: Sequence[LabelledCall], target: Path, on_done: Done) -> None:
    """Write `truth.json` and `calls/<id>.wav`."""
    (target / "calls").mkdir(parents=True)
    for call in calls:
        copy_audio(call, target / "calls" / f"{call.id}.wav")
        on_done(call)
    write_json(target / TRUTH, [truth_row(call) for call in calls])


def export_folders(calls: Sequence[LabelledCall], target: Path, on_done: Done) -> None:
    """Write a call folder each, whose labels can be changed one by one."""
    for call in calls:
        folder = target / call.id
        folder.mkdir(parents=True)
        copy_audio(call, folder / AUDIO)
        write_labels(folder / LABELS, labels_of_call(call))
        if call.filters:
            write_json(folder / CALL, {"settings": {"filters": list(call.filters)}})
        on_done(call)


def export_audacity(calls: Sequence[LabelledCall], target: Path, on_done: Done) -> None:
    """Write a label track `<id>.txt` and the recording `<id>.wav` each."""
    target.mkdir(parents=True)
    for call in calls:
        copy_audio(call, target / f"{call.id}.wav")
        write_track(target / f"{call.id}.txt", labels_of_call(call))
        on_done(call)


def export_pairs(calls: Sequence[LabelledCall], target: Path, on_done: Done) -> None:
    """Write two mono files each, `<id>.caller.wav` and `<id>.agent.wav`."""
    target.mkdir(parents=True)
    for call in calls:
        with (
            MulawWavWriter(target / f"{call.id}.caller.wav", channels=1) as caller,
            MulawWavWriter(target / f"{call.id}.agent.wav", channels=1) as agent,
        ):
            for left, right in read_pieces(call.audio, call.is_swapped):
                caller.write(left)
                agent.write(right)
        on_done(call)


LAYOUTS: dict[str, Callable[[Sequence[LabelledCall], Path, Done], None]] = {
    "corpus": export_corpus,
    "folders": export_folders,
    "audacity": export_audacity,
    "wav": export_pairs,
}
"""By the name that `--to` takes."""


def export(
    calls: Sequence[LabelledCall], target: Path, layout: str, on_done: Done | None = None
) -> None:
    """Write calls into a new folder; it appears when it is complete.

    Raises:
        Conflict: the folder is not new.
        StorageError: it can't be written.
        AudioError: a recording can't be read.
    """
    if target.exists():
        raise Conflict(f"{target}: exists already; give a new folder")
    fresh = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        LAYOUTS[layout](calls, fresh, on_done or (lambda call: None))
        fresh.rename(target)
    except OSError as error:
        raise StorageError(f"{target}: can't be written: {reason_of(error)}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def copy_audio(call: LabelledCall, path: Path) -> None:
    """Write the recording as stereo µ-law, caller left."""
    with MulawWavWriter(path) as wav:
        for left, right in read_pieces(call.audio, call.is_swapped):
            wav.write(left, right)


def truth_row(call: LabelledCall) -> dict[str, Any]:
    """Return a call as it stands in `truth.json`."""
    row: dict[str, Any] = {
        "id": call.id,
        "duration_s": s_of(call.duration_ms),
        "agent": interval_rows(call.agent),
        "caller_turns": interval_rows(call.caller_turns),
        "events": [label_row(label) for label in call.labels],
        "tags": dict(call.tags),
    }
    return row | ({"filters": list(call.filters)} if call.filters else {})


def labels_of_call(call: LabelledCall) -> CallLabels:
    """Return what is known of a call as a file of labels holds it."""
    return CallLabels(call.labels, call.agent, call.tags, call.caller_turns)
