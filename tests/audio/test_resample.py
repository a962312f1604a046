import numpy as np
import pytest
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.energy import level_dbfs
from sdr_lab.audio.resample import StreamResampler, resample, to_mulaw
from sdr_lab.records import Sound


def tone(hz: float, rate_hz: int, length: int, peak: int = 16000) -> NDArray[np.int16]:
    return (np.sin(2 * np.pi * hz * np.arange(length) / rate_hz) * peak).astype(np.int16)


def test_a_tone_above_4_khz_is_gone():
    heard = resample(Sound(tone(5000, 16000, 32000), 16000), 8000)

    # The ends ring a little, as the tone begins and ends abruptly.
    assert level_dbfs(heard.pcm[400:-400]) < -50 - 9  # 9: level of the tone itself


def test_a_tone_below_4_khz_stays():
    heard = resample(Sound(tone(1000, 22050, 22050), 22050), 8000)

    wanted = tone(1000, 8000, 8000)
    assert np.abs(heard.pcm[400:-400].astype(int) - wanted[400:-400]).max() < 40


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000])
@pytest.mark.parametrize("length", [1, 7, 160, 22051])
def test_the_length_is_exact(rate_hz: int, length: int):
    heard = resample(Sound(tone(440, rate_hz, length), rate_hz), 8000)

    assert heard.rate_hz == 8000
    assert heard.pcm.dtype == np.int16
    assert len(heard.pcm) == round(length * 8000 / rate_hz)


def test_nothing_stays_nothing():
    assert len(resample(Sound(np.empty(0, np.int16), 22050), 8000).pcm) == 0


def test_overshoot_is_clipped_not_wrapped():
    square = np.where(np.arange(22050) // 100 % 2, 32767, -32768).astype(np.int16)

    heard = resample(Sound(square, 22050), 8000).pcm

    # Far from the edges the sign is the sign of the square wave.
    sign = np.where(np.arange(8000) * 22050 / 8000 // 100 % 2, 1, -1)
    at = np.arange(8000) * 22050 / 8000 % 100
    inside = (at > 20) & (at < 80)
    assert (np.sign(heard[inside].astype(int)) == sign[inside]).all()
    assert heard.max() == 32767


def test_pieces_give_the_same_as_the_whole():
    pcm = tone(700, 22050, 22050)
    stream = StreamResampler(22050, 8000)

    pieces = [stream.push(pcm[at : at + 441]) for at in range(0, len(pcm), 441)]
    pieces.append(stream.push(pcm[:0], last=True))

    whole = resample(Sound(pcm, 22050), 8000).pcm
    assert len(np.concatenate(pieces)) == len(whole)
    assert np.abs(np.concatenate(pieces).astype(int) - whole).max() <= 1


def test_the_delay_does_not_grow_with_the_number_of_pieces():
    stream = StreamResampler(16000, 8000)
    frame = tone(400, 16000, 320)

    given = np.cumsum([len(stream.push(frame)) for _ in range(500)])

    behind = 160 * np.arange(1, 501) - given
    assert behind[-100:].max() <= behind[:100].max()
    assert behind.max() <= 8 * 120  # 120 ms


def test_qq_gives_something_for_every_frame():
    stream = StreamResampler(8000, 16000, quality="QQ")
    frame = tone(400, 8000, 160)

    lengths = [len(stream.push(frame)) for _ in range(50)]

    assert lengths[0] >= 310
    assert set(lengths[1:]) == {320}


def test_a_stream_can_be_used_again_after_its_end():
    stream = StreamResampler(16000, 8000)
    pcm = tone(440, 16000, 1601)

    first = stream.push(pcm, last=True)
    second = stream.push(pcm, last=True)

    assert len(first) == 800
    assert first.tolist() == second.tolist()


def test_two_runs_are_equal_to_the_bit():
    pcm = np.random.default_rng(1).normal(0, 3000, 22050).astype(np.int16)

    first, second = (resample(Sound(pcm, 22050), 8000).pcm for _ in range(2))

    assert first.tolist() == second.tolist()


def test_the_same_rate_changes_nothing():
    pcm = tone(440, 8000, 160)

    assert StreamResampler(8000, 8000).push(pcm, last=True) is pcm


def test_to_mulaw_keeps_level_and_length():
    speech = Sound(tone(440, 22050, 22050, peak=8000), 22050)

    mulaw = to_mulaw(speech)

    assert len(mulaw) == 8000
    assert level_dbfs(mulaw_to_pcm(mulaw)) == pytest.approx(level_dbfs(speech.pcm), abs=0.1)


def test_to_mulaw_clips_what_is_too_loud():
    heard = mulaw_to_pcm(to_mulaw(Sound(np.full(800, 32767, np.int16), 8000)))

    assert (heard == 32124).all()
