"""The recording of a call as a file that everything can play.

Calls are recorded as stereo µ-law WAV (caller left, agent right). That is what `format=mulaw`
gives. Browsers play it, but Python's `wave` and many editors do not, so by default every byte
becomes a 16-bit sample on its way out: a table look-up, and a part of the result is still a part
of the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.wav_header import read_wav_header
from sdr_lab.errors import AudioError, NotFound

PCM_HEADER_BYTES = 44


@dataclass(frozen=True, slots=True)
class Recording:
    """A µ-law recording as it lies on disk, while it is being written, too."""

    path: Path
    data_at: int
    samples: int
    """Bytes of µ-law, both channels."""
    channels: int
    rate_hz: int
    changed_ns: int

    @classmethod
    def open(cls, path: Path | None) -> Recording:
        """Look at a recording.

        Raises:
            NotFound: there is none, or nothing is in it yet.
        """
        try:
            header = read_wav_header(path) if path is not None else None
            changed_ns = path.stat().st_mtime_ns if path is not None else 0
        except (OSError, AudioError):
            header, changed_ns = None, 0
        if path is None or header is None or header.data_bytes < header.channels:
            raise NotFound("this call has no recording")
        samples = header.data_bytes - header.data_bytes % header.channels
        return cls(path, header.data_at, samples, header.channels, header.rate_hz, changed_ns)

    def bytes_at(self, start: int, end: int) -> bytes:
        """Return samples from `start` up to `end`."""
        with self.path.open("rb") as file:
            file.seek(self.data_at + start)
            return file.read(end - start)


@dataclass(frozen=True, slots=True)
class MulawFile:
    """The recording as it was made."""

    recording: Recording
    media_type: str = "audio/wav"

    @property
    def size(self) -> int:
        return self.recording.data_at + self.recording.samples

    @property
    def etag(self) -> str:
        return f'"{self.recording.changed_ns:x}-{self.size:x}-u"'

    def read(self, start: int, end: int) -> bytes:
        with self.recording.path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)


@dataclass(frozen=True, slots=True)
class PcmFile:
    """The recording with 16 bits a sample."""

    recording: Recording
    media_type: str = "audio/wav"

    @property
    def size(self) -> int:
        return PCM_HEADER_BYTES + 2 * self.recording.samples

    @property
    def etag(self) -> str:
        return f'"{self.recording.changed_ns:x}-{self.size:x}-p"'

    def read(self, start: int, end: int) -> bytes:
        head = pcm_header(self.recording)[start:end]
        begin = max(0, start - PCM_HEADER_BYTES)
        stop = max(0, end - PCM_HEADER_BYTES)
        first, last = begin // 2, (stop + 1) // 2  # whole samples around the wanted bytes
        if last <= first:
            return head
        pcm = mulaw_to_pcm(self.recording.bytes_at(first, last)).astype("<i2").tobytes()
        return head + pcm[begin - 2 * first : stop - 2 * first]


def pcm_header(recording: Recording) -> bytes:
    """Return the header of a 16-bit PCM WAV file.

    Source: "Multimedia Programming Interface and Data Specifications 1.0", IBM and Microsoft, 1991.
    """
    data_bytes, frame_bytes = 2 * recording.samples, 2 * recording.channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        data_bytes + PCM_HEADER_BYTES - 8,
        b"WAVE",
        b"fmt ",
        16,
        1,
        recording.channels,
        recording.rate_hz,
        recording.rate_hz * frame_bytes,
        frame_bytes,
        16,
        b"data",
        data_bytes,
    )
