"""Agents and every version of them."""

from __future__ import annotations

import dataclasses
import difflib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import Agent, Playbook
from sdr_lab.store.database import Database
from sdr_lab.store.models import (
    AgentRow,
    AgentVersionRow,
    DocumentAgentRow,
    PhoneNumberRow,
    ToolRow,
    WebhookRow,
)

FIELDS = tuple(f.name for f in dataclasses.fields(Agent))
GIVEN = ("id", "version")
"""Fields that the store sets."""


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """An agent with what the store knows about it."""

    agent: Agent
    user_id: str | None
    created_at: datetime
    updated_at: datetime
    is_active: bool
    """False once deleted."""


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """An agent at one version, and who made it so."""

    agent: Agent
    author: str
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs between two versions."""

    field: str
    old: Any
    new: Any

    def lines(self) -> list[str]:
        """Return the change as lines of a unified diff, without headers."""
        old, new = (
            value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            for value in (self.old, self.new)
        )
        diff = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
        return list(diff)[2:]


class AgentStore:
    """The agents of a workspace. Every change makes a version; old versions stay as they were.

    Methods block for about a millisecond; call them in a thread from async code.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(
        self, agent: Agent, author: str = "", note: str = "", user_id: str | None = None
    ) -> Agent:
        """Keep a new agent as version 1.

        Args:
            agent: Its `version` is not used. An empty `id` gets a fresh `agent_…`.

        Raises:
            BadInput: the name is empty.
            Conflict: the id is in use (perhaps by a deleted agent).
        """
        agent = dataclasses.replace(
            agent, id=agent.id or f"agent_{secrets.token_hex(8)}", version=1
        )
        record = checked_record(agent)

        def work(session: Session) -> None:
            now = datetime.now(UTC)
            session.add(
                AgentRow(
                    id=agent.id, name=agent.name, version=1, user_id=user_id,
                    created_at=now, updated_at=now, deleted_at=None,
                )
            )  # fmt: skip
            session.flush()
            session.add(version_row(agent.id, 1, record, author, note, now))

        try:
            self.database.write(work)
        except IntegrityError as error:
            raise Conflict(
                f"agent {agent.id!r} exists already: update it, undelete it, or use another id"
            ) from error
        return agent_of(agent.id, 1, record)

    def get(self, key: str) -> Agent:
        """Return an agent as new calls see it.

        Raises:
            NotFound: no agent has this id or name, or it is deleted.
            BadInput: several agents have this name.
        """
        return self.entry(key).agent

    def entry(self, key: str, include_deleted: bool = False) -> AgentEntry:
        """Return an agent by id or name, with its dates. Raises like `get`."""
        return self.database.read(lambda s: entry_of(s, find(s, key, include_deleted)))

    def list(self, include_deleted: bool = False) -> list[AgentEntry]:
        """Return all agents, by name."""

        def work(session: Session) -> list[AgentEntry]:
            query = select(AgentRow).order_by(func.lower(AgentRow.name), AgentRow.id)
            if not include_deleted:
                query = query.where(AgentRow.deleted_at.is_(None))
            return [entry_of(session, row) for row in session.scalars(query)]

        return self.database.read(work)

    def update(
        self,
        key: str,
        changes: Mapping[str, Any],
        author: str = "",
        note: str = "",
        expected_version: int | None = None,
    ) -> Agent:
        """Change some fields; the result is a new version. No difference: no new version.

        Args:
            changes: Field of `records.Agent` → new value.
            expected_version: Refuse when somebody else has changed the agent since.

        Raises:
            NotFound: no such agent.
            BadInput: an unknown or fixed field, or an unusable value.
            Conflict: it is at another version than expected.
        """
        refused = sorted(set(changes) - (set(FIELDS) - set(GIVEN)))
        if refused:
            allowed = ", ".join(name for name in FIELDS if name not in GIVEN)
            raise BadInput(f"agent field {refused[0]!r} can't be set, allowed: {allowed}")

        def work(session: Session) -> Agent:
            row = find(session, key)
            if expected_version not in (None, row.version):
                raise Conflict(
                    f"agent {row.id!r} is at version {row.version}, not {expected_version}: "
                    "somebody else has changed it; load it again"
                )
            agent = dataclasses.replace(agent_at(session, row, row.version), **changes)
            return next_version(session, row, agent, author, note)

        return self.database.write(work)

    def save(self, agent: Agent, author: str = "", note: str = "") -> Agent:
        """Make the stored agent of this id equal to `agent`: create it, or add a version.

        Raises:
            BadInput: as `create`, or the agent is deleted.
        """
        known = self.database.read(lambda s: s.get(AgentRow, agent.id) is not None)
        if not agent.id or not known:
            try:
                return self.create(agent, author, note)
            except Conflict:  # somebody else has just saved it
                if not agent.id:  # made up, so there is nothing to update
                    raise
        changes = {name: getattr(agent, name) for name in FIELDS if name not in GIVEN}
        return self.update(agent.id, changes, author, note)

    def delete(self, key: str) -> None:
        """Hide an agent. Its versions and calls stay; `undelete` brings it back.

        Its phone numbers are nobody's then, its documents are detached, and its tools and
        webhooks are gone for good.
        """

        def work(session: Session) -> None:
            row = find(session, key)
            row.deleted_at = datetime.now(UTC)
            mine = PhoneNumberRow.agent_id == row.id
            session.execute(update(PhoneNumberRow).where(mine).values(agent_id=None))
            for table in (ToolRow, WebhookRow, DocumentAgentRow):
                session.execute(delete(table).where(table.agent_id == row.id))

        self.database.write(work)

    def undelete(self, key: str) -> Agent:
        """Bring a deleted agent back."""

        def work(session: Session) -> Agent:
            row = find(session, key, include_deleted=True)
            row.deleted_at = None
            return agent_at(session, row, row.version)

        return self.database.write(work)

    def restore(self, key: str, version: int, author: str = "") -> Agent:
        """Make an old version the current one, as a new version.

        Raises:
            NotFound: no such agent or version.
        """

        def work(session: Session) -> Agent:
            row = find(session, key)
            old = agent_at(session, row, version)
            return next_version(session, row, old, author, f"restored version {version}")

        return self.database.write(work)

    def at_version(self, key: str, version: int) -> Agent:
        """Return an agent as it was, deleted or not. Raises like `restore`."""
        return self.database.read(lambda s: agent_at(s, find(s, key, True), version))

    def versions(self, key: str) -> list[AgentVersion]:
        """Return all versions of an agent, newest first."""

        def work(session: Session) -> list[AgentVersion]:
            row = find(session, key, include_deleted=True)
            query = (
                select(AgentVersionRow)
                .where(AgentVersionRow.agent_id == row.id)
                .order_by(AgentVersionRow.version.desc())
            )
            return [
                AgentVersion(agent_of(row.id, v.version, v.record), v.author, v.note, v.created_at)
                for v in session.scalars(query)
            ]

        return self.database.read(work)

    def diff(self, key: str, old: int, new: int) -> list[FieldChange]:
        """Return the fields that differ between two versions, in the order of the record."""
        before, after = (plain(self.at_version(key, v)) for v in (old, new))
        return [
            FieldChange(name, before[name], after[name])
            for name in FIELDS
            if name not in GIVEN and before[name] != after[name]
        ]


