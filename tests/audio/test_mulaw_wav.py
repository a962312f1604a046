import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.errors import StorageError

LEFT = bytes(range(160))
RIGHT = bytes(range(90, 250))


def read(path: Path) -> np.ndarray:
    """Read as any other program would, by libsndfile."""
    return soundfile.read(path, dtype="int16", always_2d=True)[0]


def test_stereo_is_interleaved_and_a_standard_file(tmp_path: Path):
    with MulawWavWriter(tmp_path / "audio.wav") as wav:
        wav.write(LEFT, RIGHT)
        wav.write(RIGHT, LEFT)

    info = soundfile.info(tmp_path / "audio.wav")
    pcm = read(tmp_path / "audio.wav")
    assert (info.samplerate, info.channels, info.subtype) == (8000, 2, "ULAW")
    assert pcm[:, 0].tolist() == mulaw_to_pcm(LEFT + RIGHT).tolist()
    assert pcm[:, 1].tolist() == mulaw_to_pcm(RIGHT + LEFT).tolist()


def test_the_header_to_the_byte(tmp_path: Path):
    with MulawWavWriter(tmp_path / "audio.wav") as wav:
        wav.write(LEFT, RIGHT)

    data = (tmp_path / "audio.wav").read_bytes()
    assert len(data) == 58 + 320
    assert data[:58] == (
        b"RIFF" + (50 + 320).to_bytes(4, "little") + b"WAVE"
        b"fmt \x12\0\0\0"
        + b"\x07\0\x02\0"
        + b"\x40\x1f\0\0"
        + b"\x80\x3e\0\0"
        + b"\x02\0\x08\0\0\0"
        b"fact\x04\0\0\0" + (160).to_bytes(4, "little") + b"data" + (320).to_bytes(4, "little")
    )


def test_mono_with_an_odd_length_is_padded(tmp_path: Path):
    with MulawWavWriter(tmp_path / "audio.wav", channels=1) as wav:
        wav.write(b"abc")

    assert len(read(tmp_path / "audio.wav")) == 3
    data = (tmp_path / "audio.wav").read_bytes()
    assert len(data) == 58 + 4
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


def test_an_empty_recording_is_a_valid_file(tmp_path: Path):
    MulawWavWriter(tmp_path / "audio.wav").close()

    assert read(tmp_path / "audio.wav").shape == (0, 2)


def test_every_second_is_readable_while_the_file_is_open(tmp_path: Path):
    wav = MulawWavWriter(tmp_path / "audio.wav")
    readable = []
    for _ in range(120):
        wav.write(LEFT, RIGHT)
        readable.append(len(read(tmp_path / "audio.wav")))
    wav.close()

    written = 160 * np.arange(1, 121)
    assert (written - readable < 8000).all()
    assert readable[49] == 8000
    assert len(read(tmp_path / "audio.wav")) == 120 * 160


def test_flush_makes_everything_readable(tmp_path: Path):
    wav = MulawWavWriter(tmp_path / "audio.wav")
    wav.write(LEFT, RIGHT)
    wav.flush()

    assert len(read(tmp_path / "audio.wav")) == 160
    wav.close()


def test_closing_twice_is_fine(tmp_path: Path):
    wav = MulawWavWriter(tmp_path / "audio.wav")
    wav.write(LEFT, RIGHT)
    wav.close()
    wav.close()

    assert wav.samples == 160


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from sdr_lab.audio.mulaw_wav import MulawWavWriter

wav = MulawWavWriter(Path(sys.argv[1]))
for second in range(1000):
    for _ in range(50):
        wav.write(bytes([second % 128]) * 160, bytes([second % 128 + 100]) * 160)
    print(wav.samples, flush=True)
    if second > 2:
        wav.write(b"x" * 160, b"y" * 160)
        print("ready", flush=True)
        sys.stdin.read()
"""


def test_a_killed_process_leaves_all_but_the_last_second(tmp_path: Path):
    path = tmp_path / "audio.wav"
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        while "ready" not in lines:
            lines.append(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    assert process.returncode == -signal.SIGKILL
    pcm = read(path)
    assert lines[:-1] == ["8000", "16000", "24000", "32000"]
    assert len(pcm) == 32000
    for second in range(4):
        part = pcm[8000 * second : 8000 * (second + 1)]
        assert (part[:, 0] == mulaw_to_pcm(bytes([second]))[0]).all()
        assert (part[:, 1] == mulaw_to_pcm(bytes([second + 100]))[0]).all()


def test_channels_of_different_lengths_are_refused(tmp_path: Path):
    with MulawWavWriter(tmp_path / "audio.wav") as wav, pytest.raises(ValueError, match="160 and"):
        wav.write(LEFT, RIGHT[:100])


def test_a_mono_file_takes_no_right_channel(tmp_path: Path):
    wav = MulawWavWriter(tmp_path / "audio.wav", channels=1)
    with wav, pytest.raises(ValueError, match="1 channels"):
        wav.write(LEFT, RIGHT)


def test_more_channels_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="channels must be 1 or 2, not 3"):
        MulawWavWriter(tmp_path / "audio.wav", channels=3)


def test_a_place_that_is_not_there_is_one_clear_line(tmp_path: Path):
    with pytest.raises(StorageError, match=r"nowhere.*can't record there: No such file"):
        MulawWavWriter(tmp_path / "nowhere" / "audio.wav")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_line():
    with pytest.raises(StorageError, match=f"/dev/full: can't write: {os.strerror(errno.ENOSPC)}"):
        MulawWavWriter(Path("/dev/full"))
