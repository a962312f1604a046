"""A caller who gives every detector something to decide, and the detectors that can be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.wav import read_mulaw
from sdr_lab.errors import SdrLabError
from sdr_lab.records import InterruptSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.turns.detectors.table import DETECTORS, make_detector

CALLERS = Path(__file__).parents[2] / "datasets" / "callers"
SLOW = {"pysilero"}
"""Takes most of a millisecond a frame."""
LENGTH_S = 22.0


def offered() -> list[str]:
    """Return the detectors that this machine has."""
    names = []
    for name in DETECTORS:
        try:
            make_detector(InterruptSettings(detector=name))
        except SdrLabError:
            continue
        names.append(name)
    return [name for name in names if name not in SLOW]


def voice(name: str, length_ms: int) -> bytes:
    """Return the begin of a recorded turn, such as `dana/02.wav`."""
    return b"".join(read_mulaw(CALLERS / name))[: 8 * length_ms]


def cough(length_ms: int = 180) -> bytes:
    """Return a burst of noise that dies away."""
    n = 8 * length_ms
    burst = np.random.default_rng(2).normal(0, 1, n) * np.exp(-np.arange(n) / (n / 3)) * 9000
    return pcm_to_mulaw(np.clip(burst, -32000, 32000).astype(np.int16))


def unruly() -> Caller:
    """He coughs, cuts in for good, mumbles, cuts in again, asks, coughs twice, presses a key."""
    caller = Caller()
    caller.cuts_in("", into=0.7, sound=cough())
    caller.cuts_in("Wait, stop, please.", into=0.9, sound=voice("dana/02.wav", 1400))
    caller.cuts_in("Mm-hmm.", into=0.8, sound=voice("dana/03.wav", 380))
    caller.cuts_in("No thanks.", into=0.5, sound=voice("alec/02.wav", 900))
    caller.says("What does it cost?", after=0.4, sound=voice("dana/04.wav", 1500))
    caller.cuts_in("", into=0.5, sound=cough(120)).cuts_in("", into=0.4, sound=cough(260))
    caller.says("Go on.", at=17.0, sound=voice("alec/03.wav", 700))
    return caller.presses("5", at=19.0).hangs_up(at=LENGTH_S)
