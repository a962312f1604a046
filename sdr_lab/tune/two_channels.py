"""Reading two-channel recordings frame by frame: caller and agent, 20 ms of µ-law each.

Stereo µ-law at 8 kHz is handed on byte by byte; other stereo WAV at 8 kHz is encoded on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import MULAW_TO_PCM, SILENCE
from sdr_lab.audio.mulaw_wav import RATE_HZ
from sdr_lab.audio.wav import read_info, read_mulaw
from sdr_lab.errors import AudioError
from sdr_lab.records import FRAME_BYTES

BLOCK_MS = 10_000
"""Audio in memory at a time: 160 kB."""

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
    read_length(path)
    caller, agent = (1, 0) if is_swapped else (0, 1)
    blocks = (read_mulaw(path, BLOCK_MS, channel) for channel in (caller, agent))
    for left, right in zip(*blocks, strict=True):
        size = -(-len(left) // FRAME_BYTES) * FRAME_BYTES
        fill = bytes([SILENCE])
        yield left.ljust(size, fill), right.ljust(size, fill)


def energies(path: Path, longest_ms: int | None = None) -> NDArray[np.float64]:
    """Return the RMS of each frame of both channels as they lie in the file, shape (2, frames).

    16 bytes a frame: two hours are 6 MB.
    """
    parts = []
    length = 0
    for left, right in read_blocks(path):
        codes = np.frombuffer(left + right, np.uint8).reshape(2, -1, FRAME_BYTES)
        parts.append(np.sqrt(_SQUARES.take(codes).mean(axis=2)))
        length += BLOCK_MS
        if longest_ms is not None and length >= longest_ms:
            break
    return np.concatenate(parts, axis=1)
