"""A small recurrent network, frame by frame, in numpy. Trained by `training/train_hybrid.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import BadInput

Values = NDArray[np.float32]

PACKAGE = "sdr_lab.turns.detectors"
DEFAULT_WEIGHTS = "hybrid.npz"


@dataclass(frozen=True)
class Weights:
    """One dense layer, one GRU (gates r, z, n as in PyTorch), two outputs (hold, stop)."""

    dense: Values
    """Shape (width, features); the scaling of the features is folded in."""
    dense_bias: Values
    heard: Values
    """Shape (3 × hidden, width); rows of r and z are halved, see `Network.step`."""
    heard_bias: Values
    kept: Values
    """Shape (3 × hidden, hidden)."""
    kept_bias: Values
    out: Values
    """Shape (2, hidden)."""
    out_bias: Values
    hold_score: float
    """Limit of the hold score, chosen on validation calls."""
    stop_score: float


NAMES = ("dense", "dense_bias", "heard", "heard_bias", "kept", "kept_bias", "out", "out_bias")


def load_weights(path: Path | None = None) -> Weights:
    """Read a weights file (.npz, float16); None: the one in the package.

    Raises:
        BadInput: the file is no such file.
    """
    return _load(None if path is None else str(path))


@cache
def _load(path: str | None) -> Weights:
    source = files(PACKAGE).joinpath(DEFAULT_WEIGHTS) if path is None else Path(path)
    try:
        with source.open("rb") as file, np.load(file) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in NAMES}
            limits = [float(value) for value in stored["limits"]]
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(f"weights {source}: no weights of hybrid: {error}") from error
    return Weights(**arrays, hold_score=limits[0], stop_score=limits[1])


class Network:
    """Weights and what it remembers of the frames before."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._hidden = weights.kept.shape[1]
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros(self._hidden, np.float32)

    def step(self, features: Values) -> tuple[float, float]:
        """Take a frame, shape (features,); return the probabilities of hold and stop."""
        weights, hidden = self._weights, self._hidden
        dense = weights.dense.dot(features)
        dense += weights.dense_bias
        np.maximum(dense, 0.0, out=dense)
        heard = weights.heard.dot(dense)
        heard += weights.heard_bias
        kept = weights.kept.dot(self._state)
        kept += weights.kept_bias
        gates = heard[: 2 * hidden]
        gates += kept[: 2 * hidden]
        np.tanh(gates, out=gates)  # sigmoid(x) = 0.5 tanh(0.5 x) + 0.5
        gates *= 0.5
        gates += 0.5
        new = kept[2 * hidden :]
        new *= gates[:hidden]
        new += heard[2 * hidden :]
        np.tanh(new, out=new)
        state = self._state - new
        state *= gates[hidden:]
        state += new
        self._state = state
        hold, stop = (weights.out.dot(state) + weights.out_bias).tolist()
        return _sigmoid(hold), _sigmoid(stop)


def _sigmoid(value: float) -> float:
    return 0.5 * math.tanh(0.5 * value) + 0.5
