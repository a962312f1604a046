from __future__ import annotations

import numpy as np
import pytest

from sdr_lab.knowledge.embed import Embedding, HashEmbedding, HuggingFace, embedding_of
from sdr_lab.knowledge.minilm import MiniLM

LONG = " ".join(["The Growth plan costs 129 dollars per month for up to 15 technicians."] * 30)
TEXTS = ("how much is it", "QuickBooks — café 你好 😀", "", "a", LONG)


def check_embedding(embedding: Embedding) -> None:
    """What every embedding promises."""
    vectors = embedding.embed(TEXTS)

    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedding.size)
    assert np.isfinite(vectors).all()
    norms = np.linalg.norm(vectors, axis=1)
    assert np.allclose(norms[[0, 1, 3, 4]], 1, atol=1e-5)
    assert np.allclose(embedding.embed(TEXTS[:1]), vectors[:1], atol=1e-5)
    assert embedding.embed([]).shape == (0, embedding.size)
    assert len(embedding.tokens("how much is it")) == 4


def test_hashing():
    embedding = HashEmbedding()
    check_embedding(embedding)
    question, right, wrong = embedding.embed(["the PRICE plan", "plan price.", "mobile app"])
    assert question @ right > 0.8
    assert question @ wrong < 0.2
    assert isinstance(embedding_of("hash"), HashEmbedding)


@pytest.mark.models
def test_minilm():
    embedding = embedding_of("sentence-transformers/all-MiniLM-L6-v2")
    assert isinstance(embedding, MiniLM)
    check_embedding(embedding)
    question, right, wrong = embedding.embed(
        ["what would ten techs cost me", "It is $129 per month for 15 technicians.", "Good night."]
    )
    assert question @ right > question @ wrong + 0.2


@pytest.mark.models
def test_minilm_workers_give_the_same_vectors():
    assert np.array_equal(MiniLM(workers=2).embed(TEXTS), MiniLM().embed(TEXTS))


@pytest.mark.models
def test_minilm_agrees_with_sentence_transformers():
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    from sdr_lab.knowledge.minilm import model_folder

    theirs = HuggingFace(str(model_folder()))
    check_embedding(theirs)
    assert theirs.max_tokens == MiniLM.max_tokens
    assert np.abs(theirs.embed(TEXTS) - MiniLM().embed(TEXTS)).max() < 1e-5
