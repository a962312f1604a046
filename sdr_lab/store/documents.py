"""Knowledge documents as they were given: name, original file, and which agents use them."""

from __future__ import annotations

import builtins
import os
import re
import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from sdr_lab.errors import BadInput, NotFound, StorageError, reason_of
from sdr_lab.store.agents import find as find_agent
from sdr_lab.store.cursor import read_cursor, write_cursor
from sdr_lab.store.database import Database
from sdr_lab.store.models import DocumentAgentRow, DocumentRow

DocumentType = Literal["file", "text", "url"]

TYPES = ("file", "text", "url")

MAX_PAGE = 500

MAX_FILE_NAME_BYTES = 200
"""File systems allow 255."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the knowledge base."""

    id: str
    """`doc_…`."""
    name: str
    """As it is shown; `rename` changes it."""
    type: DocumentType
    source_url: str
    """Where it was fetched from; empty unless `type` is `url`."""
    size_bytes: int
    file: Path
    """What was given, byte for byte; the ending is that of the name it came with."""
    created_at: datetime
    updated_at: datetime
    agents: tuple[str, ...]
    """Ids of the agents that use it, sorted."""


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A part of a list of documents, newest first."""

    documents: tuple[Document, ...]
    next_cursor: str
    """For the next page; empty on the last one."""


class DocumentStore:
    """The documents of a workspace.

    Methods block for milliseconds, `create` and `delete` as long as the disk needs for the file.

    Args:
        home: The workspace; files are kept as `<home>/documents/<id>/<name>`.
    """

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.folder = home / "documents"

    def create(self, name: str, type: DocumentType, data: bytes, source_url: str = "") -> Document:
        """Keep a document; it is there as a whole or not at all.

        Args:
            name: File name; what its folder or characters could do to a disk is taken out of it.

        Raises:
            BadInput: no name, or another type.
            StorageError: it can't be written.
        """
        if not name.strip():
            raise BadInput("a document needs a name: got an empty one")
        if type not in TYPES:
            raise BadInput(f"document type {type!r}, allowed: {', '.join(TYPES)}")
        now = datetime.now(UTC)
        row = DocumentRow(
            id=f"doc_{secrets.token_hex(10)}",
            name=name,
            type=type,
            source_url=source_url,
            size_bytes=len(data),
            file_name=safe_file_name(name),
            created_at=now,
            updated_at=now,
        )
        folder = self.folder / row.id
        try:
            write_whole(folder, row.file_name, data)
            self.database.write(lambda s: s.add(row))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self.get(row.id)

    def get(self, document_id: str) -> Document:
        """Return a document.

        Raises:
            NotFound: there is none of this id.
        """
        return self.database.read(lambda s: self._document_of(find(s, document_id)))

    def list(
        self,
        page_size: int = 50,
        cursor: str = "",
        search: str = "",
        types: Collection[str] = (),
        agent_id: str = "",
    ) -> DocumentPage:
        """Return documents, newest first.

        Args:
            page_size: 1..500.
            search: A part of the name, in any case.
            types: Only of these types; empty: of all.
            agent_id: Only those that this agent uses.

        Raises:
            BadInput: a page size, type or cursor that can't be.
        """
        if not 1 <= page_size <= MAX_PAGE:
            raise BadInput(f"page size {page_size}, allowed: 1..{MAX_PAGE}")
        odd = sorted(set(types) - set(TYPES))
        if odd:
            raise BadInput(f"document type {odd[0]!r}, allowed: {', '.join(TYPES)}")
        row = DocumentRow
        query = select(row).order_by(row.created_at.desc(), row.id.desc()).limit(page_size + 1)
        if search:
            query = query.where(row.name.icontains(search, autoescape=True))
        if types:
            query = query.where(row.type.in_(types))
        if agent_id:
            query = query.where(row.agents.any(DocumentAgentRow.agent_id == agent_id))
        if cursor:
            at, last_id = read_cursor(cursor)
            same = and_(row.created_at == at, row.id < last_id)
            query = query.where(or_(row.created_at < at, same))
        found = self._all(query)
        page, more = found[:page_size], len(found) > page_size
        return DocumentPage(
            tuple(page), write_cursor(page[-1].created_at, page[-1].id) if more else ""
        )

    def rename(self, document_id: str, name: str) -> Document:
        """Change the name that is shown; the file keeps its own. Raises like `create` and `get`."""
        if not name.strip():
            raise BadInput("a document needs a name: got an empty one")

        def work(session: Session) -> Document:
            row = find(session, document_id)
            row.name, row.updated_at = name, datetime.now(UTC)
            return self._document_of(row)

        return self.database.write(work)

    def delete(self, document_id: str) -> None:
        """Delete a document with its file; agents lose it.

        Raises:
            NotFound: there is none of this id.
            StorageError: the row can't be deleted; the document is still there.
        """
        self.database.write(lambda s: s.delete(find(s, document_id)))
        shutil.rmtree(self.folder / document_id, ignore_errors=True)

    def attach(self, document_id: str, agent_id: str) -> None:
        """Give a document to an agent; nothing changes when it has it already.

        Args:
            agent_id: Id or name of an agent in the store.

        Raises:
            NotFound: no such document or agent.
        """

        def work(session: Session) -> None:
            row = find(session, document_id, lock=True)
            agent = find_agent(session, agent_id).id
            if agent not in (known.agent_id for known in row.agents):
                row.agents.append(DocumentAgentRow(document_id=row.id, agent_id=agent))

        self.database.write(work)

    def detach(self, document_id: str, agent_id: str) -> None:
        """Take a document away from an agent (by its id); nothing changes when it has it not.

        Raises:
            NotFound: no such document.
        """

        def work(session: Session) -> None:
            row = find(session, document_id, lock=True)
            row.agents = [known for known in row.agents if known.agent_id != agent_id]

        self.database.write(work)

    def of(self, agent_id: str) -> builtins.list[Document]:
        """Return the documents that an agent (by its id) uses, oldest first."""
        row = DocumentRow
        mine = row.agents.any(DocumentAgentRow.agent_id == agent_id)
        return self._all(select(row).where(mine).order_by(row.created_at, row.id))

    def _all(self, query: Select[Any]) -> builtins.list[Document]:
        query = query.options(selectinload(DocumentRow.agents))
        return self.database.read(lambda s: [self._document_of(row) for row in s.scalars(query)])

    def _document_of(self, row: DocumentRow) -> Document:
        return Document(
            id=row.id,
            name=row.name,
            type=row.type,  # type: ignore[arg-type]
            source_url=row.source_url,
            size_bytes=row.size_bytes,
            file=self.folder / row.id / row.file_name,
            created_at=row.created_at,
            updated_at=row.updated_at,
            agents=tuple(known.agent_id for known in row.agents),
        )


def find(session: Session, document_id: str, lock: bool = False) -> DocumentRow:
    row = session.get(DocumentRow, document_id, with_for_update=lock)
    if row is None:
        raise NotFound(f"no document {document_id!r}: list them to see their ids")
    return row


def safe_file_name(name: str) -> str:
    """Return a name that is one file in its folder on every system; the ending stays.

    >>> safe_file_name("../../etc/pass:wd.TXT")
    'pass_wd.TXT'
    """
    base = re.split(r"[/\\]", name.strip())[-1]
    base = re.sub(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]', "_", base).strip(" .")
    stem, suffix = os.path.splitext(base)
    suffix = suffix.encode()[:20].decode(errors="ignore")
    room = MAX_FILE_NAME_BYTES - len(suffix.encode())
    stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}{suffix}" if stem else f"document{suffix}"


def write_whole(folder: Path, name: str, data: bytes) -> None:
    """Write a file in a new folder.

    Raises:
        StorageError: it can't be written.
    """
    part = folder / f".{secrets.token_hex(4)}.part"
    try:
        folder.mkdir(parents=True)
        part.write_bytes(data)
        os.replace(part, folder / name)
    except OSError as error:
        raise StorageError(f"can't keep the document {name}: {reason_of(error)}") from error
