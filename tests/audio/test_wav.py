import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from sdr_lab.audio.codec import alaw_to_pcm, mulaw_to_pcm
from sdr_lab.audio.energy import level_dbfs
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.audio.wav import AudioInfo, read_blocks, read_info, read_mulaw, read_sound
from sdr_lab.errors import AudioError

ALL_CODES = bytes(range(256))


def tone(rate_hz: int = 8000, seconds: float = 0.5, hz: float = 440) -> NDArray[np.int16]:
    at = np.arange(int(rate_hz * seconds)) / rate_hz
    return (np.sin(2 * np.pi * hz * at) * 10000).astype(np.int16)


def write(path: Path, pcm: np.ndarray, rate_hz: int = 8000, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, pcm, rate_hz, subtype=subtype)
    return path


def cut(path: Path, length: int) -> Path:
    path.write_bytes(path.read_bytes()[:length])
    return path


# ---- what can be read


@pytest.mark.parametrize(
    ("subtype", "off_by"),
    [
        ("PCM_U8", 256),
        ("PCM_16", 0),
        ("PCM_24", 0),
        ("PCM_32", 0),
        ("FLOAT", 0),
        ("DOUBLE", 0),
        ("ULAW", 300),
        ("ALAW", 300),
    ],
)
def test_every_width(tmp_path: Path, subtype: str, off_by: int):
    samples = tone().astype(np.float64) / 32768

    sound = read_sound(write(tmp_path / "a.wav", samples, subtype=subtype))

    assert sound.rate_hz == 8000
    assert sound.pcm.dtype == np.int16
    assert np.abs(sound.pcm.astype(int) - tone()).max() <= off_by


def test_g711_in_a_wav_decodes_as_our_codec_does(tmp_path: Path):
    with MulawWavWriter(tmp_path / "a.wav", channels=1) as wav:
        wav.write(ALL_CODES)

    assert read_sound(tmp_path / "a.wav").pcm.tolist() == mulaw_to_pcm(ALL_CODES).tolist()


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
def test_every_rate_comes_out_at_8_khz(tmp_path: Path, rate_hz: int):
    path = write(tmp_path / "a.wav", tone(rate_hz), rate_hz)

    pcm = np.concatenate(list(read_blocks(path)))

    assert len(pcm) == 4000
    assert np.abs(pcm[100:-100].astype(int) - tone()[100:-100]).max() < 20


def test_96_khz_stereo_float(tmp_path: Path):
    left = tone(96000).astype(np.float32) / 32768
    path = write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], 1), 96000, "FLOAT")

    mixed = np.concatenate(list(read_blocks(path)))
    first = np.concatenate(list(read_blocks(path, channel=0)))
    second = np.concatenate(list(read_blocks(path, channel=1)))

    assert len(mixed) == len(first) == len(second) == 4000
    assert level_dbfs(first) == pytest.approx(level_dbfs(tone()), abs=0.1)
    assert level_dbfs(mixed) == pytest.approx(level_dbfs(tone()) - 6.02, abs=0.1)
    assert not second.any()


def test_floats_beyond_full_scale_and_nan(tmp_path: Path):
    samples = np.array([2.0, -2.0, np.nan, np.inf, -np.inf, 0.5], np.float32)

    pcm = read_sound(write(tmp_path / "a.wav", samples, subtype="FLOAT")).pcm

    assert pcm.tolist() == [32767, -32768, 0, 32767, -32768, 16384]


def test_flac(tmp_path: Path):
    assert read_sound(write(tmp_path / "a.flac", tone())).pcm.tolist() == tone().tolist()


@pytest.mark.parametrize(
    ("name", "decode"),
    [
        ("a.ulaw", mulaw_to_pcm),
        ("a.ul", mulaw_to_pcm),
        ("A.MULAW", mulaw_to_pcm),
        ("a.alaw", alaw_to_pcm),
        ("a.al", alaw_to_pcm),
    ],
)
def test_headerless_g711(tmp_path: Path, name: str, decode):
    (tmp_path / name).write_bytes(ALL_CODES)

    assert read_info(tmp_path / name) == AudioInfo(8000, 1, 256)
    assert read_sound(tmp_path / name).pcm.tolist() == decode(ALL_CODES).tolist()


# ---- blocks


def test_blocks_have_the_length_that_was_asked_for(tmp_path: Path):
    path = write(tmp_path / "a.wav", tone(44100, seconds=2.51), 44100)

    lengths = [len(block) for block in read_blocks(path, rate_hz=16000, block_ms=100)]

    assert lengths == [1600] * 25 + [160]


def test_20_ms_blocks_are_frames(tmp_path: Path):
    path = write(tmp_path / "a.wav", tone(seconds=0.1))

    assert [len(frame) for frame in read_mulaw(path, block_ms=20)] == [160] * 5


def test_info(tmp_path: Path):
    info = read_info(write(tmp_path / "a.wav", np.zeros((44100, 2), np.int16), 44100))

    assert info == AudioInfo(44100, 2, 44100)
    assert info.duration_ms == 1000


# ---- µ-law comes through untouched


def test_headerless_mulaw_is_untouched(tmp_path: Path):
    (tmp_path / "a.ulaw").write_bytes(ALL_CODES)

    assert b"".join(read_mulaw(tmp_path / "a.ulaw", block_ms=3)) == ALL_CODES


def test_a_recorded_channel_is_untouched(tmp_path: Path):
    with MulawWavWriter(tmp_path / "a.wav") as wav:
        wav.write(ALL_CODES, ALL_CODES[::-1])

    assert b"".join(read_mulaw(tmp_path / "a.wav", channel=0, block_ms=3)) == ALL_CODES
    assert b"".join(read_mulaw(tmp_path / "a.wav", channel=1)) == ALL_CODES[::-1]


