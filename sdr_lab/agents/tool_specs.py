"""The built-in tools: their descriptions and the JSON schemas of their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import jsonschema
import jsonschema.exceptions
import jsonschema.validators
import referencing
import referencing.exceptions

from sdr_lab.records import Agent, ToolSpec

ALWAYS_ALLOWED = ("mark_do_not_call", "end_call")
"""Tools that no agent can be without: a caller may always leave, and for good."""


def _object(required: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_PHONE = {
    "type": "string",
    "pattern": r"^\+[1-9]\d{6,14}$",
    "description": "E.164, e.g. +13125550123",
}
_EMAIL = {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"}
_MOMENT = {"type": "string", "format": "date-time", "description": "ISO 8601 date and time"}
_DATE = {"type": "string", "format": "date", "description": "ISO 8601 date"}

SPECS: dict[str, ToolSpec] = {
    spec.name: spec
    for spec in (
        ToolSpec(
            "search_knowledge_base",
            "Look up facts about the company and its product.",
            _object(
                ("query",),
                query=_TEXT,
                top_k={"type": "integer", "minimum": 1, "maximum": 10},
            ),
        ),
        ToolSpec(
            "find_free_times",
            "Find free times for an appointment, on one day or from now on.",
            _object(
                day=_DATE,
                part_of_day={"type": "string", "enum": ["morning", "afternoon", "evening"]},
            ),
        ),
        ToolSpec(
            "book_appointment",
            "Book an appointment at a time that the caller has named or agreed to.",
            _object(("start",), start=_MOMENT, name=_TEXT, email=_EMAIL, topic=_TEXT),
        ),
        ToolSpec(
            "note_follow_up",
            "Leave a note so that a colleague gets back to the caller.",
            _object(
                ("about",),
                about=_TEXT,
                email=_EMAIL,
                phone=_PHONE,
                when={"type": "string", "format": "moment", "description": "ISO date or time"},
            ),
        ),
        ToolSpec(
            "mark_do_not_call",
            "Put the caller on the do-not-call list. Use it whenever he wants no more calls.",
            _object(phone=_PHONE, reason=_TEXT),
        ),
        ToolSpec(
            "transfer_call",
            "Connect the caller to a department.",
            _object(department=_TEXT),
        ),
        ToolSpec(
            "end_call",
            "Hang up after your goodbye has been heard.",
            _object(reason=_TEXT),
        ),
    )
}
"""Every built-in tool by name, in the order in which models see them."""

BUILT_IN = tuple(SPECS)

PATTERN_S = 0.05
"""Longest look at one value. A pattern can be made, or just happen, to take years on some text,
and all calls wait meanwhile."""

REFERS = "its parameters refer to themselves, or to what is not there"

_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and bool(datetime.fromisoformat(value)))


@_FORMATS.checks("moment", raises=ValueError)
def _is_day_or_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


def spec_for(name: str, agent: Agent) -> ToolSpec:
    """Return a tool as this agent has it: the departments it may transfer to are named."""
    spec = SPECS[name]
    if name != "transfer_call" or not agent.departments:
        return spec
    department = {"type": "string", "enum": list(agent.departments)}
    return ToolSpec(spec.name, spec.description, _object(department=department), spec.confirm)


def _matches(
    validator: Any, pattern: str, value: object, schema: Mapping[str, Any]
) -> Iterator[jsonschema.exceptions.ValidationError]:
    """The keyword `pattern`; what takes too long does not match."""
    import regex

    if not isinstance(value, str):
        return
    try:
        if regex.search(pattern, value, timeout=PATTERN_S):
            return
    except (TimeoutError, regex.error):
        pass
    yield jsonschema.exceptions.ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _matches})


def problem_with(spec: ToolSpec, arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a call's arguments as one line, None when nothing is."""
    validator = _Validator(
        spec.parameters,
        format_checker=_FORMATS,
        registry=referencing.Registry(),  # else a $ref would be fetched from anywhere
    )
    try:
        error = jsonschema.exceptions.best_match(validator.iter_errors(dict(arguments)))
    except (RecursionError, referencing.exceptions.Unresolvable):
        return f"{spec.name}: {REFERS}."
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path) or "arguments"
    allowed = ", ".join(spec.parameters.get("properties", ())) or "none"
    return f"{spec.name}: {place}: {error.message}; parameters: {allowed}."
