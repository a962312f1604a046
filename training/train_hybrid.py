"""Train the network of `hybrid` on labelled corpora, several seeds; print what they reach.

    python -m training.train_hybrid --train DIR [DIR …] --valid DIR --holdout DIR \\
        --seeds 5 --out training/out

Corpora are in the documented format (truth.json, calls/*.wav). The limits are chosen on the
validation corpus; the hold-out is only measured. Needs the extra `torch`.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sdr_lab.tune.corpus import LabelledCall
from training.figures import bars, best_at, best_f1, hold_points, spread, stop_points
from training.segments import Segment, read_segments

FEW_FALSE = 0.5
"""False stops a minute of the cautious limit."""
FALSE_HOLDS = 3.5
"""False holds a minute that a hold may cost."""


def read_all(corpora: list[Path]) -> tuple[list[LabelledCall], list[Segment]]:
    """Read corpora as one."""
    calls: list[LabelledCall] = []
    segments: list[Segment] = []
    for corpus in corpora:
        more, parts = read_segments(corpus)
        segments += [replace(part, call=part.call + len(calls)) for part in parts]
        calls += more
    return calls, segments


def choose_limits(net, calls: list[LabelledCall], segments: list[Segment]) -> dict[str, float]:
    """Return the limits: stop at the best F1, stop with few false ones, hold."""
    from training.model import scores_of

    scores = scores_of(net, segments)
    points = stop_points(calls, segments, scores)
    best, few = best_f1(points), best_at(points, FEW_FALSE)
    holds = hold_points(calls, segments, scores, best.limit)
    return {"f1": best.limit, "few": few.limit, "hold": best_at(holds, FALSE_HOLDS).limit}


def train_seed(seed: int, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Train one seed, write its weights, return its figures by corpus."""
    import torch

    from training.model import Recipe, export, scores_of, train
    from training.targets import targets_of

    torch.set_num_threads(1)
    calls, segments = read_all(options.train)
    targets = [targets_of(calls[x.call], x.start_ms, len(x.features)) for x in segments]
    recipe = Recipe(**json.loads(options.recipe))
    net = train(segments, targets, recipe, seed)
    del segments, targets
    valid = read_all(options.valid)
    limits = choose_limits(net, *valid)
    export(net, options.out / f"seed{seed}.npz", (limits["hold"], limits["f1"], limits["few"]))
    found = {"valid": bars(*valid, scores_of(net, valid[1]), limits)}
    for corpus in options.holdout:
        held = read_segments(corpus)
        found[corpus.name] = bars(*held, scores_of(net, held[1]), limits)
    found["limits"] = limits
    path = options.out / f"seed{seed}.json"
    path.write_text(json.dumps({"recipe": asdict(recipe), **found}, indent=1) + "\n")
    print(f"seed {seed}: {json.dumps(found)}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--train", type=Path, nargs="+", required=True)
    parser.add_argument("--valid", type=Path, nargs="+", required=True)
    parser.add_argument("--holdout", type=Path, nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="{}", help='JSON, such as {"hidden": 48}')
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for corpus in (*options.train, *options.valid, *options.holdout):
        read_segments(corpus, options.jobs)  # fills the caches
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(train_seed, seeds, [options] * len(seeds)))
    for name in ("valid", *(corpus.name for corpus in options.holdout)):
        print(f"\n{name}: {len(seeds)} seeds, mean (lowest to highest)")
        print(spread([result[name] for result in results]))
    print("limits", np.mean([list(x["limits"].values()) for x in results], axis=0).round(3))


if __name__ == "__main__":
    main()
