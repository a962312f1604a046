import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.energy import level_dbfs
from sdr_lab.audio.filters import FILTERS, FilterChain, HighpassGate, load_filter
from sdr_lab.errors import AudioError, NotFound


def filtered(pcm: NDArray[np.int16], frame: int = 160) -> NDArray[np.int16]:
    gate = HighpassGate()
    return np.concatenate([gate.process(pcm[at : at + frame]) for at in range(0, len(pcm), frame)])


def hum(seconds: float, hz: float = 50, peak: int = 3000) -> NDArray[np.int16]:
    return (np.sin(2 * np.pi * hz * np.arange(int(8000 * seconds)) / 8000) * peak).astype(np.int16)


def hiss(seconds: float, rms: float = 60) -> NDArray[np.int16]:
    return np.random.default_rng(3).normal(0, rms, int(8000 * seconds)).astype(np.int16)


def speech(seconds: float) -> NDArray[np.int16]:
    """A voiced sound whose loudness goes up and down four times a second, like syllables."""
    at = np.arange(int(8000 * seconds)) / 8000
    voice = sum(np.sin(2 * np.pi * 200 * n * at) / n for n in range(2, 12))
    return (voice * np.abs(np.sin(2 * np.pi * 2 * at)) * 4000).astype(np.int16)


@pytest.mark.parametrize(("hz", "reduction_db"), [(50, 19), (60, 16)])
def test_hum_falls(hz: float, reduction_db: float):
    # Loud speech-like sound holds the gate open, so that only the high-pass counts.
    voice, mains = speech(2), hum(2, hz)

    left = filtered(voice + mains).astype(int) - filtered(voice)

    level = level_dbfs(left[800:].astype(np.int16))
    assert level < level_dbfs(mains) - reduction_db


def test_hiss_falls_between_words():
    background = hiss(3)

    assert level_dbfs(filtered(background)[8000:]) < level_dbfs(background) - 12


def test_speech_stays():
    voice = speech(3)

    assert level_dbfs(filtered(voice)) == pytest.approx(level_dbfs(voice), abs=0.5)


def test_speech_over_hiss_is_untouched_from_its_first_frame():
    quiet, voice = hiss(2), speech(1) + hiss(1)
    pcm = np.concatenate((quiet, voice, quiet))

    out = filtered(pcm)

    said = slice(16000, 24000)
    assert level_dbfs(out[said]) == pytest.approx(level_dbfs(pcm[said]), abs=0.5)
    first_words = slice(16160, 16480)  # after the first, all but silent, frame
    assert level_dbfs(out[first_words]) == pytest.approx(level_dbfs(pcm[first_words]), abs=1)
    assert level_dbfs(out[26000:]) < level_dbfs(pcm[26000:]) - 12


def test_a_caller_who_speaks_from_the_first_frame_on_is_heard():
    voice = speech(1)[500:]

    assert level_dbfs(filtered(voice)[:800]) == pytest.approx(level_dbfs(voice[:800]), abs=1)


def test_the_gate_learns_a_louder_background():
    rms = 500
    out = filtered(hiss(8, rms))

    loud = level_dbfs(hiss(1, rms))
    assert level_dbfs(out[:8000]) > loud - 2  # open: louder than any background expected
    assert level_dbfs(out[-8000:]) < loud - 12


def test_frames_join_without_clicks():
    """The same as one pass: nothing begins anew at a frame's edge."""
    voice = speech(2)

    in_frames = filtered(voice)
    at_once = HighpassGate().process(voice)

    assert np.abs(in_frames[400:].astype(int) - at_once[400:]).max() <= 1


def test_the_gain_goes_in_ramps():
    steady = hum(2, hz=1000, peak=40)  # RMS 28, in the background; steps come from the gain only
    loud = hum(0.1, hz=1000, peak=8000)

    out = filtered(np.concatenate((steady, loud, steady)))

    after = out[16000 + 800 :].astype(int)
    assert np.abs(np.diff(after)).max() <= 8000 * 0.8
    assert np.abs(np.diff(after[1000:])).max() <= 40 * 0.8 + 1


def test_two_calls_do_not_share_state():
    first = HighpassGate()
    first.process(hiss(1, 3000))

    assert HighpassGate().process(speech(0.02)).tolist() == filtered(speech(0.02)).tolist()


@pytest.mark.parametrize("length", [0, 1, 159, 160, 320])
def test_any_length_comes_back_as_int16(length: int):
    out = HighpassGate().process(hiss(1)[:length])

    assert out.shape == (length,)
    assert out.dtype == np.int16


def test_full_scale_does_not_wrap():
    square = np.where(np.arange(1600) // 20 % 2, 32767, -32768).astype(np.int16)

    out = filtered(square)

    middle = np.arange(1600) % 20 == 2
    assert (np.sign(out[middle][5:].astype(int)) == np.sign(square[middle][5:].astype(int))).all()


# ---- chains and names


class Halve:
    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        return (pcm // 2).astype(np.int16)


class Shorten:
    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        return pcm[1:]


class Floats:
    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        return pcm / 2


class Deaf:
    pass


class Demanding:
    def __init__(self, key: str) -> None:
        self.key = key

    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        return pcm


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    """This module under a name that can be imported."""
    monkeypatch.setitem(sys.modules, "my_filters", sys.modules[__name__])
    return "my_filters"


def test_no_filters_leave_the_bytes_alone():
    frame = bytes(range(160))

    assert FilterChain().process_mulaw(frame) is frame


def test_filters_apply_in_order(here: str):
    pcm = np.full(160, 4000, np.int16)

    chain = FilterChain([f"{here}:Halve", f"{here}:Halve"])

    assert chain.process(pcm).tolist() == [1000] * 160
    assert chain.process_mulaw(pcm_to_mulaw(pcm)) == pcm_to_mulaw(
        mulaw_to_pcm(pcm_to_mulaw(pcm)) // 4
    )


def test_built_in_filters_load():
    assert [type(load_filter(name)) for name in FILTERS] == [HighpassGate]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("louder", "'louder': unknown; use one of: highpass_gate; or package.module:Class"),
        ("", "'': unknown"),
        (":Class", "':Class': unknown"),
        ("no_such_package.audio:Gate", "can't import no_such_package.audio: No module named"),
        ("sdr_lab.audio.filters:Nope", "sdr_lab.audio.filters has no Nope"),
    ],
)
def test_unknown_names(name: str, reason: str):
    with pytest.raises(NotFound, match=reason):
        load_filter(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Deaf", "has no method process"), ("Demanding", "without arguments: .*key")],
)
def test_classes_that_are_no_filters(here: str, name: str, reason: str):
    with pytest.raises(AudioError, match=reason):
        load_filter(f"{here}:{name}")


@pytest.mark.parametrize(
    ("name", "got"), [("Shorten", r"int16 \(159,\)"), ("Floats", r"float64 \(160,\)")]
)
def test_a_filter_must_keep_length_and_type(here: str, name: str, got: str):
    with pytest.raises(AudioError, match=f"{name}: returned {got}, expected int16"):
        FilterChain([f"{here}:{name}"]).process(np.zeros(160, np.int16))
