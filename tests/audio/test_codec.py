"""G.711 against the ITU's tables and against Python 3.11's audioop.

The checksums are CRC-32 of what `audioop` of Python 3.11 gave (little-endian int16), since
later Pythons have no `audioop`.
"""

import zlib

import numpy as np
import pytest

from sdr_lab.audio.codec import (
    A_LAW_SILENCE,
    MULAW_PEAK,
    SILENCE,
    alaw_to_pcm,
    mulaw_to_pcm,
    pcm_to_alaw,
    pcm_to_mulaw,
    silence,
)

ALL_CODES = bytes(range(256))
ALL_PCM = np.arange(-32768, 32768).astype(np.int16)

# Codes 0x00..0x7F: the negative half of G.711 table 2b, first value of each segment of 16
# steps and its step, scaled ×4.
MULAW_SEGMENTS = [
    (-32124, 1024),
    (-15996, 512),
    (-7932, 256),
    (-3900, 128),
    (-1884, 64),
    (-876, 32),
    (-372, 16),
    (-120, 8),
]
# Codes 0x00..0x7F of A-law with the even bits inverted (XOR 0x55): G.711 table 1b, scaled ×8.
ALAW_SEGMENTS = [
    (-8, 16),
    (-264, 16),
    (-528, 32),
    (-1056, 64),
    (-2112, 128),
    (-4224, 256),
    (-8448, 512),
    (-16896, 1024),
]


def crc(array: np.ndarray) -> int:
    return zlib.crc32(array.astype("<i2").tobytes())


def test_mulaw_decodes_as_the_itu_table_says():
    negative = [first + step * i for first, step in MULAW_SEGMENTS for i in range(16)]

    pcm = mulaw_to_pcm(ALL_CODES)

    assert pcm[:128].tolist() == negative
    assert pcm[128:].tolist() == [-value for value in negative]


def test_alaw_decodes_as_the_itu_table_says():
    negative = [first - step * i for first, step in ALAW_SEGMENTS for i in range(16)]

    pcm = alaw_to_pcm(bytes(code ^ 0x55 for code in range(128)))

    assert pcm.tolist() == negative
    assert alaw_to_pcm(bytes(code ^ 0xD5 for code in range(128))).tolist() == [
        -value for value in negative
    ]


def test_decoding_equals_audioop():
    assert crc(mulaw_to_pcm(ALL_CODES)) == 0x0C847A9F
    assert crc(alaw_to_pcm(ALL_CODES)) == 0x9D764657


def test_encoding_every_sample_equals_audioop():
    assert zlib.crc32(pcm_to_mulaw(ALL_PCM)) == 0x3B7C3A3E
    assert zlib.crc32(pcm_to_alaw(ALL_PCM)) == 0x9133796E


def test_every_code_survives_a_round_trip_but_negative_zero():
    back = pcm_to_mulaw(mulaw_to_pcm(ALL_CODES))

    assert [code for code in range(256) if back[code] != code] == [0x7F]
    assert back[0x7F] == 0xFF
    assert pcm_to_alaw(alaw_to_pcm(ALL_CODES)) == ALL_CODES


def test_encoding_is_off_by_half_a_step_at_most():
    decoded = mulaw_to_pcm(pcm_to_mulaw(ALL_PCM)).astype(int)
    error = np.abs(decoded - np.clip(ALL_PCM, -MULAW_PEAK, MULAW_PEAK).astype(int))

    # From segment to segment the step doubles, 8 at first, at |x| + 132 = 256, 512, 1024…
    step = 8 * 2 ** np.floor(np.log2((np.abs(decoded) + 132) / 128))
    assert (error <= step / 2 + 4).all()  # 4: µ-law knows 14 of the 16 bits


def test_loud_samples_are_clipped_not_wrapped():
    pcm = mulaw_to_pcm(pcm_to_mulaw(np.array([32767, -32768], np.int16)))

    assert pcm.tolist() == [MULAW_PEAK, -MULAW_PEAK]


def test_silence():
    assert mulaw_to_pcm(bytes([SILENCE])).tolist() == [0]
    assert pcm_to_alaw(np.zeros(1, np.int16)) == bytes([A_LAW_SILENCE])
    assert silence(20) == b"\xff" * 160


def test_any_buffer_decodes_and_nothing_is_nothing():
    assert mulaw_to_pcm(bytearray(b"\x00\xff")).tolist() == [-32124, 0]
    assert mulaw_to_pcm(memoryview(b"\x80")).tolist() == [32124]
    assert mulaw_to_pcm(b"").shape == (0,)
    assert pcm_to_mulaw(np.empty(0, np.int16)) == b""


def test_a_strided_channel_encodes():
    stereo = np.array([[0, 32124], [0, -32124]], np.int16)

    assert pcm_to_mulaw(stereo[:, 1]) == b"\x80\x00"


def test_floats_are_refused():
    with pytest.raises(ValueError, match="int16, not float32"):
        pcm_to_mulaw(np.zeros(4, np.float32))  # pyright: ignore[reportArgumentType]
