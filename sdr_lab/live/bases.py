"""Whose knowledge base is whose: an agent that is given documents gets a base of its own."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from typing import TYPE_CHECKING

from sdr_lab.errors import NotFound
from sdr_lab.knowledge.documents import Source, find_sources
from sdr_lab.knowledge.versions import Versions
from sdr_lab.lab import Lab
from sdr_lab.records import Agent

if TYPE_CHECKING:
    from sdr_lab.store.documents import Document

SHARED = "default"
"""The base of agents that name none; `sdr-lab ingest` fills it."""


def name_in_base(document: Document) -> str:
    """Return what a document is called in a knowledge base: unique, and never changed.

    The name of its file, and some digits of its id before the ending: two documents of one agent
    may have the same name.
    """
    mark = document.id.rpartition("_")[2][:8]
    return f"{document.file.stem} ({mark}){document.file.suffix}"


class Bases:
    """The knowledge bases of agents. Safe beside calls: they read the version before."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    async def own(self, agent_id: str) -> str:
        """Return the name of the base that an agent's documents go into.

        Its present one when nobody else uses it; else a new one, filled with what the present one
        holds. `use` then makes it the agent's.
        """
        return await asyncio.to_thread(self._own, agent_id)

    def _own(self, agent_id: str) -> str:
        agent = self.lab.agent(agent_id)
        if not self._is_shared(agent):
            return agent.knowledge
        fresh = re.sub(r"[^A-Za-z0-9._-]", "-", agent.id)[:50].lstrip("._-") or "agent"
        if (self.lab.home / "knowledge" / fresh).exists() or fresh == agent.knowledge:
            fresh = f"{fresh}-{secrets.token_hex(4)}"
        self._copy(agent.knowledge, fresh)
        return fresh

    def _is_shared(self, agent: Agent) -> bool:
        if (
            agent.knowledge == SHARED
            or (self.lab.datasets / "knowledge" / agent.knowledge).exists()
        ):
            return True
        others = (entry.agent for entry in self.lab.agents.list())
        return any(o.knowledge == agent.knowledge and o.id != agent.id for o in others)

    async def unread(self, agent_id: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
        """Return an agent's shipped base and its files when they have not been read in yet."""

        def work() -> tuple[str, tuple[tuple[str, str], ...]] | None:
            base = self.lab.agent(agent_id).knowledge
            folder = self.lab.datasets / "knowledge" / base
            if self.lab.knowledge.version(base) or not folder.is_dir():
                return None
            found = [source for source in find_sources([folder]) if isinstance(source, Source)]
            return base, tuple((source.name, str(source.content)) for source in found)

        return await asyncio.to_thread(work)

    def _copy(self, source: str, target: str) -> None:
        """Make a new base that holds what another one holds."""
        home = self.lab.home / "knowledge"
        old, new = Versions.of(home, source), Versions.of(home, target)
        version = old.current()
        if not version:
            return
        with old.locked(60), new.locked(60):  # an ingest would remove the file being copied
            building = new.building()
            shutil.copyfile(old.file(old.current()), building)
            new.switch(building, new.following(version.rpartition("-")[2]))

    async def use(self, agent_id: str, base: str) -> None:
        """Make a base that of an agent; running calls keep the one they have."""

        def work() -> None:
            agent = self.lab.agent(agent_id)
            if agent.knowledge != base:
                changes = {"knowledge": base}
                self.lab.agents.update(agent.id, changes, "api", "a knowledge base of its own")

        await asyncio.to_thread(work)

    async def names(self, agent_id: str) -> dict[str, int]:
        """Return the documents in an agent's base, with their sizes in bytes."""

        def work() -> dict[str, int]:
            try:
                found = self.lab.knowledge.documents(self.lab.agent(agent_id).knowledge)
            except NotFound:
                return {}
            return {document.name: document.size for document in found}

        return await asyncio.to_thread(work)

    async def holds(self, agent_id: str, name: str) -> bool:
        """Say whether a document has been read into an agent's base."""
        return name in await self.names(agent_id)

    async def forget(self, agent_id: str, name: str) -> None:
        """Take a document out of an agent's base, if it is there; others' bases keep it."""
        if not await self.holds(agent_id, name):
            return
        own = await self.own(agent_id)
        await asyncio.to_thread(self.lab.knowledge.delete, own, name)
        await self.use(agent_id, own)
