"""Finding passages during a call: follows the current version and never blocks the loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import BadInput, SettingError, StorageError
from sdr_lab.knowledge.embed import Embedding
from sdr_lab.knowledge.versions import Versions
from sdr_lab.records import Passage

if TYPE_CHECKING:
    from sdr_lab.knowledge.retriever import Mirror

MAX_TOP_K = 50
MAX_QUERY = 2000
"""Characters of a question that are looked at."""

QUERIES_KEPT = 512
"""Vectors of questions kept: interim and final transcripts are often the same."""

THREADS = 2
"""Of its own: in the common pool a search would queue behind transcriptions. One may reload."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class KnowledgeSearch:
    """Searches one knowledge base. One object may serve many calls at the same time.

    The first search loads the current version; `warm` does so ahead of the first call. When an
    ingest (in any process) has switched the version, the next search still answers from the old
    one while the new one loads in a thread, so that no caller waits for it.
    """

    def __init__(self, versions: Versions, embedding: Callable[[], Embedding]) -> None:
        self._versions = versions
        self._embedding = embedding
        self._vector_of = lru_cache(QUERIES_KEPT)(self._embed)
        self._state: tuple[str, Mirror | None, tuple[int, int, int]] | None = None
        self._loading = threading.Lock()
        self._reloading = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="knowledge")

    @property
    def version(self) -> str:
        """Version of the knowledge that the next search will read; empty when there is none."""
        return self._state[0] if self._state else self._versions.current()

    async def warm(self) -> None:
        """Load the embedding and the current version, so that the first search is quick."""
        await self._in_thread(self._embedding)
        await self.refresh()

    async def refresh(self) -> str:
        """Load the current version if it is not the loaded one, and return it."""
        await self._in_thread(self._load)
        return self.version

    async def search(self, query: str, top_k: int = 3) -> list[Passage]:
        """Return the best passages, best first; empty when nothing is related.

        Raises:
            SettingError: TOP_K is out of range.
            StorageError: There is an index, but it can't be read.
        """
        if not 1 <= top_k <= MAX_TOP_K:
            raise SettingError("TOP_K", top_k, f"1..{MAX_TOP_K}")
        if self._state is None:
            await self.refresh()
        elif self._state[2] != self._versions.mark():
            self._reload_behind()
        return await self._in_thread(self._search, query[:MAX_QUERY], top_k)

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _reload_behind(self) -> None:
        if not self._reloading:
            self._reloading = True
            asyncio.get_running_loop().run_in_executor(self._threads, self._load_quietly)

    def _load_quietly(self) -> None:
        try:
            self._load()
        except (StorageError, BadInput) as error:
            _log.warning("keeping knowledge version %s: %s", self.version, error)
        finally:
            self._reloading = False

    def _load(self) -> None:
        with self._loading:
            mark = self._versions.mark()
            if self._state is None or self._state[2] != mark:
                version, mirror = self._newest()
                self._state = (version, mirror, mark)

    def _newest(self) -> tuple[str, Mirror | None]:
        """Open the current version; an ingest may remove it between naming and opening."""
        from sdr_lab.knowledge.retriever import Mirror

        while version := self._versions.current():
            path = self._versions.file(version)
            try:
                mirror = Mirror.load(path)
            except StorageError:
                if version != self._versions.current():
                    continue
                raise
            _check_same(mirror.embedding, self._embedding().name, self._versions.folder.name)
            return version, mirror
        return "", None

    def _search(self, query: str, top_k: int) -> list[Passage]:
        from llama_index.core.schema import QueryBundle

        from sdr_lab.knowledge.retriever import MirrorRetriever

        mirror = self._state[1] if self._state else None
        if mirror is None or not query.strip():
            return []
        retriever = MirrorRetriever(mirror, self._vector_of, top_k)
        return [
            Passage(
                id=found.node.node_id,
                text=found.node.get_content(),
                source=found.node.metadata["document"],
                score=found.score or 0.0,
                title=found.node.metadata["title"],
                vector_score=found.node.metadata["vector_score"],
                keyword_score=found.node.metadata["keyword_score"],
            )
            for found in retriever.retrieve(QueryBundle(query))
        ]

    def _embed(self, query: str) -> NDArray[np.float32]:
        return self._embedding().embed([query])[0]


def _check_same(built: str, here: str, name: str) -> None:
    if built != here:
        raise BadInput(
            f"knowledge base {name!r} was built with the embedding {built}, EMBED_MODEL is {here}; "
            "ingest its documents again or set EMBED_MODEL back"
        )
