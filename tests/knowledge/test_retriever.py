from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from llama_index.core.schema import QueryBundle

from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import Knowledge
from sdr_lab.knowledge.retriever import Mirror, MirrorRetriever, fuse, query_terms, related, terms


def test_terms_are_stemmed_words_that_say_something():
    assert terms("How much do the Plans cost?") == ["much", "plan", "cost"]
    assert terms("the technician's set-up, don't") == ["technician", "set", "setup"]
    assert terms("$49 per month, 24/7") == ["49", "per", "month", "24", "7"]
    assert terms("") == terms("of it") == []


@pytest.mark.parametrize(
    ("said", "written"),
    [("quick books", "QuickBooks"), ("set up", "set-up"), ("e mail", "e-mail")],
)
def test_words_that_a_transcriber_splits_are_found(said: str, written: str):
    assert set(query_terms(said)) & {term for term in terms(written) if len(term) > 3}


def test_fusion_rises_with_both_scores():
    cosines = np.array([0.5, 0.5, 0.6, -0.4], np.float32)
    keywords = np.array([0.0, 5.0, 0.0, 0.0], np.float32)

    scores = fuse(cosines, keywords)

    assert scores.tolist() == pytest.approx([0.3, 0.3 + 0.4 / 2, 0.36, 0])


@pytest.mark.parametrize(
    ("cosine", "keyword", "expected"),
    [(0.25, 0, True), (0.15, 0, False), (0.16, 0.5, True), (0.1, 1.3, False), (0, 4, True)],
)
def test_what_counts_as_related(cosine: float, keyword: float, expected: bool):
    assert related(cosine, keyword) is expected


def test_it_is_a_llamaindex_retriever(knowledge: Knowledge, home: Path, docs: Path):
    version = knowledge.ingest_sync("a", [docs]).version
    mirror = Mirror.load(home / "a" / f"{version}.duckdb")
    embedding = HashEmbedding()
    retriever = MirrorRetriever(mirror, lambda text: embedding.embed([text])[0], top_k=1)

    by_text = retriever.retrieve("starter plan")
    vector = embedding.embed(["mobile app offline"])[0].tolist()
    by_vector = retriever.retrieve(QueryBundle("zzz", embedding=vector))

    assert [found.node.node_id for found in by_text] == ["prices.md#0"]
    assert [found.node.node_id for found in by_vector] == ["app.txt#0"]
    assert by_vector[0].node.metadata["keyword_score"] is None


def test_vectors_survive_the_file_exactly(knowledge: Knowledge, home: Path, docs: Path):
    version = knowledge.ingest_sync("a", [docs]).version
    mirror = Mirror.load(home / "a" / f"{version}.duckdb")

    expected = HashEmbedding().embed([piece.embedded for piece in mirror.pieces])
    assert np.array_equal(mirror.matrix, expected)
