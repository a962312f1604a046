"""Frames of the phone for VADs that hear 16 kHz in blocks of their own length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.octave import Doubler


class Blocks:
    """Doubles the rate and cuts blocks. A frame's probability is that of the last whole block.

    It is late by what waits for its block, 0..20 ms more than the block is long, and by the 2 ms
    of the filter.
    """

    def __init__(self, samples: int, hear: Callable[[NDArray[np.int16]], float]) -> None:
        """Prepare a stream.

        Args:
            samples: Length of a block at 16 kHz.
            hear: Takes a block, shape (samples,), and returns 0..1.
        """
        self._samples = samples
        self._hear = hear
        self._doubler = Doubler()
        self._waits = np.empty(0, np.int16)
        self._probability = 0.0

    def push(self, pcm: NDArray[np.int16]) -> float:
        """Take 20 ms at 8 kHz; of several blocks that are complete now the highest counts."""
        self._waits = np.concatenate([self._waits, self._doubler.push(pcm)])
        whole = len(self._waits) // self._samples
        if whole:
            cut = self._waits[: whole * self._samples].reshape(whole, self._samples)
            self._waits = self._waits[whole * self._samples :]
            self._probability = max(self._hear(block) for block in cut)
        return self._probability
