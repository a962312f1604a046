"""What one call changes of its agent: the wording, the voice, the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sdr_lab.errors import BadInput
from sdr_lab.own_class import is_own_class
from sdr_lab.records import Agent

MAX_CHARS = {"prompt": 20_000, "first_message": 1_000}
"""As in an agent's own file."""

LANGUAGES = ("en",)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Changes of an agent for one call. None leaves what the agent has."""

    prompt: str | None = None
    first_message: str | None = None
    """Empty: the caller speaks first."""
    voice: str | None = None
    model: str | None = None
    llm_provider: str | None = None
    tts_provider: str | None = None
    language: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of `{{variables}}`."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Overrides:
        """Make overrides of plain values, as `to_dict` gives them.

        Raises:
            BadInput: a key or a value is not allowed.
        """
        names = [f.name for f in fields(cls)]
        if unknown := [str(key) for key in values if key not in names]:
            raise BadInput(f"override {unknown[0]!r} is unknown, allowed: {', '.join(names)}")
        given = {key: value for key, value in values.items() if value is not None}
        variables = given.pop("variables", {})
        if not isinstance(variables, Mapping):
            raise BadInput(f"override variables: got {variables!r}, allowed: values by name")
        for name, value in given.items():
            _check(name, value)
        return cls(**given, variables={str(k): str(v) for k, v in variables.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return what is changed, as plain values."""
        return {key: value for key, value in asdict(self).items() if value not in (None, {})}


def with_overrides(agent: Agent, overrides: Overrides | None) -> Agent:
    """Return the agent as it is in one call. Doing it twice changes nothing more.

    Raises:
        BadInput: a value is not allowed.
    """
    if overrides is None:
        return agent
    changes = overrides.to_dict()
    for name, value in changes.items():
        if name != "variables":
            _check(name, value)
    if "prompt" in changes:
        changes["system_prompt"] = changes.pop("prompt")
    changes["variables"] = {**agent.variables, **overrides.variables}
    return replace(agent, **changes)


def _check(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise BadInput(f"override {name}: got {value!r}, allowed: text")
    if len(value) > (limit := MAX_CHARS.get(name, 200)):
        raise BadInput(f"override {name}: got {len(value)} characters, allowed: {limit}")
    if not value.strip() and name != "first_message":
        raise BadInput(f"override {name}: is empty; leave it out to keep the agent's own")
    if name.endswith("_provider") and is_own_class(value):
        raise BadInput(
            f"override {name}: got {value!r}, allowed: a built-in provider; name a class of your "
            "own in the settings or in the agent's file"
        )
    if name == "language" and value not in LANGUAGES:
        raise BadInput(f"override language: got {value!r}, allowed: {', '.join(LANGUAGES)}")
