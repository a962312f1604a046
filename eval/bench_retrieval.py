"""How well and how fast passages are found.

    python eval/bench_retrieval.py [--json] [--sizes 1000 10000] [--embedding NAME]

Quality: the gold questions, by vectors only, by words only and fused. Speed: a whole search
(question embedded, none from the cache) over made-up passages whose vectors are random: at
10,000 passages embedding them all would take minutes, and the search does not care.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sdr_lab.knowledge import retriever
from sdr_lab.knowledge.embed import Embedding, embedding_of
from sdr_lab.knowledge.index import Knowledge
from sdr_lab.knowledge.index_file import Contents, write
from sdr_lab.knowledge.passages import Piece, content_hash
from sdr_lab.knowledge.versions import Versions
from sdr_lab.records import Passage

ROOT = Path(__file__).resolve().parent.parent
GOLD = ROOT / "datasets" / "gold_questions.yaml"
SEARCHES = 200
MODES = {"vectors": 1.0, "words": 0.0, "fused": retriever.VECTOR_WEIGHT}
"""Mode → weight of the cosine."""


@dataclass(frozen=True)
class Quality:
    """Of one mode, over the gold questions."""

    mode: str
    recall_1: float
    recall_3: float
    mrr: float
    """Mean of 1 / rank of the first passage that answers, 0 when it is not among the first 10."""
    refused_far: float
    """Share of unrelated questions that find nothing."""
    recall_by_kind: dict[str, float]


def answers(passage: Passage, question: dict[str, Any]) -> bool:
    """Whether a passage comes from the right document and states the fact."""
    said = f"{passage.title}. {passage.text}".casefold()
    return passage.source in question["documents"] and question["fact"].casefold() in said


async def quality(search: Any, gold: dict[str, Any], mode: str, misses: list[str]) -> Quality:
    retriever.VECTOR_WEIGHT = MODES[mode]
    ranks: list[int] = []
    kinds: dict[str, list[bool]] = {}
    for question in gold["questions"]:
        found = await search.search(question["ask"], 10)
        rank = next((i for i, p in enumerate(found, 1) if answers(p, question)), 0)
        ranks.append(rank)
        kinds.setdefault(question["kind"], []).append(0 < rank <= 3)
        if not 0 < rank <= 3 and mode == "fused":
            misses.append(f"{question['ask']!r} (rank {rank or '> 10'}): {question['fact']!r}")
    far = [q for q in gold["unanswerable"] if q["kind"] == "far"]
    silent = [not await search.search(q["ask"]) for q in far]
    retriever.VECTOR_WEIGHT = MODES["fused"]
    return Quality(
        mode=mode,
        recall_1=float(np.mean([rank == 1 for rank in ranks])),
        recall_3=float(np.mean([0 < rank <= 3 for rank in ranks])),
        mrr=float(np.mean([1 / rank if rank else 0 for rank in ranks])),
        refused_far=float(np.mean(silent)),
        recall_by_kind={kind: float(np.mean(hits)) for kind, hits in kinds.items()},
    )


def made_up(home: Path, count: int, embedding: Embedding) -> Versions:
    """An index of passages about nothing: Zipf-like words and random unit vectors."""
    rng = np.random.default_rng(7)
    dice = random.Random(7)
    words = [f"{a}{b}{c}" for a in "bdfgklmn" for b in ("ara", "elo", "inu", "ota") for c in "strv"]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    pieces = []
    for number in range(count):
        text = " ".join(dice.choices(words, weights, k=60))
        pieces.append(Piece(f"made-up.txt#{number}", "made-up.txt", number, "", text))
    vectors = rng.standard_normal((count, embedding.size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    versions = Versions.of(home, f"made-up-{count}")
    versions.folder.mkdir(parents=True)
    about = {"embedding": embedding.name, "size": embedding.size}
    documents = {"made-up.txt": {"fingerprint": "", "passages": count, "size": 0, "added_at": ""}}
    write(versions.building(), Contents(pieces, vectors, documents, about))
    versions.switch(versions.building(), versions.following(content_hash(pieces, embedding.name)))
    return versions


async def speed(knowledge: Knowledge, count: int, questions: list[str]) -> dict[str, float]:
    versions = made_up(knowledge.home, count, knowledge.embedding())
    search = knowledge.search_for(versions.folder.name)
    started = time.perf_counter()
    await search.warm()
    loaded_s = time.perf_counter() - started
    await search.search("the first search imports what is left")
    times_ms = []
    cpu = time.process_time()
    for number in range(SEARCHES):
        # numbers make each question new, so that none comes from the cache
        question = f"{questions[number % len(questions)]} {number} bara delos"
        started = time.perf_counter()
        await search.search(question)
        times_ms.append(1000 * (time.perf_counter() - started))
    cpu_ms = 1000 * (time.process_time() - cpu) / SEARCHES
    p50, p95 = (float(value) for value in np.percentile(times_ms, [50, 95]))
    return {
        "passages": count,
        "load_s": loaded_s,
        "p50_ms": p50,
        "p95_ms": p95,
        "cpu_ms": cpu_ms,  # what a machine with nothing else to do would take
    }


async def measure(sizes: list[int], name: str) -> dict[str, Any]:
    gold = yaml.safe_load(GOLD.read_text())
    with tempfile.TemporaryDirectory() as folder:
        embedding = embedding_of(name)
        knowledge = Knowledge(Path(folder), embedding)
        ingested = await knowledge.ingest("gold", [ROOT / gold["knowledge"]])
        search = knowledge.search_for("gold")
        misses: list[str] = []
        table = [await quality(search, gold, mode, misses) for mode in MODES]
        questions = [question["ask"] for question in gold["questions"]]
        curve = [await speed(knowledge, size, questions) for size in sizes]
    return {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "load_average": os.getloadavg()[0],
        "embedding": embedding.name,
        "passages": ingested.passages,
        "questions": len(questions),
        "quality": [row.__dict__ for row in table],
        "misses": misses,
        "speed": curve,
    }


def show(result: dict[str, Any]) -> None:
    print(f"{result['machine']}, load {result['load_average']:.1f}, {result['embedding']}")
    print(f"\n{result['questions']} gold questions over {result['passages']} passages")
    print(f"{'':10}{'recall@1':>10}{'recall@3':>10}{'MRR':>8}{'silent on unrelated':>22}")
    for row in result["quality"]:
        print(
            f"{row['mode']:10}{row['recall_1']:10.3f}{row['recall_3']:10.3f}"
            f"{row['mrr']:8.3f}{row['refused_far']:22.2f}   "
            + " ".join(f"{kind} {share:.2f}" for kind, share in row["recall_by_kind"].items())
        )
    print("\nnot among the first three (fused):", *result["misses"], sep="\n  ")
    print(f"\n{'passages':>10}{'load s':>10}{'p50 ms':>10}{'p95 ms':>10}{'CPU ms':>10}")
    for row in result["speed"]:
        print(
            f"{row['passages']:10}{row['load_s']:10.2f}{row['p50_ms']:10.1f}{row['p95_ms']:10.1f}"
            f"{row['cpu_ms']:10.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--embedding", default="sentence-transformers/all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    result = asyncio.run(measure(arguments.sizes, arguments.embedding))
    print(json.dumps(result, indent=2)) if arguments.json else show(result)


if __name__ == "__main__":
    main()
