"""The bars of `hybrid` on a corpus, from weights files (one per training seed).

    python eval/holdout.py CORPUS [WEIGHTS.npz …]

Without weights: those of the package. Runs the production network over the features of the
production class; the limits are the ones in the files, which were chosen on validation calls.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from sdr_lab.turns.detectors import network
from training.figures import bars, spread
from training.segments import Segment, read_segments

PACKAGE_WEIGHTS = Path(network.__file__).with_name(network.DEFAULT_WEIGHTS)


def scores_of(weights: Path, segments: list[Segment]) -> list[np.ndarray]:
    """Return hold and stop probabilities per frame of each segment, shape (frames, 2)."""
    net = network.Network(network.load_weights(weights))
    found = []
    for segment in segments:
        net.reset()
        rows = segment.features.astype(np.float32)
        found.append(np.array([net.step(row) for row in rows], np.float32))
    return found


def limits_of(weights: Path) -> dict[str, float]:
    with np.load(weights) as stored:
        hold, best, few = stored["limits"].tolist()
    return {"hold": hold, "f1": best, "few": few}


def main() -> None:
    parser = argparse.ArgumentParser(description="the bars of hybrid on a corpus")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("weights", type=Path, nargs="*")
    options = parser.parse_args()
    calls, segments = read_segments(options.corpus)
    weights = options.weights or [PACKAGE_WEIGHTS]
    results = [
        bars(calls, segments, scores_of(path, segments), limits_of(path)) for path in weights
    ]
    minutes = sum(len(x.features) for x in segments) / 3000
    print(f"{options.corpus}: {len(calls)} calls, {minutes:.0f} min, {len(weights)} weights files")
    print(spread(results))


if __name__ == "__main__":
    main()
