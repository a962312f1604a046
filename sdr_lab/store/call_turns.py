"""What lists and figures need of the turns of many calls, without reading the calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sdr_lab.store.call_rows import CallFilter, filtered
from sdr_lab.store.database import Database
from sdr_lab.store.models import ConversationRow, TurnRow


def message_counts(database: Database, conversation_ids: Collection[str]) -> dict[str, int]:
    """Return how many turns with text each call has; calls without any are left out."""
    query = (
        select(TurnRow.conversation_id, func.count())
        .where(TurnRow.conversation_id.in_(conversation_ids), TurnRow.text != "")
        .group_by(TurnRow.conversation_id)
    )
    return database.read(lambda s: {row[0]: row[1] for row in s.execute(query)})


def turn_metrics(
    database: Database, which: CallFilter, calls: int
) -> tuple[int, list[Mapping[str, float]]]:
    """Return how many calls were looked at, the newest first, and what was measured of each of
    their agents' turns: milliseconds by name."""
    newest = (
        filtered(select(ConversationRow.id), which)
        .order_by(ConversationRow.started_at.desc(), ConversationRow.id.desc())
        .limit(calls)
    )

    def work(session: Session) -> tuple[int, list[Mapping[str, float]]]:
        ids = list(session.scalars(newest))
        query = select(TurnRow.metrics).where(
            TurnRow.conversation_id.in_(ids), TurnRow.role == "agent"
        )
        return len(ids), list(session.scalars(query))

    return database.read(work)
