"""The review queue: proposals become labels when a human has confirmed them.

Confirmed ones are written to the call's `labels.json`, rejected ones are remembered in
`review.json` beside it, so that they are not proposed again. Several people may answer at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput, Conflict, NotFound, SdrLabError, StorageError, reason_of
from sdr_lab.records import InterruptSettings
from sdr_lab.replay.frozen import frozen_settings
from sdr_lab.tune.corpus import AUDIO, EVENTS
from sdr_lab.tune.labels import (
    LABELS,
    CallLabels,
    Label,
    check_kind,
    check_labels,
    ms_of,
    read_json,
    read_labels,
    s_of,
    write_json,
    write_labels,
)
from sdr_lab.tune.proposals import Proposal, proposals
from sdr_lab.tune.two_channels import read_length

REVIEW = "review.json"
VERSION = 1
LOCK = ".review.lock"
"""One for all calls of a folder; beside them, so that a copied call holds none."""
WAIT_S = 10.0
SHARED = 0.5
"""A proposal is answered when a label or a rejected span covers half of the shorter of both."""
PROPOSAL = "proposal"
"""Field of a label in `labels.json`: the proposal that it comes from."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said to a proposal."""

    proposal: str
    """Its id."""
    kind: str
    """The kind of label that was written; empty: rejected."""
    onset_ms: int
    offset_ms: int
    by: str
    reason: str
    """Why it had been proposed."""
    at: str
    """When it was answered: ISO 8601, UTC."""


def call_folders(calls_dir: Path) -> list[Path]:
    """Return the folders of recorded calls, newest first. None when there is no such folder."""
    if not calls_dir.is_dir():
        return []
    found = [log.parent for log in calls_dir.glob(f"*/{EVENTS}")]
    return sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)


def open_proposals(folder: Path, others: Sequence[InterruptSettings] = ()) -> list[Proposal]:
    """Return the proposals of a call that nobody has answered, most urgent first.

    Raises:
        BadInput: no event log, or damaged labels.
    """
    answered = [(x.onset_ms, x.offset_ms) for x in labels_of_call(folder).labels]
    answered += [(x.onset_ms, x.offset_ms) for x in rejected(folder)]
    made = proposals(folder, others, _settings_of(folder))
    return [p for p in made if not any(_covers(span, p) for span in answered)]


def queue(
    folders: Sequence[Path], others: Sequence[InterruptSettings] = ()
) -> tuple[list[Proposal], list[str]]:
    """Return the open proposals of many calls, most urgent first, and what could not be read."""
    found: list[Proposal] = []
    problems: list[str] = []
    for folder in folders:
        try:
            found += open_proposals(folder, others)
        except SdrLabError as error:
            problems.append(str(error))
    return sorted(found, key=lambda p: p.priority), problems


def find(folder: Path, key: str, others: Sequence[InterruptSettings] = ()) -> Proposal:
    """Return an open proposal by its id.

    Raises:
        NotFound: there is none, or it has been answered.
    """
    found = open_proposals(folder, others)
    for one in found:
        if one.id == key:
            return one
    known = ", ".join(p.id for p in found) or "none is open"
    raise NotFound(f"proposal {key}: not open in call {folder.resolve().name}; open: {known}")


def accept(
    folder: Path,
    proposal: Proposal,
    by: str,
    kind: str = "",
    span: tuple[int, int] | None = None,
) -> Answer:
    """Write the label that a human has confirmed.

    Args:
        by: Who says so.
        kind: What it is; empty: as proposed.
        span: Onset and offset in ms; None: as proposed.

    Raises:
        BadInput: an unknown kind, times outside the call, or an overlap with a label of its kind.
        Conflict: somebody has answered it meanwhile.
        StorageError: the folder can't be written.
    """
    onset_ms, offset_ms = span or (proposal.onset_ms, proposal.offset_ms)
    kind = check_kind(kind or proposal.kind, f"proposal {proposal.id}")
    answer = _answer(proposal, kind, (onset_ms, offset_ms), by)
    label = Label(kind, onset_ms, offset_ms, answer.by, proposal.reason, {PROPOSAL: proposal.id})
    with locked(folder):
        known = labels_of_call(folder)
        _check_open(folder, known, proposal)
        labels = tuple(sorted((*known.labels, label), key=lambda x: (x.onset_ms, x.offset_ms)))
        check_labels(labels, _length_of(folder), str(folder / LABELS))
        write_labels(folder / LABELS, replace(known, labels=labels))
    return answer


