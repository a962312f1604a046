"""Documents of the API and the knowledge bases that they are read into.

A document belongs to the workspace; agents use it. Each agent that is given documents has a
knowledge base of its own: one that others use as well is copied first, so that nobody else's
answers change. Documents are read in one after the other, in a process beside the server
(`ingest.py`); calls answer from the version before until the new one is complete.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from sdr_lab.agents.public_web import PublicWeb, WebReply
from sdr_lab.errors import BadInput, NotFound, ProviderError, SdrLabError
from sdr_lab.knowledge.documents import Source, read_document
from sdr_lab.lab import Lab
from sdr_lab.live.bases import Bases, name_in_base
from sdr_lab.live.document_files import SUFFIXES, file_name, file_stem, url_file
from sdr_lab.live.document_text import as_html, as_text
from sdr_lab.live.ingest import IngestJob, Progress, ReadJob, ingest, read

if TYPE_CHECKING:
    from sdr_lab.store.documents import Document, DocumentType

log = logging.getLogger(__name__)

FETCH_S = 20
"""Longest wait for a document by URL."""

SMALL_BYTES = 10_000
"""A text of so much is read in some milliseconds."""

READ_AT_ONCE = 2
"""Documents that are read by processes at the same time."""

HEAVY = (".pdf", ".docx")
"""Their parsers may take seconds for few bytes."""

Ingest = Callable[[IngestJob, Progress], Awaitable[str]]


class IndexStatus(StrEnum):
    """How far a document is on its way into an agent's knowledge; words of the official SDK."""

    CREATED = "created"
    """It waits for its turn."""
    PROCESSING = "processing"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far a document is on its way into one agent's knowledge base."""

    document_id: str
    agent_id: str
    status: IndexStatus
    progress: float = 0.0
    """0..100."""
    error: str = ""


