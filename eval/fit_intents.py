"""Fit the word weights that `detect_intent` falls back on.

    python eval/fit_intents.py

Reads datasets/intents/tuned.yaml, never the blind list, and writes
sdr_lab/agents/intent_weights.json. The same phrases always give the same weights.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from eval.intents import DATA, read_phrases
from sdr_lab.agents.intent_names import INTENTS
from sdr_lab.agents.intent_score import features
from sdr_lab.agents.intent_text import normalise

WEIGHTS = Path(__file__).parent.parent / "sdr_lab" / "agents" / "intent_weights.json"

LEAST_SEEN = 2
"""Features of fewer phrases are noise."""
PENALTY = 2e-4
STEPS = 800
STEP_SIZE = 0.3
MOMENTUM = 0.9
SMALLEST = 0.2
"""Weights below are left out of the file."""


def main() -> int:
    """Fit, write, and say how many weights were kept."""
    phrases = read_phrases(DATA / "tuned.yaml")
    rows = [features(normalise(text), text.rstrip().endswith("?")) for text, _, _ in phrases]
    counts = Counter(feature for row in rows for feature in row)
    vocabulary = sorted(feature for feature, n in counts.items() if n >= LEAST_SEEN)
    labels = np.array([INTENTS.index(intent) for _, intent, _ in phrases])
    weights = fit(matrix(rows, vocabulary), labels)
    table = {
        feature: kept
        for feature, row in zip([*vocabulary, "<bias>"], weights, strict=True)
        if (kept := _kept(row)) or feature == "<bias>"
    }
    text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items())
    partial = WEIGHTS.with_suffix(".part")
    partial.write_text(text + "\n}\n", encoding="utf-8")
    os.replace(partial, WEIGHTS)
    print(f"{len(table)} features of {len(phrases)} phrases → {WEIGHTS}")
    return 0


def matrix(rows: Sequence[set[str]], vocabulary: Sequence[str]) -> NDArray[np.float64]:
    """Return the features as numbers, shape (phrases, features + 1), scaled as in the score."""
    index = {feature: place for place, feature in enumerate(vocabulary)}
    filled = np.zeros((len(rows), len(vocabulary) + 1))
    for number, row in enumerate(rows):
        places = [index[feature] for feature in row if feature in index]
        filled[number, places] = max(1, len(places)) ** -0.5
    filled[:, -1] = 1.0
    return filled


def fit(inputs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights of a softmax regression, shape (features + 1, intents)."""
    weights = np.zeros((inputs.shape[1], len(INTENTS)))
    wanted = np.eye(len(INTENTS))[labels]
    speed = np.zeros_like(weights)
    for _ in range(STEPS):
        scores = inputs @ weights
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        gradient = inputs.T @ (odds - wanted) / len(labels) + PENALTY * weights
        speed = MOMENTUM * speed + gradient
        weights -= STEP_SIZE * speed
    return weights


def _kept(row: NDArray[np.float64]) -> dict[str, float]:
    pairs = zip(INTENTS, row, strict=True)
    return {name: round(float(w), 2) for name, w in pairs if abs(w) >= SMALLEST}


if __name__ == "__main__":
    sys.exit(main())
