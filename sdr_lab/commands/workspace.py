"""Opening the parts of a workspace for a command, and closing them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdr_lab.config import Settings
    from sdr_lab.knowledge.index import Knowledge
    from sdr_lab.store.agents import AgentStore
    from sdr_lab.store.calls import CallStore


@contextmanager
def agent_store(settings: Settings) -> Iterator[AgentStore]:
    """Open the agents of the workspace."""
    from sdr_lab.store.agents import AgentStore
    from sdr_lab.store.database import open_database

    database = open_database(settings.sdr_lab_home, settings.database_url)
    try:
        yield AgentStore(database)
    finally:
        database.close()


@contextmanager
def call_store(settings: Settings) -> Iterator[CallStore]:
    """Open the calls of the workspace."""
    from sdr_lab.store.calls import CallStore
    from sdr_lab.store.database import open_database
    from sdr_lab.trace.turns import turns_of

    database = open_database(settings.sdr_lab_home, settings.database_url)
    try:
        yield CallStore(database, settings.sdr_lab_home / "calls", turns_of)
    finally:
        database.close()


def knowledge_of(settings: Settings) -> Knowledge:
    """Return the knowledge bases of the workspace; the embedding loads when it is needed."""
    from sdr_lab.knowledge.embed import embedding_of
    from sdr_lab.knowledge.index import Knowledge

    return Knowledge(
        settings.sdr_lab_home / "knowledge", lambda: embedding_of(settings.embed_model)
    )
