"""The rows of the calls: written as a whole, changed in parts, and looked at again while open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.store.call_folders import is_abandoned, is_lost, is_old
from sdr_lab.store.call_rows import conversation_of, fill_row, find, new_row, turn_rows
from sdr_lab.store.call_status import (
    NO_REPORT,
    SERVER_STOPPED,
    StatusChange,
    network_status,
    settle,
)
from sdr_lab.store.database import Database
from sdr_lab.store.folder import (
    Conversation,
    Status,
    TurnsOf,
    is_running,
    read_call_json,
    read_folder,
)
from sdr_lab.store.models import AppointmentRow, ConversationRow, DeliveryRow, TicketRow, TurnRow

T = TypeVar("T")


class CallIndex:
    """Writes the rows behind a `CallStore`. Every change works the call's status out anew."""

    def __init__(self, database: Database, calls_dir: Path, turns_of: TurnsOf) -> None:
        self.database = database
        self.calls_dir = calls_dir
        self.turns_of = turns_of

    def change(
        self, key: str, change: Callable[[ConversationRow], None], call_sid: str = ""
    ) -> StatusChange:
        """Change what a row keeps, and its status with it."""

        def work(session: Session) -> StatusChange:
            row = find(session, key, lock=True)
            before = Status(row.status)
            change(row)
            settle(row)
            return StatusChange(row.id, before, Status(row.status))

        return self._write_unique(work, call_sid)

    def put(self, conversation: Conversation, process: str = "") -> Conversation:
        """Write a call over its row. What only the row knows stays.

        Args:
            process: Who has the call now; empty when a folder is read that anybody wrote.
        """
        folder = self._folder_name(conversation.folder)

        def work(session: Session) -> Conversation:
            row = session.get(ConversationRow, conversation.id, with_for_update=True)
            if row is None:
                row = new_row(conversation.id, process)
                session.add(row)
            elif row.folder not in ("", folder) and (self.calls_dir / row.folder).is_dir():
                raise BadInput(
                    f"{conversation.folder} and {self.calls_dir / row.folder} hold the same call "
                    f"{conversation.id}: delete one, or change conversation_id in its call.json"
                )
            if process:
                row.process, row.given_up = process, {}
                row.analysis = {}  # of a failure that was none: it will be judged by what was said
            fill_row(row, conversation, folder)
            settle(row)
            session.flush()
            session.execute(delete(TurnRow).where(TurnRow.conversation_id == row.id))
            session.add_all(turn_rows(conversation))
            found = conversation_of(row, self.calls_dir)
            return dataclasses.replace(found, turns=conversation.turns)

        return self._write_unique(work, conversation.call_sid or "")

    def _write_unique(self, work: Callable[[Session], T], call_sid: str) -> T:
        for is_last in (False, True):
            try:
                return self.database.write(work)
            except IntegrityError as error:
                if "call_sid" in str(error.orig):
                    taken = f"call SID {call_sid!r} belongs to another conversation"
                    raise Conflict(taken) from error
                if is_last:
                    raise  # else: another process made the row between look and write
        raise AssertionError

    def _folder_name(self, folder: Path | None) -> str:
        if folder is None:
            return ""
        inside = folder.absolute().parent == self.calls_dir.absolute()
        return folder.name if inside else str(folder.absolute())

    # ---- calls that were left open

    def open_rows(self, key: str = "") -> list[ConversationRow]:
        query = select(ConversationRow).where(
            ConversationRow.status.in_((Status.INITIATED, Status.IN_PROGRESS))
        )
        if key:
            query = query.where(or_(ConversationRow.id == key, ConversationRow.call_sid == key))
        return self.database.read(lambda s: list(s.scalars(query)))

    def look_again(self, key: str = "") -> None:
        """Look again at calls (one, or all) that are said to go on: some have broken off."""
        for row in self.open_rows(key):
            with suppress(BadInput):  # being made or deleted at this moment
                if row.recorded_status:
                    self._look_at_folder(row)
                elif is_lost(row):
                    self.give_up(row.id, Status.BROKEN_OFF, NO_REPORT)

    def _look_at_folder(self, row: ConversationRow) -> None:
        folder = self.calls_dir / row.folder
        if folder.is_dir():
            if not is_running(folder, read_call_json(folder)):
                self.put(read_folder(folder, self.turns_of))
        elif network_status(row).is_over:
            self.change(row.id, believe_network)
        elif is_old(row):
            self.give_up(row.id, Status.BROKEN_OFF, "broken_off")

    def give_up(
        self, key: str, status: Status, reason: str, unheld_only: bool = False
    ) -> StatusChange:
        """Note that nothing more comes of a call.

        Args:
            unheld_only: Unless a stream of it has begun.
        """
        said = {"status": status, "reason": reason, "at": datetime.now(UTC).isoformat()}

        def change(row: ConversationRow) -> None:
            if not row.given_up and not (unheld_only and row.recorded_status):
                row.given_up = said

        return self.change(key, change)

    def close_broken(self) -> list[str]:
        """Close the calls of dead processes; see `CallStore.close_broken`."""
        closed = []
        for row in self.open_rows():
            folder = self.calls_dir / row.folder if row.folder else None
            if not is_abandoned(row, folder):
                continue
            with suppress(NotFound):  # deleted at this moment
                if not self.give_up(row.id, Status.BROKEN_OFF, SERVER_STOPPED).ends_call:
                    continue
                closed.append(row.id)
                if folder is not None:
                    with suppress(BadInput):  # no folder, or a damaged one
                        self.put(read_folder(folder, self.turns_of, may_run=False))
        return closed

    def remove_gone(self) -> int:
        def work(session: Session) -> int:
            rows = session.execute(
                select(ConversationRow.id, ConversationRow.folder, ConversationRow.started_at)
            )
            gone = [
                row.id
                for row in rows
                if row.folder and not (self.calls_dir / row.folder).is_dir() and is_old(row)
            ]
            erase(session, gone)
            return len(gone)

        return self.database.write(work)


def believe_network(row: ConversationRow) -> None:
    """Count a call as one without a folder."""
    row.recorded_status = ""


def erase(session: Session, conversation_ids: Collection[str]) -> None:
    """Delete rows of calls and all that is about them alone.

    An appointment stays, without the file that lay in the call's folder.
    """
    rows = session.scalars(select(ConversationRow).where(ConversationRow.id.in_(conversation_ids)))
    for row in list(rows):
        made = select(AppointmentRow).where(AppointmentRow.conversation_id == row.id)
        for appointment in session.scalars(made):
            if row.folder and Path(appointment.ics_path).parent.name == Path(row.folder).name:
                appointment.ics_path = ""
        for table in (TicketRow, DeliveryRow):
            session.execute(delete(table).where(table.conversation_id == row.id))
        session.delete(row)
