"""Reading two-channel recordings frame by frame: caller and agent, 20 ms of µ-law each.

Stereo µ-law at 8 kHz is handed on byte by byte; other stereo WAV at 8 kHz is encoded on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import MULAW_TO_PCM, SILENCE
from sdr_lab.audio.mulaw_wav import RATE_HZ
from sdr_lab.audio.wav import read_info, read_mulaw
from sdr_lab.errors import AudioError
from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.tune.labels import Interval, Label

BLOCK_MS = 10_000
"""Audio in memory at a time: 160 kB."""

GAP_MS = 600
"""Pauses between two sentences of the agent; shorter ones do not end his speech."""
SHORTEST_MS = 100
"""A click is no speech."""
LOWEST_RMS = 60.0
"""Below that a channel counts as silent, whatever its noise."""
FITS_BETTER = 0.25
"""So much more correlation with the other channel is no accident."""
FITS = 0.3
STEP_DB = 6.0
"""Labelled sounds stand out so much more on the other channel."""
AROUND_FRAMES = 15
CLEAN_RMS, LINE_RMS = 4.0, 12.0
"""Between words: below is digital silence, above is a line; in between, who knows."""

_SQUARES = MULAW_TO_PCM.astype(np.float64) ** 2


def read_length(path: Path) -> int:
    """Return the length of a two-channel recording, ms.

    Raises:
        AudioError: it is no sound file, has another number of channels or another rate.
    """
    info = read_info(path)
    if info.channels != 2:
        held = "mono" if info.channels == 1 else f"{info.channels} channels"
        raise AudioError(
            f"{path}: {held}; two channels are needed, caller left and agent right; join two "
            "mono files with `sdr-lab interrupts import`"
        )
    if info.rate_hz != RATE_HZ:
        raise AudioError(
            f"{path}: {info.rate_hz} Hz; {RATE_HZ} Hz is needed; convert it with "
            "`sdr-lab interrupts import`"
        )
    return int(info.duration_ms)


def read_frames(path: Path, is_swapped: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Yield caller and agent, 160 bytes each; the last frame is filled up with silence.

    Raises:
        AudioError: as `read_length`, or the file is damaged.
    """
    for left, right in read_blocks(path, is_swapped):
        for at in range(0, len(left), FRAME_BYTES):
            yield left[at : at + FRAME_BYTES], right[at : at + FRAME_BYTES]


def read_blocks(path: Path, is_swapped: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Yield caller and agent, ten seconds at a time, in whole frames.

    Raises:
        AudioError: as `read_length`, or the file is damaged.
    """
    fill = bytes([SILENCE])
    for left, right in read_pieces(path, is_swapped):
        size = -(-len(left) // FRAME_BYTES) * FRAME_BYTES
        yield left.ljust(size, fill), right.ljust(size, fill)


def read_pieces(path: Path, is_swapped: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """The same without filling up the last frame."""
    read_length(path)
    caller, agent = (1, 0) if is_swapped else (0, 1)
    blocks = (read_mulaw(path, BLOCK_MS, channel) for channel in (caller, agent))
    return zip(*blocks, strict=True)


def energies(path: Path, longest_ms: int | None = None) -> NDArray[np.float64]:
    """Return the RMS of each frame of both channels as they lie in the file, shape (2, frames).

    16 bytes a frame: two hours are 6 MB.
    """
    return energies_of(read_blocks(path), longest_ms)


def energies_of(
    blocks: Iterable[tuple[bytes, bytes]], longest_ms: int | None = None
) -> NDArray[np.float64]:
    """The same of two channels of µ-law, ten seconds at a time."""
    parts = [np.empty((2, 0))]
    length_ms = 0
    for left, right in blocks:
        whole = len(left) // FRAME_BYTES * FRAME_BYTES
        codes = np.frombuffer(left[:whole] + right[:whole], np.uint8)
        parts.append(np.sqrt(_SQUARES.take(codes.reshape(2, -1, FRAME_BYTES)).mean(axis=2)))
        length_ms += len(left) // 8
        if longest_ms is not None and length_ms >= longest_ms:
            break
    return np.concatenate(parts, axis=1)


def active_intervals(rms: NDArray[np.float64]) -> tuple[Interval, ...]:
    """Return when a channel is active, from the RMS of its frames; gaps of 600 ms are bridged."""
    if not len(rms):
        return ()
    quiet, loud = np.percentile(rms, (10, 98))
    level = max(LOWEST_RMS, min(4.0 * float(quiet), float(loud) / 4))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], rms > level, [False]))))
    runs: list[list[int]] = []
    for start_ms, end_ms in (edges.reshape(-1, 2) * FRAME_MS).tolist():
        if end_ms - start_ms < SHORTEST_MS and not (runs and start_ms - runs[-1][1] <= GAP_MS):
            continue
        if runs and start_ms - runs[-1][1] <= GAP_MS:
            runs[-1][1] = end_ms
        else:
            runs.append([start_ms, end_ms])
    return tuple(Interval(start_ms, end_ms) for start_ms, end_ms in runs)


def looks_swapped(
    rms: NDArray[np.float64], agent: Sequence[Interval], labels: Sequence[Label]
) -> bool:
    """Say whether the left channel (row 0) is the agent's and the right one the caller's.

    What is known of the agent must fit one channel clearly better. When nothing is known of him
    (`agent` is empty), interruptions must stand out on the caller's.
    """
    if agent:
        mask = np.zeros(rms.shape[1])
        for x in agent:
            mask[x.start_ms // FRAME_MS : x.end_ms // FRAME_MS] = 1.0
        left, right = (_correlation(np.log10(channel + 10.0), mask) for channel in rms)
        return left > right + FITS_BETTER and left > FITS
    steps = [_step_db(rms, x) for x in labels if x.kind == "interruption"]
    known = [step for step in steps if step is not None]
    return bool(known) and float(np.mean(known)) < -STEP_DB


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    if not (len(x) and np.ptp(x) and np.ptp(y)):
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _step_db(rms: NDArray[np.float64], label: Label) -> float | None:
    """Return how much more the left channel rises during a label than the right one, in dB."""
    start, end = label.onset_ms // FRAME_MS, label.offset_ms // FRAME_MS
    if start < 1 or end > rms.shape[1] or end <= start:
        return None
    during = rms[:, start:end].mean(axis=1) + 10.0
    before = rms[:, max(0, start - AROUND_FRAMES) : start].mean(axis=1) + 10.0
    rise = 20 * np.log10(during / before)
    return float(rise[0] - rise[1])


def guess_caller(rms: NDArray[np.float64]) -> int | None:
    """Guess whose channel is whose from sound alone: the caller's is 0, 1, or None: can't tell.

    A synthetic voice that has not travelled leaves nothing between words; a caller's line does.
    """
    if not rms.shape[1]:
        return None
    floors = np.percentile(rms, 10, axis=1)
    for caller in (0, 1):
        if floors[1 - caller] < CLEAN_RMS and floors[caller] > LINE_RMS:
            return caller
    return None