def reject(folder: Path, proposal: Proposal, by: str) -> Answer:
    """Remember that there is no event.

    Raises:
        Conflict: somebody has answered it meanwhile.
        StorageError: the folder can't be written.
    """
    answer = _answer(proposal, "", (proposal.onset_ms, proposal.offset_ms), by)
    with locked(folder):
        _check_open(folder, labels_of_call(folder), proposal)
        _write_rejected(folder, [*rejected(folder), answer])
    return answer


def undo(folder: Path, key: str) -> None:
    """Take back the answer to a proposal: it is open again.

    Raises:
        NotFound: it has not been answered.
        StorageError: the folder can't be written.
    """
    with locked(folder):
        known, refused = labels_of_call(folder), rejected(folder)
        labels = tuple(x for x in known.labels if x.extra.get(PROPOSAL) != key)
        kept = [x for x in refused if x.proposal != key]
        if len(labels) == len(known.labels) and len(kept) == len(refused):
            raise NotFound(f"proposal {key}: has no answer that could be taken back")
        if len(labels) < len(known.labels):
            write_labels(folder / LABELS, replace(known, labels=labels))
        if len(kept) < len(refused):
            _write_rejected(folder, kept)


def labels_of_call(folder: Path) -> CallLabels:
    """Return the labels of a call; none when nobody has labelled it.

    Raises:
        BadInput: `labels.json` is damaged.
    """
    path = folder / LABELS
    return read_labels(path) if path.is_file() else CallLabels()


def rejected(folder: Path) -> list[Answer]:
    """Return the proposals of a call that were no events.

    Raises:
        BadInput: `review.json` is damaged.
    """
    path = folder / REVIEW
    if not path.is_file():
        return []
    row = read_json(path)
    try:
        return [_of_row(one) for one in row["rejected"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: damaged: {error!r}; delete it to review the call again") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the right to change the labels of the calls in a folder.

    Raises:
        StorageError: somebody else holds it for long, or the folder can't be written.
    """
    from filelock import FileLock, Timeout

    path = folder.resolve().parent / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(timeout=WAIT_S)
    except Timeout:
        raise StorageError(
            f"{path}: somebody else has been writing labels for {WAIT_S:g} s; try again"
        ) from None
    except OSError as error:
        raise StorageError(f"{path}: can't be written: {reason_of(error)}") from error
    try:
        yield
    finally:
        lock.release()


def _answer(proposal: Proposal, kind: str, span: tuple[int, int], by: str) -> Answer:
    if not by.strip():
        raise BadInput("by: is empty; say who answers")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Answer(proposal.id, kind, *span, by.strip(), proposal.reason, now)


def _check_open(folder: Path, known: CallLabels, proposal: Proposal) -> None:
    for label in known.labels:
        if label.extra.get(PROPOSAL) == proposal.id:
            told = f"is labelled {label.kind} by {label.by or 'somebody'}"
            raise Conflict(f"proposal {proposal.id}: {told}; take it back first")
    for one in rejected(folder):
        if one.proposal == proposal.id:
            raise Conflict(f"proposal {proposal.id}: {one.by} has rejected it; take it back first")


def _write_rejected(folder: Path, answers: Sequence[Answer]) -> None:
    rows = [_row(one) for one in answers]
    write_json(folder / REVIEW, {"version": VERSION, "rejected": rows})


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "proposal": answer.proposal,
        "onset_s": s_of(answer.onset_ms),
        "offset_s": s_of(answer.offset_ms),
        "by": answer.by,
        "reason": answer.reason,
        "at": answer.at,
    }


def _of_row(row: dict[str, Any]) -> Answer:
    return Answer(
        proposal=str(row["proposal"]),
        kind="",
        onset_ms=ms_of(float(row["onset_s"])),
        offset_ms=ms_of(float(row["offset_s"])),
        by=str(row.get("by", "")),
        reason=str(row.get("reason", "")),
        at=str(row.get("at", "")),
    )


def _covers(span: tuple[int, int], proposal: Proposal) -> bool:
    shared_ms = min(span[1], proposal.offset_ms) - max(span[0], proposal.onset_ms)
    shorter_ms = min(span[1] - span[0], proposal.offset_ms - proposal.onset_ms)
    return shared_ms > 0 and shared_ms >= SHARED * shorter_ms


def _settings_of(folder: Path) -> InterruptSettings | None:
    """Return what the call ran with; None for a folder without, whose words are judged as usual."""
    try:
        return frozen_settings(folder).interrupt
    except SdrLabError:
        return None


def _length_of(folder: Path) -> int | None:
    audio = folder / AUDIO
    return read_length(audio) if audio.is_file() else None
