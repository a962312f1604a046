"""Stereo µ-law WAV files that are readable while they are being written.

Source: RIFF/WAVE, format tag 7 (WAVE_FORMAT_MULAW), "Multimedia Programming Interface and
Data Specifications 1.0" and its New Multimedia Data Types revision (fact chunk).
"""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType

import numpy as np

from sdr_lab.audio.codec import SILENCE
from sdr_lab.errors import AudioError, StorageError

RATE_HZ = 8000
FORMAT_MULAW = 7

_RIFF_SIZE_AT = 4
_FACT_COUNT_AT = 46
_DATA_SIZE_AT = 54
_HEADER_BYTES = 58
_MAX_DATA_BYTES = 2**32 - 1 - _HEADER_BYTES


class MulawWavWriter:
    """Writes a µ-law WAV as a call goes.

    The sizes in the header are brought up to date after every second of audio, and only once
    that audio is in the file: after a crash, even `kill -9`, any player reads everything up to
    the last second.
    """

    def __init__(self, path: Path, channels: int = 2) -> None:
        """Create the file with an empty, valid header; an existing file is replaced.

        Raises:
            StorageError: the file can't be created.
            ValueError: `channels` is not 1 or 2.
        """
        if channels not in (1, 2):
            raise ValueError(f"channels must be 1 or 2, not {channels}")
        self.path = path
        self.channels = channels
        self.samples = 0
        """Samples per channel written so far."""
        self._flushed = 0
        self._pending = tuple(bytearray() for _ in range(channels))
        """By channel; interleaved a second at a time, which costs a tenth of doing it by frames."""
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise StorageError(f"{path}: can't record there: {error.strerror}") from error
        self._put(0, self._header())

    def write(self, left: bytes, right: bytes = b"") -> None:
        """Append µ-law audio: the caller left, the agent right, of any but the same length.

        Raises:
            StorageError: the disk is full or gone. What was flushed before stays readable.
            ValueError: the lengths differ, or a mono file was given a right channel.
        """
        if len(right) != (len(left) if self.channels == 2 else 0):
            raise ValueError(f"{self.channels} channels: got {len(left)} and {len(right)} bytes")
        self._pending[0].extend(left)
        if right:
            self._pending[1].extend(right)
        self.samples += len(left)
        if self.samples - self._flushed >= RATE_HZ:
            self.flush()

    def flush(self) -> None:
        """Bring the file up to date: audio first, then the sizes (a few dozen µs)."""
        if self.samples * self.channels > _MAX_DATA_BYTES:
            raise AudioError(f"{self.path}: a WAV file ends at 4 GiB; start a new recording")
        self._put(self._data_end(), _interleave(*self._pending))
        self._flushed = self.samples
        for pending in self._pending:
            pending.clear()
        self._patch_sizes(pad=0)

    def close(self) -> None:
        """Write what is left and finish the file. Closing twice is fine."""
        if self._file.closed:
            return
        try:
            self.flush()
            if self.samples * self.channels % 2:  # RIFF chunks have an even length
                self._put(self._data_end(), bytes([SILENCE]))
                self._patch_sizes(pad=1)
        finally:
            self._file.close()

    def __enter__(self) -> MulawWavWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _header(self) -> bytes:
        form = struct.pack(
            "<HHIIHHH",
            FORMAT_MULAW,
            self.channels,
            RATE_HZ,
            RATE_HZ * self.channels,
            self.channels,
            8,
            0,
        )
        return b"".join(
            (
                struct.pack("<4sI4s", b"RIFF", _HEADER_BYTES - 8, b"WAVE"),
                struct.pack("<4sI", b"fmt ", len(form)) + form,
                struct.pack("<4sII", b"fact", 4, 0),
                struct.pack("<4sI", b"data", 0),
            )
        )

    def _data_end(self) -> int:
        return _HEADER_BYTES + self._flushed * self.channels

    def _patch_sizes(self, pad: int) -> None:
        end = self._data_end()
        self._put(_RIFF_SIZE_AT, struct.pack("<I", end - 8 + pad))
        self._put(_FACT_COUNT_AT, struct.pack("<I", self._flushed))
        self._put(_DATA_SIZE_AT, struct.pack("<I", end - _HEADER_BYTES))

    def _put(self, at: int, data: bytes | bytearray) -> None:
        # Always at a given place, so that a write that failed half-way can be repeated.
        rest = bytes(data)
        try:
            self._file.seek(at)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise StorageError(f"{self.path}: can't write: {error.strerror}") from error


def _interleave(*channels: bytearray) -> bytes:
    if len(channels) == 1:
        return bytes(channels[0])
    both = np.empty((len(channels[0]), len(channels)), np.uint8)
    for place, mulaw in enumerate(channels):
        both[:, place] = np.frombuffer(mulaw, np.uint8)
    return both.tobytes()
