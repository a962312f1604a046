"""Where each field of an agent stands in the API: flat, as the seed has it, and nested, as the
official SDK has it. Reading and writing of both go by this one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdr_lab.agents.agent import agent_to_dict
from sdr_lab.agents.tool_specs import BUILT_IN
from sdr_lab.records import Agent

Loc = tuple[str, ...]
"""A path in the body of a request: `("conversation_config", "tts", "voice_id")`."""

AGENT: Loc = ("conversation_config", "agent")
PROMPT: Loc = (*AGENT, "prompt")
BUILT_IN_TOOLS: Loc = (*PROMPT, "built_in_tools")
TOOL_IDS: Loc = (*PROMPT, "tool_ids")
KNOWLEDGE_BASE: Loc = (*PROMPT, "knowledge_base")
ARCHIVED: Loc = ("platform_settings", "archived")
CRITERIA: Loc = ("platform_settings", "evaluation", "criteria")

SECTIONS = ("conversation_config", "platform_settings", "workflow", "coaching_settings")
"""Nested parts of a body. What this server does not use of them is kept and given back."""

READ_ONLY = frozenset(
    {
        "agent_id",
        "version",
        "version_id",
        "branch_id",
        "main_branch_id",
        "metadata",
        "access_info",
        "phone_numbers",
        "whatsapp_accounts",
        "procedures",
        "created_at",
        "updated_at",
        "success",
        "message",
        "warnings",
    }
)
"""Fields of a reply; clients that send a reply back may leave them in."""

DEFAULT_NAME = "New agent"
DEFAULT_PROMPT = (
    "You are {{agent_name}}, a friendly and brief assistant on the phone. Answer from what you "
    "know for certain; when you do not know something, say so and offer that a colleague follows "
    "up."
)
DEFAULT_FIRST_MESSAGE = "Hello! How can I help you today?"
DEFAULT_TOOLS = tuple(name for name in BUILT_IN if name != "transfer_call")
"""All but the one that needs departments."""


def _same(value: Any) -> Any:
    return value


def _whole(value: Any) -> Any:
    """Seconds are whole numbers for the SDK."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _words(value: Any) -> Any:
    """Dynamic variables may be booleans for the SDK; here everything that is spoken is text."""
    if not isinstance(value, Mapping):
        return value
    return {name: str(v).lower() if isinstance(v, bool) else v for name, v in value.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one field of `records.Agent` stands."""

    field: str
    flat: str = ""
    nested: Loc = ()
    shown: Callable[[Any], Any] = _same
    """From the record to the nested place."""
    read: Callable[[Any], Any] = _same
    """From the nested place to the record."""


PLACES = (
    Place("name", "name"),
    Place("system_prompt", "system_prompt", (*PROMPT, "prompt")),
    Place("first_message", "first_message", (*AGENT, "first_message")),
    Place("stt_provider", "stt_provider"),
    Place("tts_provider", "voice_provider"),
    Place("voice", "voice_id", ("conversation_config", "tts", "voice_id")),
    Place("llm_provider", "model_provider"),
    Place("model", "model_name", (*PROMPT, "llm")),
    Place("temperature", "temperature", (*PROMPT, "temperature")),
    Place("language", "language", (*AGENT, "language")),
    Place("time_zone", "time_zone", (*PROMPT, "timezone")),
    Place("silence_threshold_s", "silence_threshold_sec"),
    Place("interrupt", "interrupt"),
    Place(
        "variables",
        "variables",
        (*AGENT, "dynamic_variables", "dynamic_variable_placeholders"),
        read=_words,
    ),
    Place("tools", "tools"),
    Place("knowledge", "knowledge"),
    Place("playbook", "playbook"),
    Place("vocabulary", "vocabulary", ("conversation_config", "asr", "keywords")),
    Place("departments", "departments"),
    Place("apology", "apology"),
    Place("reprompt", "reprompt"),
    Place("goodbye", "goodbye"),
    Place("not_heard", "not_heard"),
    Place("on_voicemail", "on_voicemail"),
    Place("voicemail_message", "voicemail_message"),
    Place("keys", "keys"),
    Place(
        "max_call_s",
        "max_call_s",
        ("conversation_config", "conversation", "max_duration_seconds"),
        shown=_whole,
    ),
    Place("evaluation", "evaluation"),
    Place("data_collection", "data_collection", ("platform_settings", "data_collection")),
    Place("tags", "tags"),
)

BY_FIELD = {place.field: place for place in PLACES}

OTHER_FLAT = ("interrupt_enabled", "is_active", "user_id", "version_description")
"""Flat names that are not one field of the record."""

FLAT = (*(place.flat for place in PLACES), *OTHER_FLAT, *SECTIONS)
"""Every name that a body may have at the top."""


def defaults() -> dict[str, Any]:
    """Return the value of each field when a client does not say, or says null."""
    blank = Agent(
        id="",
        name=DEFAULT_NAME,
        version=1,
        system_prompt=DEFAULT_PROMPT,
        first_message=DEFAULT_FIRST_MESSAGE,
        tools=DEFAULT_TOOLS,
    )
    return agent_to_dict(blank)


def at(tree: Mapping[str, Any], loc: Loc) -> tuple[bool, Any]:
    """Return whether there is a value at a path, and the value."""
    node: Any = tree
    for part in loc:
        if not isinstance(node, Mapping) or part not in node:
            return False, None
        node = node[part]
    return True, node


def put(tree: dict[str, Any], loc: Loc, value: Any) -> None:
    """Set the value at a path; what is missing on the way is made."""
    for part in loc[:-1]:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            inner = tree[part] = {}
        tree = inner
    tree[loc[-1]] = value


def take(tree: dict[str, Any], loc: Loc) -> None:
    """Remove the value at a path, and what becomes empty by it."""
    if loc[0] not in tree:
        return
    if len(loc) == 1:
        del tree[loc[0]]
        return
    inner = tree[loc[0]]
    if isinstance(inner, dict):
        take(inner, loc[1:])
        if not inner:
            del tree[loc[0]]


def merged(old: Any, change: Any) -> Any:
    """Return `old` with a JSON merge patch (RFC 7396) applied: null removes a key."""
    if not isinstance(change, Mapping):
        return change
    result = dict(old) if isinstance(old, Mapping) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
