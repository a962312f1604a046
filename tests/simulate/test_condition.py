"""What a line does to a call, measured on what comes out of it."""

from __future__ import annotations

import asyncio
from itertools import groupby, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.frame import cut_frames
from sdr_lab.call.line import Frame
from sdr_lab.errors import NotFound
from sdr_lab.simulate.caller import SILENCE, Caller, speech_like
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.condition import CONDITIONS, SPEECH_RMS, Condition, Path, condition_named
from sdr_lab.simulate.line import SimulatedLine

BEEP = b"\x1e" * 160


def rms(pcm: NDArray[np.int16] | NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))


def carried(condition: Condition, caller: list[bytes], sent: list[bytes]) -> NDArray[np.int16]:
    path = Path(condition)
    out = b"".join(path.carry(a, b) for a, b in zip(caller, sent, strict=True))
    return mulaw_to_pcm(out)


def silence(frames: int) -> list[bytes]:
    return [SILENCE] * frames


def nothing(frames: int) -> list[bytes]:
    return [b""] * frames


def received(condition: Condition, seconds: float) -> list[tuple[int, Frame]]:
    """Frames of a caller who says nothing, with the loop's time in ms."""

    async def main() -> list[tuple[int, Frame]]:
        loop = asyncio.get_running_loop()
        line = SimulatedLine(Caller().hangs_up(at=seconds), condition)
        return [
            (round(loop.time() * 1000), item)
            async for item in line.frames()
            if isinstance(item, Frame)
        ]

    return run_virtually(main())


# ---- noise


def test_speech_has_the_level_that_an_snr_refers_to():
    assert rms(mulaw_to_pcm(speech_like(5))) == pytest.approx(SPEECH_RMS, rel=0.02)


@pytest.mark.parametrize("snr_db", [6.0, 18.0, 30.0])
def test_noise_lies_so_far_below_the_speech(snr_db: float):
    noise = carried(Condition(snr_db=snr_db), silence(500), nothing(500))
    assert 20 * np.log10(SPEECH_RMS / rms(noise)) == pytest.approx(snr_db, abs=0.5)


def test_noise_is_added_to_the_speech_and_does_not_replace_it():
    speech = speech_like(5)
    out = carried(Condition(snr_db=12.0), cut_frames(speech), nothing(250))
    clean = mulaw_to_pcm(speech).astype(np.float64)
    rest = out - clean
    assert 20 * np.log10(rms(clean) / rms(rest)) == pytest.approx(12, abs=0.5)


def test_noise_falls_towards_high_frequencies_like_that_of_a_room():
    noise = carried(Condition(snr_db=6.0), silence(1000), nothing(1000)).astype(np.float64)
    power = np.abs(np.fft.rfft(noise.reshape(-1, 800), axis=1)) ** 2
    spectrum = power.mean(axis=0)  # bins of 10 Hz
    at_600, at_1200 = spectrum[55:65].mean(), spectrum[115:125].mean()
    assert 10 * np.log10(at_600 / at_1200) == pytest.approx(5.5, abs=1.5)


def test_noise_has_no_seam_between_frames():
    noise = carried(Condition(snr_db=6.0), silence(1000), nothing(1000)).astype(np.float64)
    steps = np.abs(np.diff(noise))
    seams = steps[159::160]
    assert seams.mean() == pytest.approx(steps.mean(), rel=0.15)


# ---- loss


def losses(condition: Condition, frames: int) -> list[bool]:
    path = Path(condition)
    return [path.is_lost() for _ in range(frames)]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_stated_share_of_frames_is_lost(share: float):
    lost = losses(Condition(loss=share), 100_000)
    assert sum(lost) / len(lost) == pytest.approx(share, rel=0.06)


def test_a_line_that_loses_everything():
    assert all(losses(Condition(loss=1.0), 1000))


