"""Build a corpus of labelled calls.

    python corpora/build.py train|full|valid|holdout --out DIR --calls N --seed S

`train` holds clean sources only, `full` adds human recordings under GPL and CC-BY-SA, `valid` is
from the simulator of `train` with other voices, `holdout` shares nothing with the three. Packages
and banks are kept in `--cache`. Needs Debian's `espeak-ng`, `flite` and `apt-get`, and
`pip install -e .[piper]`. The same seed, number and package versions give the same calls.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from corpora import sources
from corpora.bank import Bank
from corpora.sound import write_stereo

SPLITS = ("train", "full", "valid", "holdout")
NUMBER = {name: number for number, name in enumerate(SPLITS)}


def bank_folder(split: str, folder: Path, seed: int, jobs: int) -> Path:
    """Return where the bank of a split lies; build it if it's not there."""
    target = folder / f"bank-{split}"
    if not (target / "bank.npy").exists():
        wanted = {"full": ("train", "full")}.get(split, (split,))
        for name in wanted:
            sources.fetch(name, folder)
        if split == "holdout":
            from corpora import holdout_bank

            bank = holdout_bank.build(folder, jobs=jobs)
        else:
            from corpora import train_bank

            bank = train_bank.build(split, folder, seed=seed, jobs=jobs)
        bank.save(target)
        (target / "counts.json").write_text(json.dumps(bank.counts(), indent=1), encoding="utf-8")
    return target


@cache
def _bank(folder: Path) -> Bank:
    return Bank.load(folder)


def _make(task: tuple[str, Path, Path, int, int]) -> dict[str, Any]:
    split, folder, out, seed, number = task
    if split == "holdout":
        from corpora.holdout_sim import simulate
    else:
        from corpora.train_sim import simulate
    rng = np.random.default_rng([seed, NUMBER[split], number])
    name = f"{split}-{number:04d}"
    call = simulate(rng, _bank(folder), name)
    write_stereo(out / "calls" / f"{name}.wav", call.left, call.right)
    return call.truth | {"id": name}


def build(split: str, out: Path, calls: int, seed: int, folder: Path, jobs: int) -> dict[str, Any]:
    """Write a corpus; return its figures."""
    bank = bank_folder(split, folder, 1, jobs)
    (out / "calls").mkdir(parents=True, exist_ok=True)
    tasks = [(split, bank, out, seed, number) for number in range(calls)]
    with ProcessPoolExecutor(jobs) as pool:
        truth = list(pool.map(_make, tasks, chunksize=8))
    draft = out / "truth.part"
    draft.write_text("[\n" + ",\n".join(map(json.dumps, truth)) + "\n]\n", encoding="utf-8")
    os.replace(draft, out / "truth.json")
    return figures(truth)


def figures(truth: list[dict[str, Any]]) -> dict[str, Any]:
    """Count what a corpus holds."""
    minutes = sum(end - start for call in truth for start, end in call["agent"]) / 60
    kinds = Counter(event["type"] for call in truth for event in call["events"])
    tags = [call["tags"] for call in truth]
    return {
        "calls": len(truth),
        "hours": round(sum(call["duration_s"] for call in truth) / 3600, 2),
        "agent_min": round(minutes, 1),
        "events": dict(kinds),
        "per_agent_min": {kind: round(n / minutes, 2) for kind, n in kinds.items()},
        "callers": len({tag["caller_voice"] for tag in tags}),
        "human_callers": round(sum(tag["caller_human"] for tag in tags) / len(tags), 2),
        "levels": dict(Counter(tag["level"] for tag in tags)),
        "echo": round(sum(tag["echo"] is not None for tag in tags) / len(tags), 2),
        "loud_echo": sum(tag["echo"] is not None and tag["echo"]["rms"] >= 500 for tag in tags),
        "noise": round(sum(tag["noise"] != "none" for tag in tags) / len(tags), 2),
        "codecs": dict(Counter(tag["codec"] for tag in tags)),
    }


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("split", choices=SPLITS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/sdr_lab/corpora")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    made = build(given.split, given.out, given.calls, given.seed, given.cache, given.jobs)
    print(json.dumps(made, indent=1))


if __name__ == "__main__":
    main()
