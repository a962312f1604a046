"""What clients are shown of agents. Everything here blocks: call it in a thread."""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sdr_lab.agents.agent import load_agent
from sdr_lab.agents.variables import missing_in
from sdr_lab.api.agent_mapping import flat_of, nested_of
from sdr_lab.api.agent_places import KNOWLEDGE_BASE, TOOL_IDS, put
from sdr_lab.api.errors import FieldError
from sdr_lab.errors import NotFound
from sdr_lab.lab import Lab
from sdr_lab.records import Agent

if TYPE_CHECKING:
    from sdr_lab.store.agents import AgentEntry

ACCESS = {"is_creator": True, "creator_name": "", "creator_email": "", "role": "admin"}
"""There are no accounts here: who has a key may do everything."""


def ship_agents(lab: Lab) -> None:
    """Put the shipped agents into the store; those that somebody has deleted stay deleted."""
    for path in sorted((lab.datasets / "agents").glob("*.yaml")):
        try:
            lab.agents.entry(path.stem, include_deleted=True)
        except NotFound:
            lab.agents.save(load_agent(path), author="sdr_lab", note="shipped")


def reply_of(
    lab: Lab, key: str, version: int | None = None, include_deleted: bool = False
) -> dict[str, Any]:
    """Return an agent as clients see it.

    Raises:
        NotFound: there is none of that id or name, or not at that version.
    """
    entry = lab.agents.entry(key, include_deleted)
    agent = entry.agent if version is None else lab.agents.at_version(entry.agent.id, version)
    nested = nested_of(agent)
    put(nested, TOOL_IDS, [tool.id for tool in lab.tools.of(agent.id)])
    put(nested, KNOWLEDGE_BASE, [
        {"type": document.type, "id": document.id, "name": document.name, "usage_mode": "auto"}
        for document in lab.documents.of(agent.id)
    ])  # fmt: skip
    nested["platform_settings"]["archived"] = not entry.is_active
    return {
        "agent_id": agent.id,
        **flat_of(agent, lab.settings),
        "is_active": entry.is_active,
        "user_id": entry.user_id,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "version": agent.version,
        "version_id": str(agent.version),
        **nested,
        "metadata": {
            "created_at_unix_secs": int(entry.created_at.timestamp()),
            "updated_at_unix_secs": int(entry.updated_at.timestamp()),
        },
        "phone_numbers": [
            {
                "phone_number_id": number.id,
                "phone_number": number.phone_number,
                "label": number.label,
                "provider": number.provider,
            }
            for number in lab.numbers.list()
            if number.agent_id == agent.id
        ],
        "access_info": ACCESS,
        "warnings": warnings_of(agent),
    }


def warnings_of(agent: Agent) -> list[str]:
    """Return what an agent's texts need of every call: variables without a value or a default."""
    return [
        f"{place}: no value for {{{{{name}}}}}: give it with each call, in variables, or as "
        f"a default {{{{{name}|…}}}}"
        for place, names in missing_in(agent).items()
        for name in names
    ]


def page_of(
    lab: Lab,
    *,
    page_size: int,
    cursor: str,
    skip: int,
    search: str,
    archived: bool,
    tags: list[str],
    sort_by: str,
    is_descending: bool,
    user_id: str,
) -> dict[str, Any]:
    """Return one page of the list of agents.

    Raises:
        FieldError: `cursor` is not one that a page had.
    """
    after = read_cursor(cursor, sort_by) if cursor else None
    kept = [
        entry
        for entry in lab.agents.list(include_deleted=archived)
        if entry.is_active != archived
        and search.casefold() in entry.agent.name.casefold()
        and (not tags or set(tags) & set(entry.agent.tags))
        and user_id in ("", entry.user_id)
    ]
    calls = calls_of_the_week(lab) if sort_by == "call_count_7d" else {}
    keyed = [(sort_key(entry, sort_by, calls), entry) for entry in kept]
    keyed.sort(key=lambda pair: pair[0], reverse=is_descending)
    if after is not None:
        keyed = [p for p in keyed if (p[0] < after if is_descending else p[0] > after)]
    keyed = keyed[skip:]
    page, rest = keyed[:page_size], keyed[page_size:]
    return {
        "agents": [summary_of(lab, entry) for _, entry in page],
        "next_cursor": write_cursor(page[-1][0], sort_by) if rest else None,
        "has_more": bool(rest),
        "total": len(kept),
    }


SortKey = tuple[Any, str]


def sort_key(entry: AgentEntry, sort_by: str, calls: dict[str, int]) -> SortKey:
    agent = entry.agent
    match sort_by:
        case "created_at":
            return entry.created_at.timestamp(), agent.id
        case "updated_at":
            return entry.updated_at.timestamp(), agent.id
        case "call_count_7d":
            return calls.get(agent.id, 0), agent.id
    return agent.name.casefold(), agent.id


def calls_of_the_week(lab: Lab) -> dict[str, int]:
    from sdr_lab.store.calls import CallFilter

    since = datetime.now(UTC) - timedelta(days=7)
    return {
        entry.agent.id: lab.calls.count(CallFilter(agent=entry.agent.id, since=since))
        for entry in lab.agents.list(include_deleted=True)
    }


def summary_of(lab: Lab, entry: AgentEntry) -> dict[str, Any]:
    agent = entry.agent
    return {
        "agent_id": agent.id,
        "name": agent.name,
        "voice_id": agent.voice,
        "model_name": agent.model,
        "tags": list(agent.tags),
        "is_active": entry.is_active,
        "archived": not entry.is_active,
        "version": agent.version,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "created_at_unix_secs": int(entry.created_at.timestamp()),
        "updated_at_unix_secs": int(entry.updated_at.timestamp()),
        "last_call_time_unix_secs": last_call_s(lab, agent.id),
        "access_info": ACCESS,
    }


def last_call_s(lab: Lab, agent_id: str) -> int | None:
    from sdr_lab.store.calls import CallFilter

    calls = lab.calls.list(CallFilter(agent=agent_id), page_size=1).calls
    return int(calls[0].started_at.timestamp()) if calls and calls[0].started_at else None


def write_cursor(key: SortKey, sort_by: str) -> str:
    """Return where a page ended, opaque and safe in a URL."""
    text = json.dumps([sort_by, *key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, sort_by: str) -> SortKey:
    with suppress(binascii.Error, ValueError, TypeError):
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        sorted_by, value, agent_id = json.loads(text)
        is_right = isinstance(value, str) == (sort_by == "name") and isinstance(agent_id, str)
        if sorted_by == sort_by and is_right and isinstance(value, str | int | float):
            return value, agent_id
    raise FieldError(
        ("query", "cursor"), f"cursor: {cursor!r} is not of a page that was sorted by {sort_by}"
    )
