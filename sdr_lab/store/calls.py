"""The index of all calls. The truth of a call is its folder; this finds it."""

from __future__ import annotations

import builtins
import secrets
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import Agent, CallConfig
from sdr_lab.store.call_folders import Reindexed, call_folders, rename, this_process
from sdr_lab.store.call_index import CallIndex, erase
from sdr_lab.store.call_rows import (
    ANY,
    CallFilter,
    conversation_of,
    filtered,
    find,
)
from sdr_lab.store.call_status import Report, StatusChange, merged
from sdr_lab.store.call_turns import message_counts, turn_metrics
from sdr_lab.store.cursor import read_cursor, write_cursor
from sdr_lab.store.database import Database
from sdr_lab.store.export import export_folder
from sdr_lab.store.folder import Conversation, Status, TurnsOf, read_folder
from sdr_lab.store.models import ConversationRow

MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list of calls, newest first."""

    calls: tuple[Conversation, ...]
    next_cursor: str
    """For the next page; empty on the last one."""


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
        self._index = CallIndex(database, calls_dir, turns_of)

    # ---- a call's life

    def create(
        self,
        agent: Agent,
        phone_number: str = "",
        direction: str = "outbound",
        variables: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        overrides: Mapping[str, Any] | None = None,
        line: str = "twilio",
        agent_number: str = "",
        call_sid: str = "",
    ) -> Conversation:
        """Make the row of a call that is about to be dialled or answered (status `initiated`).

        Raises:
            Conflict: another conversation has this call SID.
        """
        conversation = Conversation(
            id=new_conversation_id(),
            agent_id=agent.id,
            agent_name=agent.name,
            agent_version=agent.version,
            status=Status.INITIATED,
            started_at=datetime.now(UTC),
            call_sid=call_sid or None,
            direction=direction,
            line=line,
            phone_number=phone_number,
            agent_number=agent_number,
            variables=dict(variables or {}),
            overrides=dict(overrides or {}),
            metadata=dict(metadata or {}),
        )
        return self._index.put(conversation, this_process())

    def start(self, config: CallConfig) -> Conversation:
        """Note that a call is in progress; makes its row unless `create` has.

        What `create` noted and the configuration does not say stays: numbers, SID, metadata,
        overrides, variables.

        Raises:
            Conflict: another conversation has this call SID.
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
        return self._index.put(conversation, this_process())

    def add_from_folder(self, path: Path) -> Conversation:
        """Index a call folder, or index it anew. It stays where it is.

        What the phone network, analysis and people have noted of the call stays.

        Raises:
            BadInput: it holds no call, or another folder holds a call of the same id.
        """
        return self._index.put(read_folder(path.absolute(), self.turns_of))

    # ---- what others say of a call

    def set_call_sid(self, key: str, call_sid: str) -> None:
        """Note the phone network's name of a call. Raises like `start` and `get`."""

        def change(row: ConversationRow) -> None:
            row.call_sid = call_sid

        self._index.change(key, change, call_sid)

    def note(self, key: str, **metadata: Any) -> None:
        """Add to a call's metadata; a name that is there already gets the new value.

        Safe at the same time as any other note or report. Raises like `get`.
        """

        def change(row: ConversationRow) -> None:
            row.details = {**row.details, **metadata}

        self._index.change(key, change)

    def report(
        self,
        key: str,
        status: Status,
        *,
        at: datetime,
        sequence: int | None = None,
        reason: str = "",
        duration_s: int | None = None,
        answered_by: str = "",
    ) -> StatusChange:
        """Note what the phone network says of a call: in any order, repeated, late.

        See `call_status` for what the call's status becomes and `Report` for the arguments.

        Raises:
            NotFound: there is no such call.
            BadInput: a status that no network reports, or a time without a zone.
        """
        said = Report(status, at, sequence, reason, duration_s, answered_by)

        def change(row: ConversationRow) -> None:
            row.network = merged(row.network, said)

        return self._index.change(key, change)

    def fail(self, key: str, reason: str) -> StatusChange:
        """Note that this server could not make a call. A stream or the network may know better:
        a call that is being held, or was, has not failed, however late its dialling is answered.
        """
        return self._index.give_up(key, Status.FAILED, reason, unheld_only=True)

    def set_analysis(self, key: str, analysis: Mapping[str, Any]) -> None:
        """Keep what was found out after a call, in place of what was found before."""

        def change(row: ConversationRow) -> None:
            row.analysis = dict(analysis)

        self._index.change(key, change)

    def set_feedback(self, key: str, feedback: Literal["like", "dislike"]) -> None:
        """Keep what a person thinks of a call, as `feedback` of its metadata."""
        if feedback not in ("like", "dislike"):
            raise BadInput(f"feedback {feedback!r}, allowed: like, dislike")
        self.note(key, feedback=feedback)

    def close_broken(self) -> list[str]:
        """Close the calls that servers which are gone have left open; return their ids.

        For the start of a server, before its first call. Calls of other living processes go on.
        """
        return self._index.close_broken()

    # ---- finding

    def get(self, key: str) -> Conversation:
        """Return a call with its turns.

        Args:
            key: Conversation id or call SID.

        Raises:
            NotFound: there is no such call.
        """
        self._index.look_again(key)
        return self.database.read(
            lambda s: conversation_of(find(s, key), self.calls_dir, with_turns=True)
        )

    def list(
        self, which: CallFilter = ANY, page_size: int = 50, cursor: str = "", skip: int = 0
    ) -> Page:
        """Return calls without their turns, newest first.

        Args:
            page_size: 1..500.
            cursor: `next_cursor` of the page before.
            skip: Leave out so many of the newest (after the cursor).

        Raises:
            BadInput: a page size or a cursor that can't be.
        """
        if not 1 <= page_size <= MAX_PAGE:
            raise BadInput(f"page size {page_size}, allowed: 1..{MAX_PAGE}")
        self._index.look_again()
        query = filtered(select(ConversationRow), which)
        if cursor:
            started_at, last_id = read_cursor(cursor)
            older = ConversationRow.started_at < started_at
            same = and_(ConversationRow.started_at == started_at, ConversationRow.id < last_id)
            query = query.where(or_(older, same))
        query = query.order_by(ConversationRow.started_at.desc(), ConversationRow.id.desc())

        def work(session: Session) -> list[Conversation]:
            rows = session.scalars(query.limit(page_size + 1).offset(skip))
            return [conversation_of(row, self.calls_dir) for row in rows]

        calls = self.database.read(work)
        more = len(calls) > page_size
        calls = calls[:page_size]
        return Page(tuple(calls), write_cursor(calls[-1].started_at, calls[-1].id) if more else "")

    def count(self, which: CallFilter = ANY) -> int:
        """Return how many calls there are."""
        self._index.look_again()
        query = filtered(select(func.count()).select_from(ConversationRow), which)
        return self.database.read(lambda s: s.scalar(query) or 0)

    def message_counts(self, conversation_ids: Collection[str]) -> dict[str, int]:
        """Return how many turns with text calls have; those without any are left out."""
        return message_counts(self.database, conversation_ids)

    def turn_metrics(
        self, which: CallFilter = ANY, calls: int = 100
    ) -> tuple[int, builtins.list[Mapping[str, float]]]:
        """Return how many of the newest calls there are, up to `calls`, and what was measured of
        each turn of their agents: milliseconds by name."""
        return turn_metrics(self.database, which, calls)

    # ---- folders

    def delete(self, key: str) -> None:
        """Delete a call: its row, its folder, its tickets and the messages about it.

        Appointments and do-not-call wishes stay: they are promises to people, not parts of a call.

        Raises:
            NotFound: there is no such call.
            Conflict: it is in progress.
            StorageError: the folder can't be deleted; the call is still there.
        """
        call = self.get(key)
        if call.status is Status.IN_PROGRESS:
            raise Conflict(f"call {call.id} is in progress: end it first")
        doomed = None
        if call.folder is not None and call.folder.is_dir():
            doomed = call.folder.with_name(f".deleted-{call.folder.name}-{secrets.token_hex(4)}")
            rename(call.folder, doomed)
        try:
            self.database.write(lambda s: erase(s, [call.id]))
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
        return Reindexed(len(indexed), self._index.remove_gone(), tuple(problems))


def new_conversation_id() -> str:
    """Return a fresh id, `conv_` and 20 hexadecimal digits."""
    return f"conv_{secrets.token_hex(10)}"
