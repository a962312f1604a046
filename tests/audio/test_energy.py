"""Energy against values that Python 3.11's audioop gave."""

import hashlib

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.energy import (
    active_level_dbfs,
    calculate_audio_energy,
    frame_energies,
    level_dbfs,
)

# audioop.rms(audioop.ulaw2lin(x, 2), 2), Python 3.11.7
AUDIOOP_RMS = [
    (b"", 0),
    (b"\xff" * 160, 0),
    (b"\x7f" * 160, 0),
    (b"\x00" * 160, 32124),
    (b"\x80" * 160, 32124),
    (bytes(range(256)), 10137),
    (bytes(range(160)), 12630),
    (b"\x00\xff" * 80, 22715),
    (b"\x00" + b"\xff" * 159, 2539),
    (b"\xfe" + b"\xff" * 159, 0),
    (b"\x01", 31100),
    (b"\xfe\xff\xff", 4),
    (b"\x89\xff" * 80, 16198),
    (b"\x92\xff" * 80, 10586),
    (b"\x9b\xff" * 80, 7328),
    (b"\xa4\xff" * 80, 4884),
    (b"\xad\xff" * 80, 3255),
    (b"\xb6\xff" * 80, 2214),
    (b"\xbf\xff" * 80, 1400),
    (b"\xc8\xff" * 80, 970),
    (b"\xd1\xff" * 80, 596),
    (b"\xda\xff" * 80, 393),
    (b"\xe3\xff" * 80, 229),
    (b"\xec\xff" * 80, 127),
    (b"\xf5\xff" * 80, 56),
    (b"\xfe\xff" * 80, 5),
]

# The same for frames of pseudo-random bytes, by seed and length
AUDIOOP_RMS_OF_NOISE = [
    (0, 160, 9442),
    (1, 160, 9830),
    (2, 160, 10632),
    (3, 160, 10659),
    (4, 160, 9426),
    (5, 160, 11136),
    (6, 160, 10890),
    (7, 160, 10412),
    (8, 160, 10453),
    (9, 160, 10397),
    (10, 160, 10060),
    (11, 160, 10401),
    (12, 160, 9636),
    (13, 160, 10793),
    (14, 160, 10766),
    (15, 160, 12043),
    (16, 160, 9708),
    (17, 160, 9382),
    (18, 160, 8889),
    (19, 160, 11154),
    (1, 1, 6396),
    (2, 2, 2674),
    (3, 3, 7356),
    (4, 159, 9454),
    (5, 161, 11101),
    (6, 8000, 10322),
]


def noise(seed: int, length: int) -> bytes:
    blocks = (hashlib.sha256(f"{seed}:{i}".encode()).digest() for i in range(length // 32 + 1))
    return b"".join(blocks)[:length]


@pytest.mark.parametrize(("mulaw", "rms"), AUDIOOP_RMS)
def test_energy_equals_audioop(mulaw: bytes, rms: int):
    assert calculate_audio_energy(mulaw) == rms


@pytest.mark.parametrize(("seed", "length", "rms"), AUDIOOP_RMS_OF_NOISE)
def test_energy_of_noise_equals_audioop(seed: int, length: int, rms: int):
    assert calculate_audio_energy(noise(seed, length)) == rms


def test_energy_of_one_sample_is_its_size():
    sizes = np.abs(mulaw_to_pcm(bytes(range(256))).astype(int))

    assert [calculate_audio_energy(bytes([code])) for code in range(256)] == sizes.tolist()


def test_energy_is_a_plain_int():
    assert type(calculate_audio_energy(b"\x00" * 160)) is int


def test_frame_energies_are_the_energies_of_the_frames():
    mulaw = noise(42, 160 * 50 + 37)

    energies = frame_energies(mulaw)

    frames = [mulaw[at : at + 160] for at in range(0, len(mulaw), 160)]
    assert energies.tolist() == [calculate_audio_energy(frame) for frame in frames]


def test_frame_energies_over_more_frames_than_one_block():
    mulaw = b"\xff" * 160 * 60_000 + b"\x00" * 160

    energies = frame_energies(mulaw)

    assert len(energies) == 60_001
    assert np.flatnonzero(energies).tolist() == [60_000]
    assert energies[-1] == 32124


def test_frame_energies_of_nothing():
    assert frame_energies(b"").shape == (0,)


def test_level():
    assert level_dbfs(np.full(160, 16384, np.int16)) == pytest.approx(-6.02, abs=0.01)
    assert level_dbfs(np.full(160, -32768, np.int16)) == 0
    assert level_dbfs(np.zeros(160, np.int16)) == -96


@pytest.mark.parametrize("shape", [(0,), (160, 2)])
def test_level_refuses_what_is_not_one_channel(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="shape"):
        level_dbfs(np.zeros(shape, np.int16))


def test_active_level_leaves_the_pauses_out():
    speech = (np.sin(np.arange(8000) * 0.3) * 10000).astype(np.int16)
    with_pauses = np.concatenate((np.zeros(24000, np.int16), speech, np.zeros(24000, np.int16)))

    assert active_level_dbfs(with_pauses, 8000) == pytest.approx(level_dbfs(speech), abs=0.1)
    assert level_dbfs(with_pauses) == pytest.approx(level_dbfs(speech) - 8.45, abs=0.1)


def test_active_level_of_silence_and_of_less_than_a_frame():
    assert active_level_dbfs(np.zeros(8000, np.int16), 8000) == -96
    assert active_level_dbfs(np.full(100, 9999, np.int16), 8000) == -96


def test_mulaw_keeps_the_level_of_a_tone():
    tone = (np.sin(np.arange(8000) * 0.37) * 5000).astype(np.int16)

    assert calculate_audio_energy(pcm_to_mulaw(tone)) == pytest.approx(3535, rel=0.01)
