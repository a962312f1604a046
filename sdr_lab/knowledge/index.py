"""The knowledge bases of a workspace: documents go in, a new version of the index comes out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.knowledge.documents import MAX_DOCUMENT_MB, Source, find_sources, read_document
from sdr_lab.knowledge.embed import Embedding
from sdr_lab.knowledge.index_file import Contents, read, read_about, write
from sdr_lab.knowledge.passages import (
    CHUNK_SIZE,
    Piece,
    check_chunk_size,
    content_hash,
    fingerprint,
    split,
)
from sdr_lab.knowledge.search import KnowledgeSearch
from sdr_lab.knowledge.versions import Versions

LOCK_WAIT_S = 60.0
"""An ingest waits so long for another one of the same knowledge base."""

BATCH = 32
"""Passages embedded between two reports of progress."""

Progress = Callable[[str, int, int], None]
"""Called with (`reading` or `embedding`, done, total)."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did."""

    version: str
    """The current version; the one before when nothing has changed."""
    documents: int
    """Documents read, new or changed."""
    passages: int
    """Passages in the knowledge base now."""
    reused: int
    """Passages whose vectors were taken from the version before."""
    skipped: tuple[str, ...] = ()
    """Documents that had not changed."""
    failed: tuple[str, ...] = ()
    """One line per document that was left out (`keep_going`)."""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A document in a knowledge base."""

    name: str
    passages: int
    size: int
    """Bytes of the file."""
    added_at: str
    """ISO 8601, UTC: when this content was ingested."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How an ingest behaves."""

    chunk_size: int = CHUNK_SIZE
    max_document_mb: float = MAX_DOCUMENT_MB
    keep_going: bool = False
    """Take the good documents when some are bad; else none is taken."""
    prune: bool = False
    """Forget documents that are not among those given."""
    lock_wait_s: float = LOCK_WAIT_S


@dataclass
class _Batch:
    """Documents on their way in."""

    pieces: list[Piece] = field(default_factory=list)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


class Knowledge:
    """All knowledge bases below one folder. Thread-safe, and safe beside other processes."""

    def __init__(self, home: Path, embedding: Embedding | Callable[[], Embedding]) -> None:
        """
        Args:
            home: The folder of the knowledge bases, `<workspace>/knowledge`.
            embedding: An embedding, or a function that loads it, called once, in a thread, when
                it is first needed.
        """
        self.home = home
        self._given = embedding
        self._loaded: Embedding | None = None
        self._loading = threading.Lock()
        self._searches: dict[str, KnowledgeSearch] = {}

    def embedding(self) -> Embedding:
        """Load the embedding if that has not happened yet. Blocks."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._given() if callable(self._given) else self._given
            return self._loaded

    def names(self) -> list[str]:
        """The knowledge bases that hold something, in alphabetical order."""
        pointers = sorted(self.home.glob("*/current"))
        return [pointer.parent.name for pointer in pointers]

    def version(self, name: str) -> str:
        """The current version, empty when nothing has been ingested."""
        return Versions.of(self.home, name).current()

    def search_for(self, name: str) -> KnowledgeSearch:
        """Return the search over one knowledge base, the same for all calls (one mirror in memory).

        The knowledge base may still be empty, and may change while the search is used.
        """
        if name not in self._searches:
            found = KnowledgeSearch(Versions.of(self.home, name), self.embedding)
            self._searches.setdefault(name, found)
        return self._searches[name]

    def documents(self, name: str) -> list[DocumentInfo]:
        """List the documents of a knowledge base by name.

        Raises:
            NotFound: Nothing was ever ingested under this name.
        """
        versions = Versions.of(self.home, name)
        documents = read_about(versions.file(self._existing(versions)))["documents"]
        return [
            DocumentInfo(document, about["passages"], about["size"], about["added_at"])
            for document, about in sorted(documents.items())
        ]

    async def ingest(
        self,
        name: str,
        paths: Sequence[Path | Source],
        options: IngestOptions | None = None,
        on_progress: Progress | None = None,
    ) -> Ingested:
        """As `ingest_sync`, in a thread. Cancelling it leaves the version before in place."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def report(step: str, done: int, total: int) -> None:
            if stop.is_set():
                raise _Stopped
            if on_progress is not None:
                loop.call_soon_threadsafe(on_progress, step, done, total)

        work = loop.run_in_executor(None, self.ingest_sync, name, paths, options, report)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            work.exception()  # `_Stopped`, or it was too late to stop
            raise

    def ingest_sync(
        self,
        name: str,
        paths: Sequence[Path | Source],
        options: IngestOptions | None = None,
        on_progress: Progress | None = None,
    ) -> Ingested:
        """Read documents into a knowledge base and make the result its current version.

        A document replaces the one of the same name; all others stay (but see `prune`).

        Args:
            paths: Files, folders, or `Source`s (uploads).

        Raises:
            BadInput: A document can't be taken (all are listed, one a line); nothing was changed.
            StorageError: Another ingest is running, or the folder can't be written.
        """
        options = options or IngestOptions()
        report = on_progress or _silent
        embedding = self.embedding()
        warning = check_chunk_size(options.chunk_size, embedding.max_tokens)
        versions = Versions.of(self.home, name)
        found = _found(paths, options)
        with versions.locked(options.lock_wait_s):
            versions.clean()
            before = _contents(versions)
            batch = _read_all(found, before.documents, embedding, options, report)
            if batch.failed and not options.keep_going:
                raise BadInput("\n".join(batch.failed))
            if not batch.documents and not batch.skipped:
                raise BadInput("\n".join(batch.failed) or "no documents given")
            if warning:
                batch.notices.insert(0, warning)
            kept = _kept(before, batch, options)
            return self._build(versions, before, kept, batch, report)

    def delete(self, name: str, document: str, lock_wait_s: float = LOCK_WAIT_S) -> str:
        """Take a document out of a knowledge base; returns the new version.

        Raises:
            NotFound: There is no such knowledge base or document.
        """
        versions = Versions.of(self.home, name)
        self._existing(versions)
        with versions.locked(lock_wait_s):
            before = read(versions.file(self._existing(versions)))
            if document not in before.documents:
                have = ", ".join(sorted(before.documents)) or "none"
                raise NotFound(f"no document {document!r} in {name!r}; there are: {have}")
            kept = [other for other in before.documents if other != document]
            return self._build(versions, before, kept, _Batch(), _silent).version

    def _existing(self, versions: Versions) -> str:
        if version := versions.current():
            return version
        have = ", ".join(self.names()) or "none yet: sdr-lab ingest PATH"
        raise NotFound(f"no knowledge base {versions.folder.name!r}; there are: {have}")

    def _build(
        self,
        versions: Versions,
        before: Contents,
        kept: Iterable[str],
        batch: _Batch,
        report: Progress,
    ) -> Ingested:
        """Write `kept` documents of the version before and those of the batch, then switch."""
        embedding = self.embedding()
        keep = set(kept)
        pieces = [piece for piece in before.pieces if piece.document in keep] + batch.pieces
        pieces.sort(key=lambda piece: (piece.document, piece.number))
        documents = {name: before.documents[name] for name in keep} | batch.documents
        vectors, reused = _vectors(pieces, before, embedding, report)
        result = Ingested(
            version=versions.current(),
            documents=len(batch.documents),
            passages=len(pieces),
            reused=reused,
            skipped=tuple(batch.skipped),
            failed=tuple(batch.failed),
            notices=tuple(batch.notices),
        )
        content = content_hash(pieces, embedding.name)
        if result.version.endswith(f"-{content}") and documents == before.documents:
            return result
        version = versions.following(content)
        building = versions.building()
        about = {"embedding": embedding.name, "size": embedding.size}
        try:
            write(building, Contents(pieces, vectors, documents, about))
            versions.switch(building, version)
        finally:
            for left in building.parent.glob(f"{building.name}*"):
                left.unlink(missing_ok=True)
        versions.clean()
        return replace(result, version=version)


