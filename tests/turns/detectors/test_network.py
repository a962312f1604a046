"""The network's arithmetic, against a GRU written out as in the books."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdr_lab.errors import BadInput
from sdr_lab.turns.detectors.network import NAMES, Network, load_weights

FEATURES, WIDTH, HIDDEN = 5, 4, 3


def write(path: Path, without: str = "") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = ((WIDTH, FEATURES), WIDTH, (3 * HIDDEN, WIDTH), 3 * HIDDEN)
    shapes += ((3 * HIDDEN, HIDDEN), 3 * HIDDEN, (2, HIDDEN), 2)
    arrays = {
        name: rng.normal(0, 0.7, shape).astype(np.float16)
        for name, shape in zip(NAMES, shapes, strict=True)
        if name != without
    }
    np.savez(path, allow_pickle=False, **arrays, limits=np.array([0.25, 0.75]))
    return {name: array.astype(float) for name, array in arrays.items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_steps_equal_the_formulas(tmp_path: Path):
    w = write(tmp_path / "w.npz")
    network = Network(load_weights(tmp_path / "w.npz"))
    state = np.zeros(HIDDEN)
    for row in np.random.default_rng(4).normal(0, 1, (20, FEATURES)).astype(np.float32):
        dense = np.maximum(w["dense"] @ row + w["dense_bias"], 0)
        heard = w["heard"] @ dense + w["heard_bias"]
        kept = w["kept"] @ state + w["kept_bias"]
        # the rows of both gates are stored halved
        reset = sigmoid(2 * (heard[:HIDDEN] + kept[:HIDDEN]))
        update = sigmoid(2 * (heard[HIDDEN : 2 * HIDDEN] + kept[HIDDEN : 2 * HIDDEN]))
        new = np.tanh(heard[2 * HIDDEN :] + reset * kept[2 * HIDDEN :])
        state = (1 - update) * new + update * state
        expected = sigmoid(w["out"] @ state + w["out_bias"])
        assert network.step(row) == pytest.approx(tuple(expected), abs=1e-5)


def test_a_reset_network_has_forgotten(tmp_path: Path):
    write(tmp_path / "w.npz")
    network = Network(load_weights(tmp_path / "w.npz"))
    row = np.ones(FEATURES, np.float32)
    first = network.step(row)
    assert network.step(row) != first
    network.reset()
    assert network.step(row) == first


def test_limits_come_with_the_weights(tmp_path: Path):
    write(tmp_path / "w.npz")
    weights = load_weights(tmp_path / "w.npz")
    assert (weights.hold_score, weights.stop_score) == (0.25, 0.75)


def test_other_files_are_refused(tmp_path: Path):
    write(tmp_path / "part.npz", without="kept")
    (tmp_path / "text.npz").write_text("no weights")
    for name in ("part.npz", "text.npz", "none.npz"):
        with pytest.raises(BadInput, match=name):
            load_weights(tmp_path / name)