def test_both_recorded_channels_are_mixed(tmp_path: Path):
    with MulawWavWriter(tmp_path / "a.wav") as wav:
        wav.write(b"\x80" * 160, b"\xff" * 160)  # 32124 and 0

    mixed = mulaw_to_pcm(b"".join(read_mulaw(tmp_path / "a.wav")))

    assert np.abs(mixed - 16062).max() <= 512


# ---- files that broke off


def test_a_file_that_broke_off_gives_all_that_is_there(tmp_path: Path):
    path = cut(write(tmp_path / "a.wav", tone()), 44 + 2 * 1234 + 1)

    assert read_info(path).samples == 1234
    assert read_sound(path).pcm.tolist() == tone()[:1234].tolist()


def test_a_recording_that_broke_off_gives_all_that_is_there(tmp_path: Path):
    with MulawWavWriter(tmp_path / "a.wav") as wav:
        wav.write(ALL_CODES, ALL_CODES)
    cut(tmp_path / "a.wav", 58 + 2 * 100 + 1)

    assert b"".join(read_mulaw(tmp_path / "a.wav", channel=1)) == ALL_CODES[:100]
    assert read_sound(tmp_path / "a.wav", channel=0).pcm.tolist() == (
        mulaw_to_pcm(ALL_CODES[:100]).tolist()
    )


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff"])
@pytest.mark.parametrize("riff_size", [b"\0\0\0\0", struct.pack("<I", 36), b"\xff\xff\xff\xff"])
def test_sizes_that_were_never_filled_in(tmp_path: Path, riff_size: bytes, size: bytes):
    path = write(tmp_path / "a.wav", tone())
    data = path.read_bytes()
    path.write_bytes(data[:4] + riff_size + data[8:40] + size + data[44:])

    assert read_info(path).samples == 4000
    assert read_sound(path).pcm.tolist() == tone().tolist()


@pytest.mark.parametrize("length", [11, 12, 20, 30, 40, 43])
def test_a_header_that_breaks_off_is_refused(tmp_path: Path, length: int):
    path = cut(write(tmp_path / "a.wav", tone()), length)

    with pytest.raises(AudioError, match=r"a\.wav: a WAV file that breaks off inside its header"):
        read_sound(path)


# ---- what is refused, each in one line

REFUSED = [
    ("text.wav", b"Dear customer,\nwe are pleased" * 20, "not audio that can be read"),
    ("random.wav", bytes(range(256)) * 9, "not audio that can be read"),
    ("tiny.wav", b"RI", "not audio that can be read"),
    ("empty.wav", b"", "is empty"),
    ("empty.ulaw", b"", "is empty"),
]


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED)
@pytest.mark.parametrize(
    "read",
    [read_info, read_sound, read_blocks, read_mulaw],
    ids=["info", "sound", "blocks", "mulaw"],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, reason: str, read):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(AudioError, match=reason) as raised:
        read(tmp_path / name)

    assert str(tmp_path / name) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_samples(tmp_path: Path):
    path = write(tmp_path / "a.wav", np.empty(0, np.int16))

    with pytest.raises(AudioError, match="holds 0 samples"):
        read_sound(path)


def test_no_samples_but_a_chunk_behind_them(tmp_path: Path):
    path = write(tmp_path / "a.wav", np.empty(0, np.int16))
    data = path.read_bytes() + b"LIST\x04\0\0\0INFO"
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])

    with pytest.raises(AudioError, match="holds 0 samples"):
        read_sound(path)


def test_no_file_and_a_directory(tmp_path: Path):
    with pytest.raises(AudioError, match=r"nope\.wav: no such file"):
        read_sound(tmp_path / "nope.wav")
    with pytest.raises(AudioError, match="is a directory"):
        read_sound(tmp_path)


@pytest.mark.parametrize("channel", [-1, 1])
@pytest.mark.parametrize("name", ["a.wav", "a.ulaw"])
def test_a_channel_that_is_not_there(tmp_path: Path, name: str, channel: int):
    with MulawWavWriter(tmp_path / "a.wav", channels=1) as wav:
        wav.write(ALL_CODES)
    (tmp_path / "a.ulaw").write_bytes(ALL_CODES)

    for read in (read_blocks, read_mulaw):
        with pytest.raises(AudioError, match=rf"has no channel {channel}; allowed: 0\.\.0"):
            read(tmp_path / name, channel=channel)


# ---- hours


def sparse_wav(path: Path, seconds: int, rate_hz: int = 8000) -> Path:
    """A long file of 16-bit zeros that takes no room on disk."""
    size = seconds * rate_hz * 2
    path.write_bytes(
        struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate_hz,
                    rate_hz * 2, 2, 16)
        + struct.pack("<4sI", b"data", size)
    )  # fmt: skip
    with path.open("r+b") as file:
        file.truncate(44 + size)
    return path


def test_two_hours_take_no_more_memory_than_a_minute(tmp_path: Path):
    def peak_bytes(path: Path) -> tuple[int, int]:
        tracemalloc.start()
        try:
            samples = sum(len(block) for block in read_blocks(path))
            return samples, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    minute, minute_peak = peak_bytes(sparse_wav(tmp_path / "minute.wav", 60))
    hours, hours_peak = peak_bytes(sparse_wav(tmp_path / "hours.wav", 7200))

    assert (minute, hours) == (60 * 8000, 7200 * 8000)
    assert hours_peak < minute_peak * 1.2
    assert hours_peak < 3_000_000