class _Stopped(Exception):
    """The caller of `ingest` was cancelled."""


def _silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _contents(versions: Versions) -> Contents:
    if version := versions.current():
        return read(versions.file(version))
    return Contents([], np.zeros((0, 0), np.float32), {}, {"embedding": ""})


def _found(paths: Sequence[Path | Source], options: IngestOptions) -> list[Source | BadInput]:
    files = [path for path in paths if isinstance(path, Path)]
    uploads = [path for path in paths if isinstance(path, Source)]
    found = [*find_sources(files, options.max_document_mb), *uploads]
    seen: set[str] = set()
    for place, source in enumerate(found):
        if isinstance(source, Source) and source.name in seen:
            found[place] = BadInput(
                f"{source.name}: two documents have this name; ingest the folder above them"
            )
        elif isinstance(source, Source):
            seen.add(source.name)
    return found


def _read_all(
    found: list[Source | BadInput],
    known: dict[str, dict[str, Any]],
    embedding: Embedding,
    options: IngestOptions,
    report: Progress,
) -> _Batch:
    batch = _Batch()
    for done, source in enumerate(found):
        report("reading", done, len(found))
        if isinstance(source, BadInput):
            batch.failed.append(str(source))
            continue
        try:
            source = Source(source.name, source.data)
            mark = fingerprint(source.data, options.chunk_size, embedding.name)
            if known.get(source.name, {}).get("fingerprint") == mark:
                batch.skipped.append(source.name)
                continue
            document = read_document(source, options.max_document_mb)
        except BadInput as error:
            batch.failed.append(str(error))
            continue
        pieces = split(document, embedding.tokens, options.chunk_size)
        batch.pieces += pieces
        batch.notices += [document.notice] if document.notice else []
        batch.documents[source.name] = {
            "fingerprint": mark,
            "passages": len(pieces),
            "size": len(source.data),
            "added_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    return batch


def _kept(before: Contents, batch: _Batch, options: IngestOptions) -> list[str]:
    if options.prune:
        return list(batch.skipped)
    return [name for name in before.documents if name not in batch.documents]


def _vectors(
    pieces: list[Piece], before: Contents, embedding: Embedding, report: Progress
) -> tuple[NDArray[np.float32], int]:
    """Vectors of all pieces; those of unchanged passages come from the version before."""
    known: dict[str, int] = {}
    if before.about["embedding"] == embedding.name:
        known = {piece.digest: row for row, piece in enumerate(before.pieces)}
    vectors = np.zeros((len(pieces), embedding.size), np.float32)
    missing = []
    for row, piece in enumerate(pieces):
        if (old := known.get(piece.digest)) is not None:
            vectors[row] = before.vectors[old]
        else:
            missing.append(row)
    for start in range(0, len(missing), BATCH):
        report("embedding", start, len(missing))
        rows = missing[start : start + BATCH]
        vectors[rows] = embedding.embed([pieces[row].embedded for row in rows])
    report("embedding", len(missing), len(missing))
    return vectors, len(pieces) - len(missing)
