"""Cutting µ-law audio into the 20 ms frames of a phone line."""

from __future__ import annotations

from sdr_lab.audio.codec import SILENCE
from sdr_lab.records import FRAME_BYTES


class FrameCutter:
    """Cuts a stream of bytes of any lengths into frames; the rest is carried over."""

    def __init__(self, frame_bytes: int = FRAME_BYTES) -> None:
        self.frame_bytes = frame_bytes
        self._carry = bytearray()

    @property
    def carried(self) -> int:
        """Bytes that wait for the rest of their frame, 0..frame_bytes - 1."""
        return len(self._carry)

    def push(self, mulaw: bytes) -> list[bytes]:
        """Add audio; return the frames that are complete now, possibly none."""
        self._carry += mulaw
        end = len(self._carry) - len(self._carry) % self.frame_bytes
        data = bytes(self._carry[:end])
        del self._carry[:end]
        return [data[at : at + self.frame_bytes] for at in range(0, end, self.frame_bytes)]

    def flush(self) -> list[bytes]:
        """Return what was carried as one frame filled up with silence, or no frame."""
        if not self._carry:
            return []
        frame = bytes(self._carry).ljust(self.frame_bytes, bytes([SILENCE]))
        self._carry.clear()
        return [frame]


def cut_frames(mulaw: bytes, frame_bytes: int = FRAME_BYTES) -> list[bytes]:
    """Cut a whole piece of audio into frames, the last one filled up with silence."""
    cutter = FrameCutter(frame_bytes)
    return cutter.push(mulaw) + cutter.flush()
