"""Recordings made elsewhere become call folders: `audio.wav` and `labels.json`.

Whatever rate and coding they have, they are stored as the phone has them: 8 kHz µ-law, caller
left, agent right. A folder appears when it is complete, or not at all.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from sdr_lab.audio.codec import SILENCE
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.audio.wav import read_info, read_mulaw
from sdr_lab.errors import AudioError, BadInput, Conflict, StorageError, reason_of
from sdr_lab.tune.audacity import read_track
from sdr_lab.tune.corpus import AUDIO
from sdr_lab.tune.labels import (
    LABELS,
    CallLabels,
    Interval,
    check_labels,
    is_plain_name,
    read_labels,
    write_labels,
)
from sdr_lab.tune.two_channels import BLOCK_MS, energies_of, guess_caller, looks_swapped

CHECKED_MS = 300_000
"""So much of a recording shows which channel is whose."""
SIDES = ("left", "right")
SAYS_CALLER, SAYS_AGENT = "caller", "agent"
"""Words in the names of two mono files; `interrupts export --to wav` names them so."""

Blocks = Iterator[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Source:
    """One call to import: one stereo file, or two mono files."""

    audio: Path
    """Two channels; or the caller alone, with `agent`."""
    agent: Path | None = None
    labels: Path | None = None
    """An Audacity label track (`.txt`) or a `labels.json`."""
    caller: str = "auto"
    """Channel of the caller in a stereo file: `left`, `right`; `auto`: left, unless the sound
    or the labels speak against it. Twilio's dual-channel recordings have the parent call's leg
    on the left: that is the caller where the agent's own call is recorded, and the other party
    where a human agent dialled through."""
    by: str = ""
    """Who labelled."""
    kind: str = ""
    """What labels of a track are whose text names no kind."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A new call folder."""

    folder: Path
    duration_ms: int
    labels: int
    notes: tuple[str, ...] = field(default_factory=tuple)
    """What was assumed or changed, a line each."""


