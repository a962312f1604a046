"""`{{name}}` and `{{name|default}}` in prompts, first messages and playbook lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sdr_lab.errors import BadInput
from sdr_lab.records import Agent, Playbook

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(?:\|([^{}]*))?\}\}")


def fill(
    text: str, variables: Mapping[str, str], *, strict: bool = False, where: str = "text"
) -> tuple[str, tuple[str, ...]]:
    """Fill the variables of a text.

    A variable without a value takes its default; without a default it becomes empty and is
    reported. A value that is itself `{{…}}` is not filled again.

    Args:
        text: Any text.
        variables: Values by name. An empty value counts as given.
        strict: Refuse instead of reporting.
        where: Names the text in the error.

    Returns:
        The filled text, and the missing names in order of appearance, each once.

    Raises:
        BadInput: `strict` and a variable is missing.
    """
    missing: dict[str, None] = {}

    def value_of(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name in variables:
            return str(variables[name])
        if default is None:
            missing[name] = None
            return ""
        return default.strip()

    filled = _VARIABLE.sub(value_of, text)
    if missing and strict:
        known = ", ".join(sorted(variables)) or "none"
        names = ", ".join(missing)
        raise BadInput(
            f"{where}: no value for {names}; given: {known}; "
            f"give one, or write a default: {{{{{next(iter(missing))}|…}}}}"
        )
    return filled, tuple(missing)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of all variables of a text, each once, in order of appearance."""
    return tuple(dict.fromkeys(match[1] for match in _VARIABLE.finditer(text)))


def values_for(agent: Agent, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a call: built-in ones, the agent's defaults, this call's values."""
    return {"agent_name": agent.name, **agent.variables, **(given or {})}


def missing_in(agent: Agent, given: Mapping[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    """Return what an agent's texts lack, by place: `{"first_message": ("lead_name",)}`.

    Ask this before a call; during a call a missing variable is left out.
    """
    values = values_for(agent, given)
    texts = {"system_prompt": agent.system_prompt, "first_message": agent.first_message}
    for field in ("apology", "reprompt", "goodbye", "not_heard"):
        texts[field] = getattr(agent, field)
    for key, lines in agent.playbook.lines.items():
        texts[f"playbook.lines.{key}"] = " ".join(lines)
    texts["playbook.facts"] = " ".join(agent.playbook.facts.values())
    found = {place: fill(text, values)[1] for place, text in texts.items()}
    return {place: names for place, names in found.items() if names}


def fill_playbook(playbook: Playbook, variables: Mapping[str, str]) -> Playbook:
    """Fill a playbook. A line that lacks a value is dropped rather than spoken with a hole."""
    lines: dict[str, tuple[str, ...]] = {}
    for key, choices in playbook.lines.items():
        filled = [fill(choice, variables) for choice in choices]
        if kept := tuple(text for text, missing in filled if not missing):
            lines[key] = kept
    facts: dict[str, str] = {}
    for topic, sentence in playbook.facts.items():
        text, missing = fill(sentence, variables)
        if not missing:
            facts[topic] = text
    return replace(playbook, lines=lines, facts=facts)
