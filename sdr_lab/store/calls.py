"""The index of all calls. The truth of a call is its folder; this finds it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, NotFound, StorageError
from sdr_lab.records import Agent, CallConfig
from sdr_lab.store.call_rows import (
    ANY,
    CallFilter,
    conversation_of,
    fill_row,
    filtered,
    find,
    new_row,
    read_cursor,
    turn_rows,
    write_cursor,
)
from sdr_lab.store.database import Database
from sdr_lab.store.export import export_folder
from sdr_lab.store.folder import (
    FRESH_S,
    Conversation,
    Status,
    TurnsOf,
    is_running,
    read_call_json,
    read_folder,
)
from sdr_lab.store.models import ConversationRow, TurnRow

MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list of calls, newest first."""

    calls: tuple[Conversation, ...]
    next_cursor: str
    """For the next page; empty on the last one."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a reindex did."""

    indexed: int
    removed: int
    """Rows whose folder is gone."""
    problems: tuple[str, ...]
    """One line per folder that could not be read."""


class CallStore:
    """The calls of a workspace.

    Methods block for milliseconds (`reindex`, `export`, `delete` longer); call them in a thread
    from async code.

    Args:
        calls_dir: Where call folders are made, `<home>/calls`.
        turns_of: Reads the turns of a call from its events; `trace.turns.turns_of`.
    """

    def __init__(self, database: Database, calls_dir: Path, turns_of: TurnsOf) -> None:
        self.database = database
        self.calls_dir = calls_dir
        self.turns_of = turns_of

    # ---- a call's life

    def create(
        self,
        agent: Agent,
        phone_number: str = "",
        direction: str = "outbound",
        variables: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Conversation:
        """Make the row of a call that is about to be dialled (status `initiated`)."""
        conversation = Conversation(
            id=new_conversation_id(),
            agent_id=agent.id,
            agent_name=agent.name,
            agent_version=agent.version,
            status=Status.INITIATED,
            started_at=datetime.now(UTC),
            direction=direction,
            phone_number=phone_number,
            variables=dict(variables or {}),
            metadata=dict(metadata or {}),
        )
        self._put(conversation)
        return conversation

    def start(self, config: CallConfig) -> Conversation:
        """Note that a call is in progress; makes its row unless `create` has.

        Raises:
            BadInput: another conversation has this call SID.
        """
        conversation = Conversation(
            id=config.conversation_id,
            agent_id=config.agent.id,
            agent_name=config.agent.name,
            agent_version=config.agent.version,
            status=Status.IN_PROGRESS,
            started_at=datetime.fromisoformat(config.started_at)
            if config.started_at
            else datetime.now(UTC),
            call_sid=config.call_sid or None,
            direction=config.direction,
            line=config.line,
            phone_number=config.caller_number,
            stt=config.stt,
            llm=config.llm,
            tts=config.tts,
            variables=dict(config.variables),
            folder=self.calls_dir / config.conversation_id,
        )
        self._put(conversation)
        return conversation

    def set_call_sid(self, key: str, call_sid: str) -> None:
        """Note the phone network's name of a call. Raises like `start` and `get`."""

        def work(session: Session) -> None:
            find(session, key).call_sid = call_sid

        self._write_unique(work, call_sid)

    def fail(self, key: str, reason: str) -> None:
        """Note that a call never came about or broke down."""

        def work(session: Session) -> None:
            row = find(session, key)
            row.status, row.ended_reason = Status.FAILED, reason
            row.ended_at = datetime.now(UTC)

        self.database.write(work)

    def add_from_folder(self, path: Path) -> Conversation:
        """Index a call folder, or index it anew. It stays where it is.

        Raises:
            BadInput: it holds no call, or another folder holds a call of the same id.
        """
        conversation = read_folder(path.absolute(), self.turns_of)
        self._put(conversation)
        return conversation

    # ---- finding

    def get(self, key: str) -> Conversation:
        """Return a call with its turns.

        Args:
            key: Conversation id or call SID.

        Raises:
            NotFound: there is no such call.
        """
        self._settle()
        return self.database.read(
            lambda s: conversation_of(find(s, key), self.calls_dir, with_turns=True)
        )

    def list(self, which: CallFilter = ANY, page_size: int = 50, cursor: str = "") -> Page:
        """Return calls without their turns, newest first.

        Args:
            page_size: 1..500.
            cursor: `next_cursor` of the page before.

        Raises:
            BadInput: a page size or a cursor that can't be.
        """
        if not 1 <= page_size <= MAX_PAGE:
            raise BadInput(f"page size {page_size}, allowed: 1..{MAX_PAGE}")
        self._settle()
        query = filtered(select(ConversationRow), which)
        if cursor:
            started_at, last_id = read_cursor(cursor)
            older = ConversationRow.started_at < started_at
            same = and_(ConversationRow.started_at == started_at, ConversationRow.id < last_id)
            query = query.where(or_(older, same))
        query = query.order_by(ConversationRow.started_at.desc(), ConversationRow.id.desc())

        def work(session: Session) -> list[Conversation]:
            rows = session.scalars(query.limit(page_size + 1))
            return [conversation_of(row, self.calls_dir) for row in rows]

        calls = self.database.read(work)
        more = len(calls) > page_size
        calls = calls[:page_size]
        return Page(tuple(calls), write_cursor(calls[-1]) if more else "")

    def count(self, which: CallFilter = ANY) -> int:
        """Return how many calls there are."""
        self._settle()
        query = filtered(select(func.count()).select_from(ConversationRow), which)
        return self.database.read(lambda s: s.scalar(query) or 0)

    # ---- folders

    def delete(self, key: str) -> None:
        """Delete a call: its row and its folder.

        Raises:
            NotFound: there is no such call.
            BadInput: it is in progress.
            StorageError: the folder can't be deleted; the call is still there.
        """
        call = self.get(key)
        if call.status is Status.IN_PROGRESS:
            raise BadInput(f"call {call.id} is in progress: end it first")
        doomed = None
        if call.folder is not None and call.folder.is_dir():
            doomed = call.folder.with_name(f".deleted-{call.folder.name}-{secrets.token_hex(4)}")
            rename(call.folder, doomed)
        try:
            self.database.write(lambda s: s.delete(find(s, call.id)))
        except Exception:
            if doomed is not None and call.folder is not None:
                rename(doomed, call.folder)
            raise
        if doomed is not None:
            shutil.rmtree(doomed, ignore_errors=True)  # what stays is hidden; reindex tries again

    def export(self, key: str, target: Path) -> Path:
        """Copy a call: as a zip file when `target` ends in `.zip`, else as a folder.

        Raises:
            NotFound: there is no such call, or its folder is gone.
            BadInput: `target` exists already.
            StorageError: it can't be written; nothing is left of it.
        """
        call = self.get(key)
        if call.folder is None or not call.folder.is_dir():
            raise NotFound(f"call {call.id} has no folder: nothing was recorded")
        if target.exists():
            raise BadInput(f"{target} exists already: give a path that does not")
        export_folder(call.folder, target)
        return target

    def reindex(self, calls_dir: Path | None = None) -> Reindexed:
        """Make the index say what the call folders say.

        Rows of calls that were never answered stay, since no folder can tell of them.

        Raises:
            NotFound: `calls_dir` is no folder.
        """
        if calls_dir is not None and not calls_dir.is_dir():
            raise NotFound(f"{calls_dir}: no such folder; give one that holds call folders")
        indexed, problems = set[str](), list[str]()
        for path in call_folders(calls_dir or self.calls_dir):
            try:
                indexed.add(self.add_from_folder(path).id)
            except BadInput as error:
                problems.append(str(error))
        return Reindexed(len(indexed), self._remove_gone(), tuple(problems))

    def _remove_gone(self) -> int:
        def work(session: Session) -> int:
            rows = session.execute(
                select(ConversationRow.id, ConversationRow.folder, ConversationRow.started_at)
            )
            gone = [
                row.id
                for row in rows
                if row.folder and not (self.calls_dir / row.folder).is_dir() and is_old(row)
            ]
            session.execute(delete(ConversationRow).where(ConversationRow.id.in_(gone)))
            return len(gone)

        return self.database.write(work)

    def _settle(self) -> None:
        """Look again at calls that are said to be in progress: some have broken off."""
        query = select(ConversationRow).where(ConversationRow.status == Status.IN_PROGRESS)
        rows = self.database.read(lambda s: list(s.scalars(query)))
        for row in rows:
            folder = self.calls_dir / row.folder
            if not folder.is_dir():
                if is_old(row):
                    self._break_off(row.id)
                continue
            with suppress(BadInput):  # being made at this moment
                if not is_running(folder, read_call_json(folder)):
                    self._put(read_folder(folder, self.turns_of))

    def _break_off(self, conversation_id: str) -> None:
        def work(session: Session) -> None:
            row = session.get(ConversationRow, conversation_id)
            if row is not None and row.status == Status.IN_PROGRESS:
                row.status, row.ended_reason = Status.BROKEN_OFF, "broken_off"

        self.database.write(work)

    # ---- rows

    def _put(self, conversation: Conversation) -> None:
        """Write a call over its row. What only the row knows (SID, metadata) stays."""
        folder = self._folder_name(conversation.folder)

        def work(session: Session) -> None:
            row = session.get(ConversationRow, conversation.id)
            if row is None:
                row = new_row(conversation.id)
                session.add(row)
            elif row.folder not in ("", folder) and (self.calls_dir / row.folder).is_dir():
                raise BadInput(
                    f"{conversation.folder} and {self.calls_dir / row.folder} hold the same call "
                    f"{conversation.id}: delete one, or change conversation_id in its call.json"
                )
            fill_row(row, conversation, folder)
            session.flush()
            session.execute(delete(TurnRow).where(TurnRow.conversation_id == row.id))
            session.add_all(turn_rows(conversation))

        self._write_unique(work, conversation.call_sid or "")

    def _write_unique(self, work: Callable[[Session], None], call_sid: str) -> None:
        try:
            self.database.write(work)
        except IntegrityError as error:
            if "call_sid" not in str(error.orig):
                raise
            raise BadInput(f"call SID {call_sid!r} belongs to another conversation") from error

    def _folder_name(self, folder: Path | None) -> str:
        if folder is None:
            return ""
        inside = folder.absolute().parent == self.calls_dir.absolute()
        return folder.name if inside else str(folder.absolute())


def new_conversation_id() -> str:
    """Return a fresh id, `conv_` and 20 hexadecimal digits."""
    return f"conv_{secrets.token_hex(10)}"


def is_old(row: Any) -> bool:
    """Say whether a call began so long ago that its folder must be there."""
    return (datetime.now(UTC) - row.started_at).total_seconds() > FRESH_S


def call_folders(calls_dir: Path) -> Iterator[Path]:
    """Yield the folders of calls, removing what deletes have left behind."""
    if not calls_dir.is_dir():
        return
    for path in sorted(calls_dir.iterdir()):
        if path.name.startswith(".deleted-"):
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_dir() and not path.name.startswith("."):
            yield path


def rename(path: Path, to: Path) -> None:
    try:
        os.rename(path, to)
    except OSError as error:
        raise StorageError(f"can't delete {path}: {error.strerror}") from error
