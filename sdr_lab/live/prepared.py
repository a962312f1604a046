"""From the row of a call to everything that the call is made of."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.call.parts import Parts
from sdr_lab.errors import Conflict, NotFound
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.lab import Lab
from sdr_lab.live.background import Background
from sdr_lab.records import Agent, CallConfig

if TYPE_CHECKING:
    from sdr_lab.store.folder import Conversation

log = logging.getLogger(__name__)

AHEAD_MS = {"convai": 600}
"""Sound sent ahead of its playback, at least, by line: the SDK tells the time (with the caller's
sound) every 250 ms only."""

ENDS = ("completed", "busy", "no-answer", "canceled", "failed")
"""`CallStatus` of a call that is over; called the same by us."""

KNOWLEDGE_WAIT_S = 2.0
"""A caller waits so long for documents that are read in for the first time."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that can begin."""

    config: CallConfig
    parts: Parts
    answered_by: str = ""
    """Twilio's `AnsweredBy`, when it is known already."""


async def prepare(lab: Lab, background: Background, conversation_id: str, line: str) -> Prepared:
    """Make what the row of a call asks for.

    Args:
        line: Kind of the line.

    Raises:
        NotFound: there is no such row, or its agent is gone.
        Conflict: the call has been held already, or is over.
        SdrLabError: a provider or a text of the agent can't be used.
    """
    row = await asyncio.to_thread(lab.calls.get, conversation_id)
    refuse_over(row)
    overrides = Overrides.of(row.overrides)
    agent = with_overrides(await asyncio.to_thread(agent_of, lab, row), overrides)
    chosen = await asyncio.to_thread(lab.choose, agent)
    search = await knowledge_of(lab, background, agent)
    parts = await asyncio.to_thread(lab.parts, agent, chosen, search, overrides)
    config = await asyncio.to_thread(
        lab.config,
        agent,
        chosen,
        line,
        row.phone_number,
        {name: str(value) for name, value in row.variables.items()},
        call_sid=row.call_sid or "",
        direction="outbound" if row.direction == "outbound" else "inbound",
        conversation_id=conversation_id,
        needs_variables=False,  # seen to when it was arranged; who dials in gives none
    )
    ahead_ms = max(config.settings.ahead_ms, AHEAD_MS.get(line, 0))
    config = replace(config, settings=replace(config.settings, ahead_ms=ahead_ms))
    return Prepared(config, parts, str(row.metadata.get("answered_by", "")))


def refreshed(lab: Lab, ready: Prepared) -> Prepared:
    """Return a prepared call with what its row has learnt since: call SID and who answered."""
    row = lab.calls.get(ready.config.conversation_id)
    refuse_over(row)
    config = replace(ready.config, call_sid=row.call_sid or "")
    return replace(ready, config=config, answered_by=str(row.metadata.get("answered_by", "")))


def refuse_over(row: Conversation) -> None:
    """Raise Conflict when a call was held already, or has ended before its stream came.

    What this server itself gave up (Twilio was slow to answer) may come about after all.
    """
    if row.folder is not None:
        raise Conflict(f"conversation {row.id} has been held already")
    if (told := row.network.get("status", "")) in ENDS:
        raise Conflict(f"conversation {row.id} is over: {told}")


def agent_of(lab: Lab, row: Conversation) -> Agent:
    """Return the agent of a call, as it was when the call was arranged."""
    try:
        return lab.agents.at_version(row.agent_id, row.agent_version)
    except NotFound:
        return agent_named(lab, row.agent_id)


def agent_named(lab: Lab, key: str) -> Agent:
    """Return a stored or shipped agent; the default one when `key` is empty.

    Unlike `Lab.agent` it reads no YAML file: keys come from other machines.

    Raises:
        NotFound: there is none of that id or name.
    """
    if key.endswith((".yaml", ".yml")):
        raise NotFound(f"no agent has the id or name {key!r}")
    return lab.agent(key)


async def knowledge_of(lab: Lab, background: Background, agent: Agent) -> Search:
    """Return the agent's knowledge, or none while it is still being read in."""
    found: list[Search] = []

    async def read_in() -> None:
        found.append(await lab.ready_knowledge(agent, log.info))

    task = background.start(read_in(), f"knowledge {agent.knowledge}")
    await asyncio.wait({task}, timeout=KNOWLEDGE_WAIT_S)
    if not found:
        log.warning("agent %s answers without knowledge: it is not there yet", agent.id)
    return found[0] if found else NoKnowledge()
