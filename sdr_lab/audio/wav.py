"""Reading sound files.

WAV of any rate, width and number of channels (and FLAC, Ogg, AIFF… as libsndfile knows them),
and headerless G.711 as telephone systems store it: `.ulaw`, `.ul`, `.mulaw`, `.alaw`, `.al`.
Files are read piece by piece, so that hours of audio take no more memory than seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import alaw_to_pcm, mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.mulaw_wav import FORMAT_MULAW
from sdr_lab.audio.resample import PHONE_HZ, StreamResampler
from sdr_lab.audio.wav_header import MendedWav, read_wav_header
from sdr_lab.errors import AudioError
from sdr_lab.records import Sound

if TYPE_CHECKING:
    from soundfile import SoundFile

RAW_DECODERS = {
    ".ulaw": mulaw_to_pcm,
    ".ul": mulaw_to_pcm,
    ".mulaw": mulaw_to_pcm,
    ".alaw": alaw_to_pcm,
    ".al": alaw_to_pcm,
}
"""Headerless 8 kHz mono files, by the end of their name."""

_READ_FRAMES = 1 << 15
_MAX_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a sound file holds."""

    rate_hz: int
    channels: int
    samples: int
    """Per channel, counted in the file, whatever the header claims."""

    @property
    def duration_ms(self) -> float:
        return 1000 * self.samples / self.rate_hz


def read_info(path: Path) -> AudioInfo:
    """Look at a sound file without reading it all.

    Raises:
        AudioError: missing, empty, not audio, or without samples.
    """
    if _is_raw(path):
        return AudioInfo(PHONE_HZ, 1, _size(path))
    with _open(path) as file:
        return AudioInfo(file.samplerate, file.channels, file.frames)


def read_blocks(
    path: Path, rate_hz: int = PHONE_HZ, block_ms: int = 1000, channel: int | None = None
) -> Iterator[NDArray[np.int16]]:
    """Read a file piece by piece at the rate that is wanted.

    Args:
        path: A sound file. It is checked at once and read while the blocks are taken.
        rate_hz: Rate of the result; the file is resampled if its own differs.
        block_ms: Length of the blocks; the last one may be shorter, never empty.
        channel: Which channel, counted from 0; None mixes all channels in equal parts.

    Returns:
        Samples, shape (rate_hz * block_ms // 1000,), int16. Floats beyond ±1 are clipped.

    Raises:
        AudioError: missing, empty, not audio, damaged, without samples or without the channel.
    """
    info = read_info(path)
    _check_channel(path, info.channels, channel)
    size = max(1, rate_hz * block_ms // 1000)
    return _cut_blocks(_read_mono(path, channel), StreamResampler(info.rate_hz, rate_hz), size)


def _cut_blocks(
    pieces: Iterator[NDArray[np.int16]], resampler: StreamResampler, size: int
) -> Iterator[NDArray[np.int16]]:
    ready = np.empty(0, np.int16)
    for pcm in pieces:
        ready = np.concatenate((ready, resampler.push(pcm)))
        whole = len(ready) - len(ready) % size
        yield from ready[:whole].reshape(-1, size)
        ready = ready[whole:]
    ready = np.concatenate((ready, resampler.push(np.empty(0, np.int16), last=True)))
    for start in range(0, len(ready), size):
        yield ready[start : start + size]


def read_sound(path: Path, channel: int | None = None) -> Sound:
    """Read a whole file at its own rate, as mono.

    Raises:
        AudioError: as `read_blocks`.
    """
    info = read_info(path)
    _check_channel(path, info.channels, channel)
    return Sound(np.concatenate(list(_read_mono(path, channel))), info.rate_hz)


def read_mulaw(path: Path, block_ms: int = 1000, channel: int | None = None) -> Iterator[bytes]:
    """Read a file as 8 kHz µ-law, `8 * block_ms` bytes at a time.

    A file that is 8 kHz µ-law already is handed on byte by byte as it is.

    Raises:
        AudioError: as `read_blocks`.
    """
    info = read_info(path)
    _check_channel(path, info.channels, channel)
    size = max(1, PHONE_HZ * block_ms // 1000)
    if RAW_DECODERS.get(path.suffix.lower()) is mulaw_to_pcm:
        return _read_bytes(path, 0, info.samples, size)
    header = None if _is_raw(path) else read_wav_header(path)
    is_phone = header and header.format_tag == FORMAT_MULAW and header.rate_hz == PHONE_HZ
    if header and is_phone and (header.channels == 1 or channel is not None):
        n = info.channels
        blocks = _read_bytes(path, header.data_at, info.samples * n, size * n)
        return (block[channel or 0 :: n] for block in blocks)
    return (pcm_to_mulaw(pcm) for pcm in read_blocks(path, PHONE_HZ, block_ms, channel))


def _read_mono(path: Path, channel: int | None) -> Iterator[NDArray[np.int16]]:
    if decode := RAW_DECODERS.get(path.suffix.lower()):
        for block in _read_bytes(path, 0, _size(path), _READ_FRAMES):
            yield decode(block)
        return
    with _open(path) as file:
        while len(block := _read_floats(path, file)):
            mono = block.mean(axis=1) if channel is None else block[:, channel]
            # NaN would become an arbitrary sample
            scaled = np.nan_to_num(np.rint(mono * 32768), posinf=32767, neginf=-32768)
            yield np.clip(scaled, -32768, 32767).astype(np.int16)


def _read_floats(path: Path, file: SoundFile) -> NDArray[np.float32]:
    from soundfile import LibsndfileError

    try:
        return np.asarray(file.read(_READ_FRAMES, dtype="float32", always_2d=True), np.float32)
    except LibsndfileError as error:
        raise AudioError(f"{path}: damaged: {error.error_string}") from error


def _open(path: Path) -> SoundFile:
    from soundfile import LibsndfileError, SoundFile

    size = _size(path)
    header = read_wav_header(path)
    if header and not header.data_bytes:
        raise AudioError(f"{path}: holds 0 samples; give a file with sound in it")
    try:
        if header and header.is_unfinished:
            file = SoundFile(BufferedReader(MendedWav(path, header)))
        else:  # by number: given a name, libsndfile believes its ending, and its MP3 reader chats
            file = SoundFile(os.open(path, os.O_RDONLY), closefd=True)
    except LibsndfileError as error:
        raise AudioError(
            f"{path}: not audio that can be read ({size} bytes; {error.error_string.strip()}); "
            f"give WAV, FLAC or Ogg, or headerless 8 kHz G.711 named {' '.join(RAW_DECODERS)}"
        ) from error
    if not file.frames or file.channels > _MAX_CHANNELS:
        held = f"{file.frames} samples in {file.channels} channels"
        file.close()
        raise AudioError(f"{path}: holds {held}; give a file with sound in it")
    return file


def _size(path: Path) -> int:
    if path.is_dir():
        raise AudioError(f"{path}: is a directory; give a sound file")
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: can't be read: {error.strerror}") from error
    if not size:
        raise AudioError(f"{path}: is empty (0 bytes); give a file with sound in it")
    return size


def _is_raw(path: Path) -> bool:
    return path.suffix.lower() in RAW_DECODERS


def _check_channel(path: Path, channels: int, channel: int | None) -> None:
    if channel is not None and not 0 <= channel < channels:
        raise AudioError(f"{path}: has no channel {channel}; allowed: 0..{channels - 1}")


def _read_bytes(path: Path, start: int, length: int, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length and (block := file.read(min(size, length))):
            length -= len(block)
            yield block
