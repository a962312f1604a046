"""From a body of the API to an agent, and back. Pure; the store is not asked."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from sdr_lab.agents.agent import agent_from, agent_to_dict
from sdr_lab.api.agent_places import (
    ARCHIVED,
    BUILT_IN_TOOLS,
    BY_FIELD,
    CRITERIA,
    FLAT,
    KNOWLEDGE_BASE,
    PLACES,
    READ_ONLY,
    SECTIONS,
    TOOL_IDS,
    Loc,
    at,
    defaults,
    merged,
    put,
    take,
)
from sdr_lab.api.agent_tools import (
    KEPT,
    read_criteria,
    read_tools,
    shown_criteria,
    shown_tools,
)
from sdr_lab.api.errors import FieldError
from sdr_lab.api.odd_json import refuse_odd
from sdr_lab.config import Settings, call_settings
from sdr_lab.errors import BadInput, SettingError
from sdr_lab.own_class import is_own_class
from sdr_lab.providers import LLM, STT, TTS
from sdr_lab.records import Agent
from sdr_lab.telephony.numbers import refuse_service

PROVIDERS = {"stt_provider": STT, "llm_provider": LLM, "tts_provider": TTS}

STAND_IN = "-"
"""For an empty first message while the rest is checked."""

REQUIRED = ("name", "system_prompt")
"""Can't be cleared with null."""


@dataclass(slots=True)
class AgentChange:
    """What a body says of an agent."""

    fields: dict[str, Any] = field(default_factory=dict)
    """Field of `records.Agent` → value; None: back to the default."""
    origins: dict[str, Loc] = field(default_factory=dict)
    """Field → where in the body it stands."""
    rivals: dict[str, tuple[Any, Loc]] = field(default_factory=dict)
    """Field → what the body says of it in another place, and where."""
    switched: dict[str, bool] = field(default_factory=dict)
    """Built-in tools that are switched on or off one by one."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What this server does not use, as a merge patch."""
    kept: dict[str, Any] = field(default_factory=dict)
    is_active: bool | None = None
    user_id: str | None = None
    note: str = ""
    tool_ids: list[str] | None = None
    documents: list[dict[str, Any]] | None = None

    def claim(self, name: str, value: Any, loc: Loc) -> None:
        """Note what the body says of a field."""
        if name in self.fields and self.fields[name] != value:
            self.rivals[name] = (value, loc)
            return
        self.fields[name] = value
        self.origins.setdefault(name, loc)

    def settle(self, present: Mapping[str, Any]) -> None:
        """Where two places differ, take the one that is no longer what it was: who gets an
        agent, changes one place and sends all of it back means that change.

        Args:
            present: The values of the agent that is changed; empty for a new one.

        Raises:
            FieldError: neither place is what it was.
        """
        for name, (value, loc) in self.rivals.items():
            first = self.fields[name]
            if name in present and first == present[name]:
                self.fields[name], self.origins[name] = value, loc
            elif name not in present or value != present[name]:
                here, there = ".".join(loc), ".".join(self.origins[name])
                raise FieldError(
                    ("body", *loc),
                    f"{there} and {here} are the same thing, but differ: {_short(first)} "
                    f"and {_short(value)}; give one of them, or the same value",
                )