def find(session: Session, key: str, include_deleted: bool = False) -> AgentRow:
    """Return the row of an id or a name; the id wins."""
    row = session.get(AgentRow, key)
    if row is not None and (include_deleted or row.deleted_at is None):
        return row
    query = select(AgentRow).where(func.lower(AgentRow.name) == key.lower())
    if not include_deleted:
        query = query.where(AgentRow.deleted_at.is_(None))
    rows = list(session.scalars(query.order_by(AgentRow.id)))
    if len(rows) > 1:
        ids = ", ".join(row.id for row in rows)
        raise BadInput(f"{len(rows)} agents are named {key!r}: use one of the ids {ids}")
    if rows:
        return rows[0]
    if row is not None:
        raise NotFound(f"agent {key!r} is deleted: undelete it first")
    known = session.scalars(
        select(AgentRow.id).where(AgentRow.deleted_at.is_(None)).order_by(AgentRow.id).limit(8)
    )
    listed = ", ".join(known) or "none yet"
    raise NotFound(f"no agent has the id or name {key!r}, there are: {listed}")


def known_id(session: Session, key: str | None) -> str | None:
    """Return the id of the agent of an id or name, None for none. Raises like `find`."""
    return find(session, key).id if key else None


def entry_of(session: Session, row: AgentRow) -> AgentEntry:
    return AgentEntry(
        agent=agent_at(session, row, row.version),
        user_id=row.user_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_active=row.deleted_at is None,
    )


def agent_at(session: Session, row: AgentRow, version: int) -> Agent:
    found = session.get(AgentVersionRow, (row.id, version))
    if found is None:
        raise NotFound(f"agent {row.id!r} has no version {version}, allowed: 1..{row.version}")
    return agent_of(row.id, version, found.record)


def next_version(session: Session, row: AgentRow, agent: Agent, author: str, note: str) -> Agent:
    """Add a version behind the current one, unless nothing differs from it."""
    agent = dataclasses.replace(agent, id=row.id, version=row.version)
    record = checked_record(agent)
    if record == plain(agent_at(session, row, row.version)):
        return agent
    last = session.scalar(
        select(func.max(AgentVersionRow.version)).where(AgentVersionRow.agent_id == row.id)
    )
    row.version = (last or 0) + 1
    row.name = agent.name
    row.updated_at = datetime.now(UTC)
    record["version"] = row.version
    session.add(version_row(row.id, row.version, record, author, note, row.updated_at))
    return agent_of(row.id, row.version, record)


def version_row(
    agent_id: str, version: int, record: dict[str, Any], author: str, note: str, at: datetime
) -> AgentVersionRow:
    return AgentVersionRow(
        agent_id=agent_id, version=version, record=record, author=author, note=note, created_at=at
    )


def checked_record(agent: Agent) -> dict[str, Any]:
    """Return an agent as JSON can keep it."""
    if not agent.name.strip():
        raise BadInput("an agent needs a name: got an empty one")
    record = plain(agent)
    try:
        json.dumps(record, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput(f"agent {agent.name!r} can't be stored: {error}") from error
    return record


def plain(value: Any) -> Any:
    """Return dataclasses and mappings as dicts, tuples as lists, all the way down."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def agent_of(agent_id: str, version: int, record: Mapping[str, Any]) -> Agent:
    """Return the agent of a record. Fields that this sdr_lab does not know are left out."""
    values = {name: frozen(record[name]) for name in FIELDS if name in record}
    book = values.get("playbook") or {}
    names = {f.name for f in dataclasses.fields(Playbook)}
    values["playbook"] = Playbook(**{key: book[key] for key in book if key in names})
    return Agent(**values | {"id": agent_id, "version": version})


def frozen(value: Any) -> Any:
    """Return lists as tuples, all the way down: the reverse of `plain`."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value
