"""Text → vectors: which embeddings exist and how one is had by name."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import BadInput, MissingPackage
from sdr_lab.knowledge.minilm import MiniLM

ALLOWED = f"allowed: {MiniLM.name}, hash, a folder, a name on the Hugging Face hub"

_WORD = re.compile(r"\w+")


class Embedding(Protocol):
    """Turns texts into unit vectors. Thread-safe; `embed` is called in worker threads."""

    @property
    def name(self) -> str:
        """Written into every index; vectors of different names are never mixed."""
        ...

    @property
    def size(self) -> int:
        """Numbers per vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut silently by the model."""
        ...

    def tokens(self, text: str) -> list[str]:
        """What the model counts as tokens; the splitter counts the same."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, size), float32."""
        ...


class HashEmbedding:
    """Counts words into hashed buckets: texts are alike when they share words.

    The double for tests and for machines without weights. Deterministic over processes.
    """

    max_tokens = 1_000_000

    def __init__(self, size: int = 256) -> None:
        self.size = size
        self.name = f"hash-{size}"

    def tokens(self, text: str) -> list[str]:
        return _WORD.findall(text.casefold())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.size), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in self.tokens(text):
                vector[zlib.crc32(word.encode()) % self.size] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)


class HuggingFace:
    """Any sentence-transformers model through LlamaIndex. Needs torch; loading takes 5 to 7 s."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        """
        Args:
            name: A folder or a name on the hub (downloaded unless HF_HUB_OFFLINE is set).
            device: `cpu`, `cuda`, `mps`.
        """
        if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name) and not Path(name).is_dir():
            raise BadInput(f"embedding model {name!r}: there is no such folder; {ALLOWED}")
        try:
            from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        except ImportError as error:
            raise MissingPackage(
                f"embedding {name!r} needs torch: pip install llama-index-embeddings-huggingface"
            ) from error
        _silence()
        try:
            self._model: Any = HuggingFaceEmbedding(
                model_name=name, device=device, normalize=True, show_progress_bar=False
            )
        except (OSError, ValueError) as error:
            raise BadInput(f"embedding model {name!r}: unknown; {ALLOWED}") from error
        self.name = name
        self.max_tokens = int(self._model.max_length)
        self.size = len(self._model.get_query_embedding("size"))

    def tokens(self, text: str) -> list[str]:
        return self._model._model.tokenizer.tokenize(text)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = self._model.get_text_embedding_batch(list(texts))
        return np.array(vectors, np.float32).reshape(len(texts), self.size)


def _silence() -> None:
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)


def embedding_of(name: str = MiniLM.name, workers: int = 1) -> Embedding:
    """Load an embedding: MiniLM by its usual names, `hash`, or any sentence-transformers model.

    Blocks for 0.5 s (MiniLM) to 7 s (others): call it in a thread.

    Raises:
        MissingPackage: the weights, or torch for any other model, are not installed.
        BadInput: there is no such model.
    """
    if name.rsplit("/", 1)[-1].casefold() in ("all-minilm-l6-v2", "minilm"):
        return MiniLM(workers=workers)
    if name == "hash":
        return HashEmbedding()
    return HuggingFace(name)
