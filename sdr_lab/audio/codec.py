"""G.711: µ-law and A-law by look-up tables.

Source: ITU-T G.711 (11/88), tables 1 and 2. Values are scaled to int16 as Python 3.11's
`audioop` did (µ-law ×4, A-law ×8), and agree with it in both directions for every input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SILENCE = 0xFF
"""µ-law code of the sample 0."""

A_LAW_SILENCE = 0xD5
"""A-law code of its smallest positive sample, 8: A-law has no zero."""

MULAW_PEAK = 32124
"""The largest sample that µ-law can carry."""

_MULAW_CLIP = 8159
_MULAW_BIAS = 33


def _mulaw_decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    segment, step = (code >> 4) & 7, code & 0xF
    magnitude = (((2 * step + _MULAW_BIAS) << segment) - _MULAW_BIAS) << 2
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _mulaw_encode_table() -> NDArray[np.uint8]:
    """Index: the sample taken as uint16."""
    pcm = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    # 14 bits by an arithmetic shift, as audioop did: -1 becomes -1, not 0.
    sample = pcm >> 2
    magnitude = np.minimum(np.abs(sample), _MULAW_CLIP) + _MULAW_BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0xF)
    code = np.where(segment > 7, 0x7F, code)
    return (code ^ np.where(sample < 0, 0x7F, 0xFF)).astype(np.uint8)


def _alaw_decode_table() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (code >> 4) & 7, code & 0xF
    linear = (2 * step + 1) << 3
    magnitude = np.where(segment == 0, linear, (linear + 0x100) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_encode_table() -> NDArray[np.uint8]:
    pcm = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    sample = pcm >> 3
    magnitude = np.where(sample < 0, -sample - 1, sample)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0xF)
    return (code ^ np.where(sample < 0, 0x55, 0xD5)).astype(np.uint8)


MULAW_TO_PCM = _mulaw_decode_table()
"""int16 sample of each µ-law code, shape (256,)."""

_PCM_TO_MULAW = _mulaw_encode_table()
_ALAW_TO_PCM = _alaw_decode_table()
_PCM_TO_ALAW = _alaw_encode_table()


def mulaw_to_pcm(mulaw: bytes | bytearray | memoryview) -> NDArray[np.int16]:
    """Decode µ-law: one byte in, one int16 sample out (-32124..32124)."""
    return MULAW_TO_PCM.take(np.frombuffer(mulaw, np.uint8))


def pcm_to_mulaw(pcm: NDArray[np.int16]) -> bytes:
    """Encode int16 samples, shape (n,), as n bytes of µ-law. Louder than 32124 is clipped."""
    return _PCM_TO_MULAW.take(_codes(pcm)).tobytes()


def alaw_to_pcm(alaw: bytes | bytearray | memoryview) -> NDArray[np.int16]:
    """Decode A-law: one byte in, one int16 sample out (-32256..32256)."""
    return _ALAW_TO_PCM.take(np.frombuffer(alaw, np.uint8))


def pcm_to_alaw(pcm: NDArray[np.int16]) -> bytes:
    """Encode int16 samples, shape (n,), as n bytes of A-law."""
    return _PCM_TO_ALAW.take(_codes(pcm)).tobytes()


def silence(length_ms: int) -> bytes:
    """Return µ-law silence, 8 bytes a millisecond."""
    return bytes([SILENCE]) * (8 * length_ms)


def _codes(pcm: NDArray[np.int16]) -> NDArray[np.uint16]:
    if pcm.dtype != np.int16:
        # A float array of -1..1 would encode as silence without a word.
        raise ValueError(f"pcm must be int16, not {pcm.dtype}")
    return np.ascontiguousarray(pcm).view(np.uint16)