def read_change(body: Mapping[str, Any]) -> AgentChange:
    """Read the body of a create or a PATCH.

    Raises:
        FieldError: an unknown name at the top, or something that is no agent's.
    """
    refuse_odd(body)
    for name in body:
        if name not in FLAT and name not in READ_ONLY:
            near = difflib.get_close_matches(name, FLAT, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else f"; allowed: {', '.join(FLAT)}"
            raise FieldError(("body", name), f"{name}: there is no such field{hint}")
    change = AgentChange()
    _read_flat(change, body)
    _read_nested(change, body)
    return change


def _read_flat(change: AgentChange, body: Mapping[str, Any]) -> None:
    for place in PLACES:
        if place.flat in body:
            change.claim(place.field, body[place.flat], (place.flat,))
    if "interrupt_enabled" in body:
        _read_interrupt_enabled(change, body["interrupt_enabled"])
    change.is_active = body.get("is_active")
    change.user_id = body.get("user_id")
    change.note = body.get("version_description") or ""


def _read_interrupt_enabled(change: AgentChange, value: bool | None) -> None:
    given = change.fields.get("interrupt") or {}
    if "enabled" in given and given["enabled"] != value:
        raise FieldError(
            ("body", "interrupt_enabled"),
            f"interrupt.enabled and interrupt_enabled are the same thing, but differ: "
            f"{given['enabled']} and {value}; give one of them, or the same value",
        )
    change.fields["interrupt_enabled"] = value
    change.origins["interrupt_enabled"] = ("interrupt_enabled",)


def _read_nested(change: AgentChange, body: Mapping[str, Any]) -> None:
    rest: dict[str, Any] = {
        name: deepcopy(body[name]) for name in SECTIONS if body.get(name) is not None
    }
    for place in PLACES:
        if place.nested:
            is_there, value = at(rest, place.nested)
            if is_there:
                change.claim(place.field, place.read(value), place.nested)
                take(rest, place.nested)
    is_there, value = at(rest, ARCHIVED)
    if is_there and value is not None:
        if change.is_active is not None and change.is_active == value:
            told = "is_active and platform_settings.archived contradict each other; give one"
            raise FieldError(("body", *ARCHIVED), told)
        change.is_active = not value
    take(rest, ARCHIVED)
    _read_lists(change, rest)
    fields, change.switched, kept, others = read_tools(at(rest, BUILT_IN_TOOLS)[1])
    for name, found in fields.items():
        change.claim(name, found, BUILT_IN_TOOLS)
    change.kept |= kept
    take(rest, BUILT_IN_TOOLS)
    if others:
        put(rest, BUILT_IN_TOOLS, others)
    change.extra = {name: value for name, value in rest.items() if value is not None}


def _read_lists(change: AgentChange, rest: dict[str, Any]) -> None:
    is_there, criteria = at(rest, CRITERIA)
    if is_there:
        found, kept = read_criteria(criteria or [])
        change.claim("evaluation", found, CRITERIA)
        change.kept["criteria"] = kept
        take(rest, CRITERIA)
    is_there, ids = at(rest, TOOL_IDS)
    if is_there:
        change.tool_ids = list(ids or [])
        take(rest, TOOL_IDS)
    is_there, documents = at(rest, KNOWLEDGE_BASE)
    if is_there:
        change.documents = list(documents or [])
        take(rest, KNOWLEDGE_BASE)


def _settle_tools(change: AgentChange, present: Mapping[str, Any]) -> None:
    """Decide between a flat list of tools and single switches, as `AgentChange.settle` does."""
    listed = change.fields.get("tools")
    if listed is None:
        return
    wrong = [name for name, is_on in change.switched.items() if (name in listed) != is_on]
    have = present.get("tools")
    if have is not None and listed == have:
        del change.fields["tools"]
    elif have is not None and all((name in have) == change.switched[name] for name in wrong):
        change.switched = {name: on for name, on in change.switched.items() if name not in wrong}
    elif wrong:
        told = "on" if change.switched[wrong[0]] else "off"
        raise FieldError(
            ("body", *BUILT_IN_TOOLS),
            f"tools and {'.'.join(BUILT_IN_TOOLS)} differ: the second one switches {wrong[0]} "
            f"{told}; give one of them, or the same",
        )


def applied(change: AgentChange, agent: Agent | None, settings: Settings) -> Agent:
    """Return the agent that a change makes of another one, or a new one (id empty).

    Raises:
        FieldError: a value is not allowed.
    """
    blank = defaults()
    values = agent_to_dict(agent) if agent else dict(blank)
    present = values if agent else {}
    change.settle(present)
    _settle_tools(change, present)
    given = dict(change.fields)
    enabled_given = "interrupt_enabled" in given
    enabled = given.pop("interrupt_enabled", None)
    for name, value in given.items():
        if value is None and name in REQUIRED:
            raise _wrong(change, name, "can't be empty")
        values[name] = blank[name] if value is None else value
    _follow_settings(values, change, agent, settings)
    if enabled_given:
        values["interrupt"] = _with_enabled(values["interrupt"], enabled, agent, settings)
    values["tools"] = _switched(values["tools"], change.switched)
    values["extra"] = _extra(agent, change)
    return checked(values, change, settings, agent)


def _extra(agent: Agent | None, change: AgentChange) -> dict[str, Any]:
    extra = merged(agent.extra if agent else {}, change.extra)
    old = extra.pop(KEPT, {})
    kept = {**old, **change.kept}
    kept["tools"] = {**old.get("tools", {}), **change.kept.get("tools", {})}
    kept = {
        group: {name: rest for name, rest in rests.items() if rest} for group, rests in kept.items()
    }
    kept = {group: rests for group, rests in kept.items() if rests}
    return {**extra, KEPT: kept} if kept else extra


def _switched(tools: Any, switches: Mapping[str, bool]) -> list[str]:
    """Return a list of tools after some were switched on or off."""
    off = {name for name, is_on in switches.items() if not is_on}
    kept = [name for name in tools if name not in off]
    return [*kept, *(name for name, is_on in switches.items() if is_on and name not in kept)]


def _follow_settings(
    values: dict[str, Any], change: AgentChange, agent: Agent | None, settings: Settings
) -> None:
    """Leave a pause that follows the setting unset when a client sends back what it was shown."""
    shown = settings.silence_threshold_sec
    follows = agent is not None and agent.silence_threshold_s is None
    if follows and change.fields.get("silence_threshold_s") == shown:
        values["silence_threshold_s"] = None


def _with_enabled(
    interrupt: Any, enabled: bool | None, agent: Agent | None, settings: Settings
) -> Any:
    own = dict(interrupt) if isinstance(interrupt, Mapping) else interrupt
    if not isinstance(own, dict):
        return own  # refused by the check that follows
    follows = agent is not None and "enabled" not in agent.interrupt
    own.pop("enabled", None)
    if enabled is None or (follows and enabled == settings.interrupt_enabled):
        return own
    return {**own, "enabled": enabled}


def checked(
    values: Mapping[str, Any],
    change: AgentChange,
    settings: Settings,
    before: Agent | None = None,
) -> Agent:
    """Return the agent of these values, each of them checked.

    Raises:
        FieldError: one is not allowed; its place is the one that the client used.
    """
    values = dict(values)
    greeting = values["first_message"]
    if greeting == "":  # a file must have one; here it means that the caller speaks first
        values["first_message"] = STAND_IN
    identity = {name: values.pop(name) for name in ("id", "version")}
    for name, table in PROVIDERS.items():
        allowed = ["auto", *table, *_own_classes(name, before, settings)]
        if values[name] not in allowed:
            told = f"got {values[name]!r}, allowed: {', '.join(allowed)}"
            raise _wrong(change, name, told)
    try:
        agent = agent_from(values)
    except BadInput as error:
        raise _field_error(error, change) from error
    agent = dataclasses.replace(agent, first_message=greeting, **identity)
    _refuse_services(agent, change)
    detector = str(agent.interrupt.get("detector", ""))
    held = {settings.interrupt_detector, before.interrupt.get("detector") if before else ""}
    if is_own_class(detector) and detector not in held:  # see `_own_classes`
        raise _wrong(change, "interrupt", f"detector: got {detector!r}, allowed: a built-in one")
    try:
        call_settings(settings, agent)
    except SettingError as error:
        raise _wrong(change, "interrupt", str(error)) from error
    return agent


def _refuse_services(agent: Agent, change: AgentChange) -> None:
    if "departments" not in change.fields:
        return
    for name, number in agent.departments.items():
        try:
            refuse_service(number, name)
        except BadInput as error:
            raise _wrong(change, "departments", str(error)) from error


def _own_classes(name: str, before: Agent | None, settings: Settings) -> list[str]:
    """Return the classes that may stand where a provider's name does.

    Only those that the settings or the agent hold already: a key to the API is no key to import
    any module of this machine.
    """
    held = {getattr(settings, name), getattr(before, name, "auto")}
    return sorted(filter(is_own_class, held))


def _wrong(change: AgentChange, name: str, told: str) -> FieldError:
    loc = change.origins.get(name) or (BY_FIELD[name].flat,)
    return FieldError(("body", *loc), f"{'.'.join(loc)}: {told}")


def _field_error(error: BadInput, change: AgentChange) -> BadInput:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return error
    fields = []
    for problem in cause.errors():
        name, *inner = problem["loc"]
        known = BY_FIELD.get(str(name))
        loc = change.origins.get(str(name)) or ((known.flat,) if known else (str(name),))
        place = [*loc, *(part for part in inner if part != "[key]")]
        told = f"{'.'.join(map(str, place))}: {problem['msg']}"
        fields.append({"loc": ["body", *place], "msg": told, "type": problem["type"]})
    return FieldError(fields[0]["loc"], fields[0]["msg"], fields[1:])


def flat_of(agent: Agent, settings: Settings | None = None) -> dict[str, Any]:
    """Return an agent as the seed has it.

    Args:
        settings: Where an agent follows them, their values are shown; None: null.
    """
    values = agent_to_dict(agent)
    flat = {place.flat: values[place.field] for place in PLACES}
    own = dict(flat["interrupt"])
    enabled = own.pop("enabled", settings.interrupt_enabled if settings else None)
    flat["interrupt"] = own
    flat["interrupt_enabled"] = enabled
    if settings and flat["silence_threshold_sec"] is None:
        flat["silence_threshold_sec"] = settings.silence_threshold_sec
    return flat


def nested_of(agent: Agent) -> dict[str, Any]:
    """Return an agent as the SDK has it: `conversation_config`, `platform_settings` and so on."""
    values = agent_to_dict(agent)
    tree: dict[str, Any] = {"conversation_config": {}, "platform_settings": {}}
    tree |= deepcopy({name: part for name, part in values["extra"].items() if name != KEPT})
    for place in PLACES:
        if place.nested:
            put(tree, place.nested, place.shown(values[place.field]))
    others = at(tree, BUILT_IN_TOOLS)[1] or {}
    put(tree, BUILT_IN_TOOLS, {**others, **shown_tools(agent)})
    put(tree, CRITERIA, shown_criteria(agent))
    return tree


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