def import_call(source: Source, target: Path, name: str = "") -> Imported:
    """Make a call folder of a recording.

    Args:
        target: Folder of call folders; made if it is not there.
        name: Name of the new folder; empty: the file's.

    Raises:
        AudioError: not sound, or not one stereo file or two mono files.
        BadInput: labels that can't be.
        Conflict: the folder exists already.
        StorageError: it can't be written.
    """
    name = name or _name_of(source)
    folder = target / name
    if not is_plain_name(name):
        raise BadInput(f"{name!r}: not the name of a folder; give a plain name")
    if folder.exists():
        raise Conflict(f"{folder}: exists already; give another --id or remove it")
    known, given = _known_labels(source)
    fresh = target / f".{name}.part"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        samples, notes = _write_audio(source, fresh / AUDIO, known)
        if given is not None and given != source.labels:
            notes.append(f"{given}: lies beside the recording; its labels are taken")
        duration_ms = samples // 8
        check_labels(known.labels, duration_ms, str(given or source.audio))
        _check_agent(known.agent or (), duration_ms, str(given or source.audio))
        write_labels(fresh / LABELS, known)
        fresh.rename(folder)
    except OSError as error:
        raise StorageError(f"{folder}: can't be written: {reason_of(error)}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Imported(folder, duration_ms, len(known.labels), tuple(notes))


def sources_of(
    files: Sequence[Path], labels: Path | None = None, caller: str = "auto", by: str = ""
) -> list[Source]:
    """Make out what a list of files is: stereo recordings, or caller and agent of one call.

    Raises:
        AudioError: a file that is neither.
        BadInput: one label track for several calls, or no such channel.
    """
    if caller not in ("auto", *SIDES):
        raise BadInput(f"caller channel {caller!r}: unknown; allowed: auto, left, right")
    channels = [read_info(file).channels for file in files]
    if channels == [1, 1]:
        _check_order(*files)
        return [Source(files[0], files[1], labels, caller, by)]
    for file, n in zip(files, channels, strict=True):
        if n == 1:
            raise AudioError(
                f"{file}: mono; give two mono files, caller first and agent second, or files "
                "with two channels"
            )
        if n != 2:
            raise AudioError(f"{file}: {n} channels; give two, one of them the caller's")
    if labels is not None and len(files) != 1:
        raise BadInput(f"{labels}: labels of one call, but there are {len(files)} recordings")
    return [Source(file, None, labels, caller, by) for file in files]


def _check_order(caller: Path, agent: Path) -> None:
    """Refuse two files whose names say that they are given the wrong way round."""
    if SAYS_AGENT in _words(caller) or SAYS_CALLER in _words(agent):
        raise BadInput(
            f"{caller}, {agent}: by their names the agent's comes first; give the caller's file "
            "first (or rename them)"
        )


def _words(path: Path) -> list[str]:
    return re.split(r"[^a-z]+", path.stem.lower())


def _name_of(source: Source) -> str:
    """Return what the recording is called, without the part that tells caller and agent apart."""
    stem = source.audio.stem
    return stem if source.agent is None else re.sub(rf"[.\-_ ]{SAYS_CALLER}$", "", stem)


def _known_labels(source: Source) -> tuple[CallLabels, Path | None]:
    """Return the labels that were given, or that lie beside the recording."""
    path = source.labels
    if path is None:
        beside = source.audio.with_suffix(".txt")
        path = beside if beside.is_file() else None
    if path is None:
        return CallLabels(), None
    if path.suffix.lower() == ".json":
        known = read_labels(path)
        labels = tuple(replace(x, by=x.by or source.by) for x in known.labels)
        return replace(known, labels=labels), path
    return read_track(path, source.by, source.kind), path


def _write_audio(source: Source, path: Path, known: CallLabels) -> tuple[int, list[str]]:
    notes: list[str] = []
    if source.agent is not None:
        blocks = _pair(source.audio, source.agent, notes)
    else:
        caller = _caller_channel(source, known, notes)
        blocks = _stereo(source.audio, caller)
    with MulawWavWriter(path) as wav:
        for left, right in blocks:
            wav.write(left, right)
    return wav.samples, notes


def _stereo(path: Path, caller: int) -> Blocks:
    channels = (read_mulaw(path, BLOCK_MS, channel) for channel in (caller, 1 - caller))
    return zip(*channels, strict=True)


def _pair(caller: Path, agent: Path, notes: list[str]) -> Blocks:
    fill = bytes([SILENCE])
    lengths = [0, 0]
    both = (read_mulaw(path, BLOCK_MS) for path in (caller, agent))
    for left, right in zip_longest(*both, fillvalue=b""):
        lengths[0] += len(left)
        lengths[1] += len(right)
        size = max(len(left), len(right))
        yield left.ljust(size, fill), right.ljust(size, fill)
    missing_s = abs(lengths[0] - lengths[1]) / 8000
    if missing_s:
        shorter = caller if lengths[0] < lengths[1] else agent
        notes.append(f"{shorter}: {missing_s:.3f} s shorter than the other; silence added")


def _caller_channel(source: Source, known: CallLabels, notes: list[str]) -> int:
    """Return the caller's channel, counted from 0; `auto` says what it found."""
    if source.caller != "auto":
        return SIDES.index(source.caller)
    rms = energies_of(_stereo(source.audio, caller=0), CHECKED_MS)
    if looks_swapped(rms, known.agent or (), known.labels):
        notes.append(f"{source.audio}: caller taken from the right channel, which the labels fit")
        return 1
    if not known.labels and guess_caller(rms) == 1:
        notes.append(
            f"{source.audio}: caller taken from the right channel, since the left one is silent "
            "between words as only a synthetic voice is; --caller-channel left if that is wrong"
        )
        return 1
    return 0


def _check_agent(agent: Sequence[Interval], duration_ms: int, where: str) -> None:
    if agent and agent[-1].end_ms > duration_ms:
        end_s = agent[-1].end_ms / 1000
        raise BadInput(
            f"{where}: the agent speaks until {end_s:.3f} s, but the recording ends at "
            f"{duration_ms / 1000:.3f} s"
        )
