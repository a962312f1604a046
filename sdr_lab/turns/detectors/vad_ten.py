"""TEN VAD: a small network of Agora's on 16 ms of 16 kHz sound.

Package `ten-vad`. It is in no extra of ours: its licence is Apache-2.0 with the condition that it
may not be used in a way that competes with Agora's offerings, so whoever installs it has to decide
that for himself. Wheels hold libraries for Linux on x86-64 (which needs libc++) and macOS.

Source: https://github.com/TEN-framework/ten-vad, `include/ten_vad.py`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import MissingPackage
from sdr_lab.turns.detectors.vad import Scores
from sdr_lab.turns.detectors.vad_blocks import Blocks

PACKAGE = "ten_vad"
BLOCK = 256

SCORES = Scores(hold=0.5, stop=0.5)
"""Its own default."""


class Engine(Protocol):
    """What we use of the library."""

    def process(self, audio_data: NDArray[np.int16]) -> tuple[float, int]: ...


class TenVad:
    """TEN VAD by its own library."""

    name = "ten"

    def __init__(self) -> None:
        """Make one.

        Raises:
            MissingPackage: it is not installed, or its library can't be loaded here.
        """
        if find_spec(PACKAGE) is None:
            raise MissingPackage(
                "the detector `ten` needs ten-vad, whose licence forbids competing with Agora: "
                "read it, then: pip install ten-vad"
            )
        self.reset()

    def probability(self, pcm: NDArray[np.int16]) -> float:
        return self._blocks.push(pcm)

    def reset(self) -> None:
        vad = _load()
        self._blocks = Blocks(BLOCK, lambda block: float(vad.process(block)[0]))


def _load() -> Engine:
    import ctypes
    import sys

    try:
        if sys.platform == "linux":
            ctypes.CDLL("libc++.so.1")  # before the package, which complains twice
        return import_module(PACKAGE).TenVad(BLOCK)
    except (OSError, NotImplementedError) as error:
        raise MissingPackage(
            f"the detector `ten`: its library can't be loaded: {error}; it exists for macOS and "
            "for Linux on x86-64, where it needs: apt-get install libc++1"
        ) from error
