from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sdr_lab.audio.octave import DELAY_SAMPLES, Doubler, Halver


def tone(hz: float, rate_hz: int, seconds: float = 0.5, peak: float = 10_000) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(
        np.int16
    )


def level(pcm: np.ndarray) -> float:
    middle = pcm[len(pcm) // 4 : -len(pcm) // 4].astype(float)
    return 20 * np.log10(np.sqrt(np.mean(middle**2)) + 1e-9)


@pytest.mark.parametrize("hz", [200, 1000, 3400])
def test_speech_passes_unchanged(hz: int):
    assert abs(level(Halver().push(tone(hz, 16_000))) - level(tone(hz, 8_000))) < 0.2
    assert abs(level(Doubler().push(tone(hz, 8_000))) - level(tone(hz, 16_000))) < 0.2


@pytest.mark.parametrize("hz", [4700, 5000, 7000])
def test_what_lies_above_the_telephone_band_does_not_fold_back(hz: int):
    assert level(Halver().push(tone(hz, 16_000))) < level(tone(hz, 16_000)) - 50


def test_going_up_leaves_no_mirror_image():
    up = Doubler().push(tone(1000, 8_000)).astype(float)
    spectrum = np.abs(np.fft.rfft(up * np.hanning(len(up))))
    hz = np.fft.rfftfreq(len(up), 1 / 16_000)

    image = spectrum[(hz > 6500) & (hz < 7500)].max()  # 8000 - 1000

    assert 20 * np.log10(image / spectrum.max()) < -50


def test_pieces_of_any_length_give_what_the_whole_gives():
    sound = np.random.default_rng(1).integers(-8000, 8000, 4001).astype(np.int16)
    cuts = [0, 1, 2, 5, 5, 320, 323, 1000, 2777, 4001]
    pieces = [sound[a:b] for a, b in pairwise(cuts)]

    for make in (Halver, Doubler):
        whole, bit = make(), make()
        together = np.concatenate([bit.push(piece) for piece in pieces])
        assert np.array_equal(whole.push(sound), together)


def test_sound_comes_out_at_once_and_2_ms_late():
    click = np.zeros(320, np.int16)
    click[100] = 20_000

    halved = Halver().push(click)

    assert len(halved) == 160
    assert abs(int(np.argmax(halved)) - (100 + DELAY_SAMPLES) / 2) <= 1


def test_loud_sound_is_clipped_not_wrapped():
    square = np.repeat(np.array([32767, -32768] * 50, np.int16), 8)

    for out in (Halver().push(square), Doubler().push(square)):
        assert np.abs(np.diff(out.astype(int))).max() < 65536
        assert out.max() == 32767
