"""Reads the recordings of the fetched packages into a bank."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from corpora.bank import Bank, Clip
from corpora.sound import RATE_HZ, Pcm, at_8k, read


def files(root: Path, pattern: str) -> Iterator[Path]:
    """Files below `root` in order of their names; copies of the same bytes once."""
    seen: set[bytes] = set()
    for path in sorted(root.rglob(pattern)):
        if not path.is_file():
            continue
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).digest()
        if digest not in seen:
            seen.add(digest)
            yield path


def speech(bank: Bank, root: Path, pattern: str, speaker: str, *, clean: bool) -> None:
    """Add human speech."""
    for path in files(root, pattern):
        bank.add_recording(Clip("speech", speaker, path.stem, read(path), True, clean))


def sounds(bank: Bank, kind: str, root: Path, pattern: str, source: str, *, clean: bool) -> None:
    """Add short sounds of a kind; longer than 3 s is cut."""
    for path in files(root, pattern):
        bank.add(Clip(kind, source, path.stem, read(path)[: 3 * RATE_HZ], False, clean))


def beds(bank: Bank, root: Path, pattern: str, source: str, *, clean: bool) -> None:
    """Add beds of at least 3 s, cut to 90 s."""
    for path in files(root, pattern):
        pcm = read(path)[: 90 * RATE_HZ]
        if len(pcm) > 3 * RATE_HZ:
            bank.add(Clip("bed", source, f"{source}-{path.stem}", pcm, False, clean))


def doom_sounds(path: Path) -> Iterator[tuple[str, Pcm]]:
    """The digital sounds of a WAD: lumps `DS…`, 8-bit with a header of 8 bytes."""
    data = path.read_bytes()
    count, at = struct.unpack_from("<II", data, 4)
    for number in range(count):
        start, size, raw = struct.unpack_from("<II8s", data, at + 16 * number)
        name = raw.rstrip(b"\0").decode("ascii", "replace")
        if name.startswith("DS") and size > 400:
            kind, rate, length = struct.unpack_from("<HHI", data, start)
            if kind == 3:
                eight = np.frombuffer(data, np.uint8, min(length, size - 8), start + 8)
                yield name, at_8k((eight.astype(np.float32) - 128) / 128, rate)


def openttd_sounds(path: Path) -> Iterator[tuple[str, Pcm]]:
    """The sounds of a TTD `.cat` file: an index of offset and size, then WAVs after names."""
    data = path.read_bytes()
    count = (struct.unpack_from("<I", data, 0)[0] & 0x7FFFFFFF) // 8
    for number in range(count):
        start, size = struct.unpack_from("<II", data, 8 * number)
        block = data[start & 0x7FFFFFFF :][: size + 600]
        at = block.find(b"RIFF")
        if at >= 0:
            length = struct.unpack_from("<I", block, at + 4)[0] + 8
            yield f"sample{number}", read(io.BytesIO(block[at : at + length]))
