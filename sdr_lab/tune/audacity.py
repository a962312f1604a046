"""Audacity's label tracks: one label a line, `start<TAB>end<TAB>text`, seconds.

Lines that begin with a backslash hold the frequencies of a spectral selection and belong to the
label above them. Source: Audacity manual, "Importing and Exporting Labels".

The text says what a label is: `interruption`, or `interruption: he asks the price` with a note.
`agent` marks when the agent speaks.
"""

from __future__ import annotations

import re
from pathlib import Path

from sdr_lab.errors import BadInput, reason_of
from sdr_lab.tune.labels import (
    KINDS,
    CallLabels,
    Interval,
    Label,
    check_kind,
    check_labels,
    ms_of,
    s_of,
    write_text,
)

AGENT = "agent"

_TEXT = re.compile(r"\s*([A-Za-z][A-Za-z_\- ]*?)\s*(?::\s*(.*))?", re.DOTALL)


def read_track(
    path: Path, by: str = "", kind: str = "", duration_ms: int | None = None
) -> CallLabels:
    """Read a label track.

    Args:
        by: Who labelled.
        kind: What a label is whose text names no kind; its text becomes the note. Empty: refused.
        duration_ms: Length of the recording; labels must lie within it.

    Raises:
        BadInput: a line that is no label (with its number), or labels that can't be.
    """
    labels: list[Label] = []
    agent: list[Interval] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        where = f"{path}, line {number}"
        start_ms, end_ms, text = _parts(line, where)
        name, note = _split(text)
        if name == AGENT:
            agent.append(Interval(start_ms, end_ms))
        elif kind and name not in KINDS:
            labels.append(Label(kind, start_ms, end_ms, by, text))
        else:
            labels.append(Label(check_kind(name, where), start_ms, end_ms, by, note))
    for x in agent:
        if not 0 <= x.start_ms < x.end_ms:
            raise BadInput(f"{path}: agent {s_of(x.start_ms)}–{s_of(x.end_ms)} s has no length")
    check_labels(labels, duration_ms, str(path))
    labels.sort(key=lambda x: (x.onset_ms, x.offset_ms))
    agent.sort(key=lambda x: x.start_ms)
    return CallLabels(tuple(labels), tuple(agent) or None)


def write_track(path: Path, what: CallLabels) -> None:
    """Write a label track, all of it or nothing. Who labelled is not kept.

    Raises:
        StorageError: the file can't be written.
    """
    rows = [(x.onset_ms, x.offset_ms, _text_of(x)) for x in what.labels]
    rows += [(x.start_ms, x.end_ms, AGENT) for x in what.agent or ()]
    rows.sort(key=lambda row: row[:2])
    lines = [f"{s_of(a):.6f}\t{s_of(b):.6f}\t{text}\n" for a, b, text in rows]
    write_text(path, "".join(lines))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {reason_of(error)}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text; export the label track again") from None


def _parts(line: str, where: str) -> tuple[int, int, str]:
    parts = line.rstrip("\r\n").split("\t", 2)
    try:
        start, end = (float(part.replace(",", ".")) for part in parts[:2])
        times = ms_of(start), ms_of(end)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{where}: {line[:60]!r} is no label; expected start, end and text, with tabs between"
        ) from None
    return *times, parts[2].strip() if len(parts) > 2 else ""


def _split(text: str) -> tuple[str, str]:
    found = _TEXT.fullmatch(text)
    if found is None:
        return text, ""
    name = re.sub(r"[\s\-]+", "_", found[1].lower())
    return name, (found[2] or "").strip()


def _text_of(label: Label) -> str:
    note = " ".join(label.note.split())
    return f"{label.kind}: {note}" if note else label.kind
