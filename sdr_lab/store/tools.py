"""Web tools of the agents."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import WebTool
from sdr_lab.store.agents import find, plain
from sdr_lab.store.database import Database
from sdr_lab.store.models import ToolRow

BUILT_IN = frozenset(
    {
        "search_knowledge_base",
        "find_free_times",
        "book_appointment",
        "note_follow_up",
        "mark_do_not_call",
        "transfer_call",
        "end_call",
    }
)
"""Names that are taken. The tools lie in a part that the store can't see; a test compares."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

FIELDS = tuple(f.name for f in dataclasses.fields(WebTool))


class ToolStore:
    """The web tools of a workspace. Methods block for about a millisecond."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, agent_id: str, tool: WebTool) -> WebTool:
        """Give an agent a tool; the result has the id.

        Args:
            agent_id: Id or name of an agent in the store.

        Raises:
            BadInput: the name has not the form of one, or the tool can't be kept as JSON.
            Conflict: the name is taken, by a tool of this agent or a built-in one.
            NotFound: there is no such agent.
        """
        if not NAME.fullmatch(tool.name):
            raise BadInput(
                f"tool name {tool.name!r}: give 1..64 of a-z, 0-9 and _, beginning with a letter"
            )
        if tool.name in BUILT_IN:
            raise Conflict(f"{tool.name!r} is a built-in tool: give another name")
        tool = dataclasses.replace(tool, id=f"tool_{secrets.token_hex(10)}")
        record = plain(tool)
        try:
            json.dumps(record, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BadInput(f"tool {tool.name!r} can't be stored: {error}") from error

        def work(session: Session) -> None:
            session.add(
                ToolRow(
                    id=tool.id,
                    agent_id=find(session, agent_id).id,
                    name=tool.name,
                    record=record,
                    created_at=datetime.now(UTC),
                )
            )

        try:
            self.database.write(work)
        except IntegrityError as error:
            raise Conflict(
                f"agent {agent_id!r} has a tool {tool.name!r} already: delete it, or give another "
                "name"
            ) from error
        return tool

    def of(self, agent_id: str) -> list[WebTool]:
        """Return the tools of an agent (by its id), oldest first."""
        query = (
            select(ToolRow)
            .where(ToolRow.agent_id == agent_id)
            .order_by(ToolRow.created_at, ToolRow.id)
        )
        return self.database.read(lambda s: [tool_of(row) for row in s.scalars(query)])

    def get(self, tool_id: str) -> tuple[str, WebTool]:
        """Return the id of a tool's agent, and the tool.

        Raises:
            NotFound: there is no such tool.
        """

        def work(session: Session) -> tuple[str, WebTool]:
            row = session.get(ToolRow, tool_id)
            if row is None:
                raise NotFound(f"there is no tool {tool_id!r}")
            return row.agent_id, tool_of(row)

        return self.database.read(work)

    def delete(self, agent_id: str, tool_id: str) -> None:
        """Take a tool away from an agent.

        Raises:
            NotFound: the agent has no such tool.
        """

        def work(session: Session) -> None:
            row = session.get(ToolRow, tool_id)
            if row is None or row.agent_id != agent_id:
                raise NotFound(f"agent {agent_id!r} has no tool {tool_id!r}")
            session.delete(row)

        self.database.write(work)


def tool_of(row: ToolRow) -> WebTool:
    """Return the tool of a row. Fields that this sdr_lab does not know are left out."""
    return WebTool(**{name: row.record[name] for name in FIELDS if name in row.record})