class Documents:
    """The documents of a workspace. To be used in one event loop.

    Args:
        ingest: Does the work; by default in a process.
    """

    def __init__(self, lab: Lab, ingest: Ingest = ingest) -> None:
        self.lab = lab
        self.bases = Bases(lab)
        self._ingest = ingest
        self._web = PublicWeb(lab.settings.insecure_private_webhooks)
        self._states: dict[tuple[str, str], IndexState] = {}
        self._queue: deque[tuple[str, tuple[str, ...]]] = deque()
        """Agent, and the documents to be read in for it."""
        self._changing: dict[str, asyncio.Lock] = {}
        self._work = asyncio.Event()
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    # ---- documents

    async def add_file(self, name: str, data: bytes, shown: str = "") -> Document:
        """Keep an uploaded file.

        Args:
            name: File name; its ending says how it is read.
            shown: What it is called; empty: its file name.

        Raises:
            BadInput: of a kind that can't be read, empty, too large, damaged or without text.
        """
        return await self._keep(file_name(name), data, "file", shown or name)

    async def add_text(self, text: str, name: str = "") -> Document:
        """Keep a text. Raises like `add_file`."""
        title = name.strip() or " ".join(text.split())[:40] or "text"
        return await self._keep(f"{file_stem(title)}.txt", text.encode(), "text", title)

    async def add_url(self, url: str, name: str = "") -> Document:
        """Fetch a document and keep it. Raises like `add_file`, and

        Raises:
            BadInput: the address can't be reached or doesn't give a document.
            Refused: not https, or not a public address.
        """
        reply = await self._fetch(url)
        title = name.strip() or url
        stem, suffix = url_file(url, reply.headers.get("content-type", ""))
        return await self._keep(f"{stem}{suffix}", reply.body, "url", title, url)

    async def _fetch(self, url: str) -> WebReply:
        max_mb = self.lab.settings.max_document_mb
        try:
            reply = await self._web.fetch(
                "GET", url, headers={"Accept": ", ".join(SUFFIXES)}, timeout_s=FETCH_S,
                max_bytes=int(max_mb * 1_000_000),
            )  # fmt: skip
        except ProviderError as error:
            raise BadInput(f"{url} can't be fetched: {error.reason}") from error
        if reply.status != 200:
            where = reply.headers.get("location", "")
            more = f", it redirects to {where}: give that address" if where else ""
            raise BadInput(f"{url} can't be fetched: it answered {reply.status}{more}")
        if reply.is_cut:
            raise BadInput(f"{url} is larger than {max_mb:g} MB (MAX_DOCUMENT_MB)")
        return reply

    async def _keep(
        self, file: str, data: bytes, kind: DocumentType, shown: str, source_url: str = ""
    ) -> Document:
        await self._read(file, data, "text")  # what can't be read is not kept
        document = await asyncio.to_thread(self.lab.documents.create, file, kind, data, source_url)
        if shown != file:
            document = await asyncio.to_thread(self.lab.documents.rename, document.id, shown)
        return document

    async def content(self, document: Document, form: Literal["text", "html"]) -> str:
        """Return a document as it is read into knowledge."""
        data = await asyncio.to_thread(document.file.read_bytes)
        return await self._read(document.file.name, data, form)

    async def _read(self, name: str, data: bytes, form: Literal["text", "html"]) -> str:
        """Read a document: a small one here, a large one in a process of its own.

        Regular expressions hold Python's lock for as long as they take, and with it all calls.
        """
        max_mb = self.lab.settings.max_document_mb
        is_plain = PurePosixPath(name).suffix.casefold() not in HEAVY
        if len(data) < SMALL_BYTES and is_plain:
            read_here = await asyncio.to_thread(read_document, Source(name, data), max_mb)
            return as_html(read_here) if form == "html" else as_text(read_here)
        if len(data) > max_mb * 1_000_000:  # refused at once
            await asyncio.to_thread(read_document, Source(name, data), max_mb)
        with tempfile.TemporaryDirectory(prefix="sdr-lab-") as folder:
            file, target = Path(folder) / "document", Path(folder) / "text"
            await asyncio.to_thread(file.write_bytes, data)
            async with self._reading:
                await read(ReadJob(name, str(file), max_mb, form, str(target)))
            return await asyncio.to_thread(target.read_text, "utf-8")

    async def delete(self, document_id: str, force: bool = False) -> None:
        """Delete a document, and take it out of the knowledge of the agents that use it.

        Raises:
            NotFound: there is none.
            BadInput: agents use it, and not `force`.
        """
        document = await asyncio.to_thread(self.lab.documents.get, document_id)
        if document.agents and not force:
            raise BadInput(
                f"document {document_id} is used by {', '.join(document.agents)}: "
                "take it away from them, or delete it with force=true"
            )
        for agent_id in document.agents:
            await self.detach(document_id, agent_id)
        await asyncio.to_thread(self.lab.documents.delete, document_id)

    # ---- agents

    async def attach(self, document_id: str, agent_id: str) -> IndexState:
        """Give a document to an agent; it is read in behind the call. Doing so twice is fine.

        Raises:
            NotFound: no such document or agent.
        """
        agent = await asyncio.to_thread(self.lab.agent, agent_id)
        await asyncio.to_thread(self.lab.documents.get, document_id)
        await asyncio.to_thread(self.lab.documents.attach, document_id, agent.id)
        return self._enqueue(agent.id, (document_id,))[0]

    async def detach(self, document_id: str, agent_id: str) -> None:
        """Take a document away from an agent, and out of its knowledge.

        Raises:
            NotFound: no such document or agent.
        """
        document = await asyncio.to_thread(self.lab.documents.get, document_id)
        if agent_id not in document.agents:
            raise NotFound(f"agent {agent_id!r} has no document {document_id!r}: list them")
        await asyncio.to_thread(self.lab.documents.detach, document_id, agent_id)
        self._states.pop((document_id, agent_id), None)
        async with self._lock(agent_id):  # behind a job that reads it in at this moment
            await self.bases.forget(agent_id, name_in_base(document))

    async def replace(self, agent_id: str, document_ids: Sequence[str]) -> None:
        """Make `document_ids` the documents of an agent (by its id). Raises like `attach`."""
        have = {d.id for d in await asyncio.to_thread(self.lab.documents.of, agent_id)}
        for document_id in document_ids:  # an unknown one is noticed before anything is changed
            await asyncio.to_thread(self.lab.documents.get, document_id)
        for document_id in document_ids:
            if document_id not in have:
                await self.attach(document_id, agent_id)
        for document_id in have - set(document_ids):
            await self.detach(document_id, agent_id)

    async def reindex(self, agent_id: str, document_id: str = "") -> list[IndexState]:
        """Read an agent's documents (or one) in again, without a gap in its answers.

        Raises:
            NotFound: no such agent, or it does not have that document.
        """
        agent = await asyncio.to_thread(self.lab.agent, agent_id)
        documents = await asyncio.to_thread(self.lab.documents.of, agent.id)
        ids = tuple(d.id for d in documents if document_id in ("", d.id))
        if document_id and not ids:
            raise NotFound(f"agent {agent.id} has no document {document_id!r}: list them")
        return self._enqueue(agent.id, ids)

    async def states(self, agent_id: str, documents: Sequence[Document]) -> list[IndexState]:
        """Return how far documents are; those of an earlier start are looked up in the base."""
        names: dict[str, int] | None = None
        found = []
        for document in documents:
            state = self._states.get((document.id, agent_id))
            if state is None:
                names = await self.bases.names(agent_id) if names is None else names
                inside = name_in_base(document) in names
                state = (
                    IndexState(document.id, agent_id, IndexStatus.SUCCEEDED, 100.0)
                    if inside
                    else IndexState(document.id, agent_id, IndexStatus.CREATED)
                )
            found.append(state)
        return found

    # ---- work

    def _enqueue(self, agent_id: str, document_ids: tuple[str, ...]) -> list[IndexState]:
        states = [IndexState(id, agent_id, IndexStatus.CREATED) for id in document_ids]
        self._states.update({(state.document_id, agent_id): state for state in states})
        if document_ids:
            self._queue.append((agent_id, document_ids))
            self._work.set()
        return states

    async def run(self) -> None:
        """Read in what waits, one job at a time, until cancelled."""
        await self.take_up()
        while True:
            await self._work.wait()
            self._work.clear()
            await self.work_off()

    async def take_up(self) -> None:
        """Queue what an earlier start has left undone."""
        for entry in await asyncio.to_thread(self.lab.agents.list):
            agent_id = entry.agent.id
            documents = await asyncio.to_thread(self.lab.documents.of, agent_id)
            missing = [
                state.document_id
                for state in await self.states(agent_id, documents)
                if state.status is IndexStatus.CREATED
                and (state.document_id, agent_id) not in self._states
            ]
            self._enqueue(agent_id, tuple(missing))

    async def work_off(self) -> None:
        """Read in all that waits."""
        while self._queue:
            await self._do(*self._next_job())

    def _next_job(self) -> tuple[str, tuple[str, ...]]:
        """Take the first agent of the queue, with all that waits for it: most of a job is the
        start of its process."""
        agent_id = self._queue[0][0]
        ids = dict.fromkeys(id for agent, job in self._queue if agent == agent_id for id in job)
        self._queue = deque(entry for entry in self._queue if entry[0] != agent_id)
        return agent_id, tuple(ids)

    async def _do(self, agent_id: str, document_ids: tuple[str, ...]) -> None:
        try:
            async with self._lock(agent_id):
                await self._read_in(agent_id, document_ids)
        except Exception as error:
            if len(document_ids) > 1:  # the good ones must not wait for the bad one
                for document_id in document_ids:
                    await self._do(agent_id, (document_id,))
                return
            if isinstance(error, SdrLabError):
                log.warning("knowledge of agent %s: %s", agent_id, error)
            else:
                log.exception("knowledge of agent %s", agent_id)
            told = str(error) if isinstance(error, SdrLabError) else repr(error)
            self._set(agent_id, document_ids, IndexStatus.FAILED, error=told)

    async def _read_in(self, agent_id: str, document_ids: tuple[str, ...]) -> None:
        documents = await asyncio.to_thread(self._still_wanted, agent_id, document_ids)
        if not documents:
            return
        self._set(agent_id, document_ids, IndexStatus.PROCESSING)

        def progress(step: str, done: int, total: int) -> None:
            share = done / max(1, total)
            percent = 10 * share if step == "reading" else 10 + 85 * share
            self._set(agent_id, document_ids, IndexStatus.PROCESSING, round(percent, 1))

        if shipped := await self.bases.unread(agent_id):  # nobody has called this agent yet
            await self._ingest(self._job(*shipped), lambda *_: None)
        own = await self.bases.own(agent_id)
        files = tuple((name_in_base(d), str(d.file.absolute())) for d in documents)
        await self._ingest(self._job(own, files), progress)
        await self.bases.use(agent_id, own)
        self._set(agent_id, document_ids, IndexStatus.SUCCEEDED, 100.0)

    def _job(self, base: str, files: tuple[tuple[str, str], ...]) -> IngestJob:
        settings = self.lab.settings
        return IngestJob(
            home=str((self.lab.home / "knowledge").absolute()),
            embed_model=settings.embed_model,
            base=base,
            documents=files,
            chunk_size=settings.chunk_size,
            max_document_mb=settings.max_document_mb,
        )

    def _still_wanted(self, agent_id: str, document_ids: tuple[str, ...]) -> list[Document]:
        mine = {document.id: document for document in self.lab.documents.of(agent_id)}
        return [mine[id] for id in document_ids if id in mine]

    def _set(
        self,
        agent_id: str,
        document_ids: tuple[str, ...],
        status: IndexStatus,
        progress: float = 0.0,
        error: str = "",
    ) -> None:
        for id in document_ids:
            if (id, agent_id) in self._states:  # else: taken away meanwhile
                self._states[id, agent_id] = IndexState(id, agent_id, status, progress, error)

    def _lock(self, agent_id: str) -> asyncio.Lock:
        return self._changing.setdefault(agent_id, asyncio.Lock())

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()
