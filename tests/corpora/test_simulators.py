"""The two simulators, on a bank of tones and noise that needs no download."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.random import Generator

from corpora import holdout_sim, train_sim
from corpora.bank import Bank, Clip
from corpora.draft import Simulated
from corpora.sound import RATE_HZ, Pcm, active_rms, linear

Simulate = Callable[[Generator, Bank, str], Simulated]
SIMULATORS = pytest.mark.parametrize("simulate", [train_sim.simulate, holdout_sim.simulate])


def tone(hz: float, seconds: float) -> Pcm:
    """A tone with a syllable's beat."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    beat = 1.2 + np.sin(2 * np.pi * 4 * t)
    return (np.sin(2 * np.pi * hz * t) * beat).astype(np.float32)


@pytest.fixture(scope="module")
def bank() -> Bank:
    """Two synthetic callers, two human ones, two agents, a few noises."""
    made = Bank()
    for number, speaker in enumerate(("ann", "bob", "cid", "dee")):
        for step in range(7):
            pcm = tone(150 + 60 * number + 7 * step, 0.8 + 0.2 * step)
            made.add(Clip("speech", speaker, f"phrase {step}", pcm, number > 1))
        for step in range(4):
            pcm = tone(150 + 60 * number, 0.2 + 0.05 * step)
            made.add(Clip("backchannel", speaker, f"mm {step}", pcm, number > 1))
    for number, agent in enumerate(("vox", "zoe")):
        for step in range(3):
            made.add(Clip("agent", agent, f"line {step}", tone(240 + 90 * number, 2 + step)))
    rng = np.random.default_rng(0)
    for kind in ("nonverbal", "transient"):
        pcm = rng.standard_normal(3000).astype(np.float32)
        made.add(Clip(kind, "noise", "burst", pcm))
    bed = rng.standard_normal(5 * RATE_HZ).astype(np.float32)
    made.add(Clip("bed", "hiss", "hiss", bed))
    return made


def calls(simulate: Simulate, bank: Bank, number: int = 12) -> list[Simulated]:
    return [simulate(np.random.default_rng([7, n]), bank, f"call-{n}") for n in range(number)]


@SIMULATORS
def test_the_same_seed_makes_the_same_call(simulate: Simulate, bank: Bank) -> None:
    one, two = (simulate(np.random.default_rng(3), bank, "call") for _ in range(2))
    assert one.truth == two.truth
    assert np.array_equal(one.left, two.left)
    assert np.array_equal(one.right, two.right)
    other = simulate(np.random.default_rng(4), bank, "call")
    assert not np.array_equal(one.left, other.left)


@SIMULATORS
def test_events_begin_while_the_agent_speaks(simulate: Simulate, bank: Bank) -> None:
    for call in calls(simulate, bank):
        assert call.truth["events"]
        for event in call.truth["events"]:
            onset_s = event["onset_s"]
            assert any(start <= onset_s <= end for start, end in call.truth["agent"])
            assert onset_s < event["offset_s"] <= call.truth["duration_s"]


@SIMULATORS
def test_interruptions_last_and_follow_each_other(simulate: Simulate, bank: Bank) -> None:
    for call in calls(simulate, bank):
        events = call.truth["events"]
        for before, after in pairwise(events):
            assert before["offset_s"] <= after["onset_s"]
        for event in events:
            if event["type"] == "interruption" and event["offset_s"] < call.truth["duration_s"]:
                assert event["offset_s"] - event["onset_s"] >= 0.649


@SIMULATORS
def test_the_echo_is_as_loud_as_its_tag_says(simulate: Simulate, bank: Bank) -> None:
    seen = 0
    for call in calls(simulate, bank, 20):
        tag = call.truth["tags"]["echo"]
        if tag is None:
            assert not call.echo.any()
            continue
        seen += 1
        measured = active_rms(call.echo) * 32768
        assert abs(20 * np.log10(measured / max(tag["rms"], 1))) < 1
    assert seen


@SIMULATORS
def test_agent_intervals_hold_sound_and_the_rest_is_silent(simulate: Simulate, bank: Bank) -> None:
    for call in calls(simulate, bank):
        agent = linear(call.right)
        rest = np.ones(len(agent), bool)
        for start, end in call.truth["agent"]:
            first, last = int(start * RATE_HZ), int(end * RATE_HZ)
            assert active_rms(agent[first:last]) > 0.01
            rest[max(0, first - 8) : last + 160] = False
        assert np.abs(agent[rest]).max(initial=0) < 0.01


def test_a_yielding_agent_stops_within_600_ms(bank: Bank) -> None:
    stopped = 0
    for call in calls(train_sim.simulate, bank, 40):
        if not call.truth["tags"]["yields"]:
            continue
        ends = [end for _, end in call.truth["agent"]]
        for event in call.truth["events"]:
            reaction_s = [end - event["onset_s"] for end in ends]
            stopped += event["type"] == "interruption" and any(0 < r <= 0.61 for r in reaction_s)
    assert stopped


def test_a_bank_comes_back_as_it_was_saved(bank: Bank, tmp_path) -> None:
    bank.save(tmp_path)
    again = Bank.load(tmp_path)
    assert again.counts() == bank.counts()
    assert [c.name for c in again.clips] == [c.name for c in bank.clips]
    assert np.abs(Bank.pcm(again.clips[5]) - bank.clips[5].pcm).max() < 1e-4
