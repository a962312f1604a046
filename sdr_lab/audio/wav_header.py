"""The header of a WAV file, also of one whose writer never came to finish it.

Source: "Multimedia Programming Interface and Data Specifications 1.0", IBM and Microsoft, 1991.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sdr_lab.errors import AudioError

_NO_SIZE = (0, 0xFFFFFFFF)
"""Sizes that programs leave in the header until they go back to fill it in."""

_LARGEST_SIZE = 0xFFFFFFFF - 4096


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What a WAV file says of itself, held against what is there."""

    format_tag: int
    channels: int
    rate_hz: int
    data_at: int
    """Where the samples begin."""
    data_bytes: int
    """How many bytes of samples there are; less than claimed in a file that broke off."""
    is_unfinished: bool
    """There are samples, but the header says there are none, or knows no number."""


def read_wav_header(path: Path) -> WavHeader | None:
    """Read the header of a WAV file; None for other files.

    Raises:
        AudioError: it is a WAV file, but ends before its samples begin.
    """
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE"[: len(start[8:])]:
            return None
        file_bytes = path.stat().st_size
        is_closed = len(start) == 12 and struct.unpack("<I", start[4:8])[0] + 8 == file_bytes
        header = _find_data(file, file_bytes, is_closed)
    if header is None:
        raise AudioError(f"{path}: a WAV file that breaks off inside its header; nothing to read")
    return header


def _find_data(file: BinaryIO, file_bytes: int, is_closed: bool) -> WavHeader | None:
    form = b""
    while len(chunk := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            if len(form) < 16:
                return None
            tag, channels, rate_hz = struct.unpack("<HHI", form[:8])
            there = file_bytes - file.tell()
            is_unfinished = size in _NO_SIZE and not is_closed and there > 0
            data_bytes = there if is_unfinished else min(size, there)
            return WavHeader(tag, channels, rate_hz, file.tell(), data_bytes, is_unfinished)
        if name == b"fmt ":
            form = file.read(size)
            file.seek(size % 2, 1)
        else:
            file.seek(size + size % 2, 1)
    return None


class MendedWav(io.RawIOBase):
    """An unfinished WAV file as it would read with its sizes filled in. The disk is not touched."""

    def __init__(self, path: Path, header: WavHeader) -> None:
        super().__init__()
        self._file = path.open("rb")
        head = bytearray(self._file.read(header.data_at))
        size = min(header.data_bytes, _LARGEST_SIZE)
        head[4:8] = struct.pack("<I", len(head) - 8 + size)
        head[-4:] = struct.pack("<I", size)
        self._head = bytes(head)
        self._file.seek(0)

    def readinto(self, buffer: Any, /) -> int:
        at = self._file.tell()
        data = self._file.read(len(buffer))
        head = self._head[at : at + len(data)]
        data = head + data[len(head) :]
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()
