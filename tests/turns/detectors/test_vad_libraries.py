"""The real libraries: recorded callers are voice, what is between and around them is not."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw, silence
from sdr_lab.audio.energy import frame_energies
from sdr_lab.audio.frame import cut_frames
from sdr_lab.audio.octave import Doubler
from sdr_lab.audio.wav import read_mulaw
from sdr_lab.errors import MissingPackage
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors import vad_silero, vad_ten, vad_webrtc
from sdr_lab.turns.detectors.base import Listened, SignKind
from sdr_lab.turns.detectors.table import DETECTORS, make_detector
from sdr_lab.turns.detectors.vad import Vad
from sdr_lab.turns.detectors.vad_blocks import Blocks

CALLERS = sorted((Path(__file__).parents[3] / "datasets" / "callers").glob("*/0*.wav"))
NAMES = ("webrtc", "silero", "pysilero", "ten")
LOUD_DB = 20
"""Frames that are no more than so much quieter than a recording's loudest are speech."""


def made(name: str) -> Vad:
    kinds = {
        "webrtc": vad_webrtc.WebrtcVad,
        "silero": vad_silero.SileroVad,
        "pysilero": vad_silero.PysileroVad,
        "ten": vad_ten.TenVad,
    }
    try:
        return kinds[name]()
    except MissingPackage as error:
        pytest.skip(str(error))


WITH_WEIGHTS = [pytest.param(name, marks=pytest.mark.models) for name in NAMES[1:]]
ALL = [NAMES[0], *WITH_WEIGHTS]


def hiss(rms: float, length_ms: int = 3000) -> bytes:
    pcm = np.random.default_rng(3).normal(0, rms, 8 * length_ms)
    return pcm_to_mulaw(pcm.astype(np.int16))


def probabilities(vad: Vad, mulaw: bytes) -> NDArray[np.float64]:
    return np.array([vad.probability(mulaw_to_pcm(frame)) for frame in cut_frames(mulaw)])


@pytest.mark.parametrize("name", ALL)
def test_speech_is_voice_and_silence_is_not(name: str):
    vad = made(name)
    for path in CALLERS[:6]:
        sound = b"".join(read_mulaw(path))
        vad.reset()
        told = probabilities(vad, silence(500) + sound + silence(1000))
        energies = frame_energies(sound)
        loud = np.flatnonzero(energies > energies.max() / 10 ** (LOUD_DB / 20)) + 25
        assert np.mean(told[loud] >= 0.5) > 0.8, path
        assert told[:24].max() < 0.5, path
        assert told[-20:].max() < 0.5, path


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_hiss_is_no_voice(name: str):
    assert np.mean(probabilities(made(name), hiss(400)) >= 0.5) < 0.05


@pytest.mark.parametrize("name", ALL)
def test_another_call_begins_as_the_first_did(name: str):
    vad = made(name)
    sound = b"".join(read_mulaw(CALLERS[0]))
    first = probabilities(vad, sound)
    vad.reset()
    np.testing.assert_array_equal(probabilities(vad, sound), first)


@pytest.mark.parametrize("name", ALL)
def test_calls_do_not_hear_each_other(name: str):
    one, other = made(name), made(name)
    sound = b"".join(read_mulaw(CALLERS[0]))
    frames = [mulaw_to_pcm(frame) for frame in cut_frames(sound)]
    alone = probabilities(made(name), sound)
    noise = mulaw_to_pcm(hiss(3000, FRAME_MS))
    beside = []
    for frame in frames:
        beside.append(one.probability(frame))
        other.probability(noise)
    np.testing.assert_array_equal(beside, alone)


@pytest.mark.parametrize("name", ALL)
def test_a_caller_stops_the_agent_soon_after_his_onset(name: str):
    made(name)
    settings = InterruptSettings(detector=name)
    detector = make_detector(settings)
    assert detector.name == name
    detector.arm(0, settings)
    sound = silence(1000) + b"".join(read_mulaw(CALLERS[1]))
    energies = frame_energies(sound)
    onset_ms = int(np.argmax(energies > 400)) * FRAME_MS
    signs = []
    for i, frame in enumerate(cut_frames(sound)):
        if sign := detector.hear(Listened(i * FRAME_MS, frame, int(energies[i]), True)):
            signs.append((i * FRAME_MS, sign))
    (held_ms, hold), (stopped_ms, stop) = signs[:2]
    assert (hold.kind, stop.kind) == (SignKind.HOLD, SignKind.STOP)
    assert abs(hold.onset_ms - onset_ms) <= 80
    assert hold.onset_ms == stop.onset_ms
    assert 100 <= held_ms - hold.onset_ms <= 300
    assert 280 <= stopped_ms - stop.onset_ms <= 600
    assert 0.5 <= stop.score <= 1


def test_blocks_of_any_length_are_cut_from_frames():
    heard: list[NDArray[np.int16]] = []

    def hear(block: NDArray[np.int16]) -> float:
        heard.append(block)
        return float(len(heard))

    blocks = Blocks(512, hear)
    pcm = np.arange(5 * 160, dtype=np.int16)
    told = [blocks.push(pcm[i : i + 160]) for i in range(0, len(pcm), 160)]

    assert told == [0, 1, 1, 2, 3]  # 320, 640, 960, 1280, 1600 samples at 16 kHz
    np.testing.assert_array_equal(np.concatenate(heard), Doubler().push(pcm)[: 3 * 512])


def test_short_blocks_are_all_heard_and_the_highest_counts():
    answers = iter([0.2, 0.9, 0.1, 0.3])
    blocks = Blocks(160, lambda block: next(answers))
    assert [blocks.push(np.zeros(160, np.int16)) for _ in range(2)] == [0.9, 0.3]


@pytest.mark.parametrize("name", NAMES)
def test_the_table_offers_them(name: str):
    assert name in DETECTORS


@pytest.mark.skipif(find_spec("ten_vad") is not None, reason="ten-vad is installed")
def test_a_missing_package_is_named_with_the_command():
    with pytest.raises(MissingPackage, match="pip install ten-vad"):
        vad_ten.TenVad()
