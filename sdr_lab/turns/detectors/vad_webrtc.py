"""The voice activity detector of WebRTC: Gaussian mixtures on six bands, yes or no.

Package `webrtcvad-wheels`, the maintained build of py-webrtcvad: the original has no wheels and
asks for `pkg_resources`, which setuptools has dropped.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import MissingPackage
from sdr_lab.turns.detectors.vad import Scores

PACKAGE = "webrtcvad"
RATE_HZ = 8000
MODE = 3
"""0..3; 3 lets the least noise through, and still most of it."""

SCORES = Scores(hold=0.5, stop=0.5)
"""It answers 0 or 1."""


class WebrtcVad:
    """Hears 20 ms at 8 kHz, which is a frame of the phone as it is."""

    name = "webrtc"

    def __init__(self) -> None:
        """Make one.

        Raises:
            MissingPackage: it is not installed.
        """
        if find_spec(PACKAGE) is None:
            raise MissingPackage(
                "the detector `webrtc` needs webrtcvad-wheels: pip install webrtcvad-wheels"
            )
        self.reset()

    def probability(self, pcm: NDArray[np.int16]) -> float:
        return float(self._vad.is_speech(pcm.tobytes(), RATE_HZ))

    def reset(self) -> None:
        import webrtcvad

        self._vad = webrtcvad.Vad(MODE)