def test_frames_are_lost_in_bursts_of_one_to_three():
    runs = [len(list(run)) for lost, run in groupby(losses(Condition(loss=0.02), 50_000)) if lost]
    counts = [runs.count(n) / len(runs) for n in (1, 2, 3)]
    assert counts == pytest.approx([1 / 3] * 3, abs=0.06)
    assert sum(counts) > 0.95  # longer ones are two bursts that touch


def test_a_lost_frame_is_a_jump_of_the_timestamps():
    frames = [frame.at_ms for _, frame in received(Condition(loss=0.1), 20)]
    jumps = [after - before for before, after in pairwise(frames)]
    assert len(frames) < 1000
    assert set(jumps) >= {20, 40, 60, 80}
    assert all(jump > 0 and jump % 20 == 0 for jump in jumps)


# ---- jitter


def test_late_frames_keep_their_order_and_their_timestamps():
    items = received(Condition(jitter_ms=100), 10)
    assert [frame.at_ms for _, frame in items] == list(range(0, 20 * len(items), 20))
    late = [at_ms - (frame.at_ms + 20) for at_ms, frame in items]
    assert min(late) >= 0
    assert max(late) <= 100 + 20
    assert max(late) >= 60  # or there was no jitter


def test_late_frames_come_in_bunches():
    at = [at_ms for at_ms, _ in received(Condition(jitter_ms=100), 10)]
    assert max(len(list(bunch)) for _, bunch in groupby(at)) >= 3


def test_without_jitter_every_frame_comes_when_it_is_over():
    assert all(at_ms == frame.at_ms + 20 for at_ms, frame in received(Condition(), 2))


# ---- echo


@pytest.mark.parametrize("delay_ms", [40, 180, 400])
def test_our_voice_comes_back_after_the_delay(delay_ms: int):
    out = carried(
        Condition(echo_db=-12.0, echo_delay_ms=delay_ms), silence(60), [*nothing(10), BEEP,
        *nothing(49)],
    )  # fmt: skip
    loud = np.flatnonzero(np.abs(out) > 50)
    assert loud[0] == (10 * 20 + delay_ms) * 8
    assert len(loud) == 160


@pytest.mark.parametrize("echo_db", [-6.0, -24.0])
def test_our_voice_comes_back_so_much_weaker(echo_db: float):
    spoken = cut_frames(speech_like(4))
    out = carried(Condition(echo_db=echo_db), silence(200 + 9), [*spoken, *nothing(9)])
    sent = mulaw_to_pcm(b"".join(spoken))
    assert 20 * np.log10(rms(out[9 * 160 :]) / rms(sent)) == pytest.approx(echo_db, abs=0.3)


def test_the_caller_and_the_echo_of_us_are_heard_together():
    caller, ours = speech_like(4, seed=1), speech_like(4, seed=2)
    out = carried(Condition(echo_db=-10.0), cut_frames(caller), cut_frames(ours))
    expected = mulaw_to_pcm(caller).astype(np.float64)
    expected[9 * 160 :] += mulaw_to_pcm(ours)[: -9 * 160] * 10 ** (-10 / 20)
    assert np.corrcoef(out, expected)[0, 1] > 0.995


# ---- all of them


def test_a_clean_line_changes_nothing():
    speech = cut_frames(speech_like(1))
    path = Path(CONDITIONS["clean"])
    assert [path.carry(frame, BEEP) for frame in speech] == speech
    assert not path.is_lost()


@pytest.mark.parametrize("name", list(CONDITIONS))
def test_the_same_seed_gives_the_same_line(name: str):
    condition = condition_named(name)
    assert received(condition, 3) == received(condition, 3)


def test_another_seed_gives_another_line():
    one, two = (Condition(loss=0.2, snr_db=18.0, seed=seed) for seed in (1, 2))
    assert received(one, 3) != received(two, 3)


def test_an_unknown_condition_names_those_that_exist():
    with pytest.raises(NotFound, match=r"'foggy' is unknown; allowed: clean, noisy, echo, lossy"):
        condition_named("foggy")
