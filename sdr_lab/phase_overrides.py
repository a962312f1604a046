"""INTERRUPT_GREETING and INTERRUPT_THINKING: interrupt settings that hold at one time of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sdr_lab.errors import SettingError
from sdr_lab.records import InterruptSettings

GREETING, THINKING = "greeting", "thinking"

NOT_OVERRIDDEN = ("detector", GREETING, THINKING)

ALLOWED: Mapping[str, tuple[str, ...]] = {
    GREETING: tuple(f.name for f in fields(InterruptSettings) if f.name not in NOT_OVERRIDDEN),
    THINKING: ("enabled", "min_speech_ms"),
}
"""What may be overridden while the first message is spoken, and while a reply is prepared."""

FORM = "name=value,…, such as enabled=false"


def read_overrides(
    phase: str, given: object, check: Callable[[str, object], Any], hint: Callable[..., str]
) -> dict[str, Any]:
    """Return overrides with values of the right types.

    Args:
        phase: `GREETING` or `THINKING`.
        given: `name=value,name=value`, or a mapping.
        check: Returns the value of a field of `InterruptSettings` as the settings read it.
        hint: Returns "; did you mean …?" for a name and those that are known.

    Raises:
        SettingError: an unknown name, or a value that is not allowed.
    """
    setting, allowed = f"INTERRUPT_{phase.upper()}", ALLOWED[phase]
    values: dict[str, Any] = {}
    for name, value in _pairs(setting, given):
        if name not in allowed:
            told = f"one of {', '.join(allowed)}{hint(name, allowed)}"
            raise SettingError(f"{setting}: {name}", value, told)
        try:
            values[name] = check(f"interrupt_{name}", value)
        except SettingError as error:
            raise SettingError(f"{setting}: {name}", value, error.allowed) from None
    return values


def _pairs(setting: str, given: object) -> list[tuple[str, object]]:
    if isinstance(given, Mapping):
        return [(str(name), value) for name, value in given.items()]
    if not isinstance(given, str):
        raise SettingError(setting, given, FORM)
    pairs: list[tuple[str, object]] = []
    for part in given.split(","):
        name, equals, value = part.partition("=")
        if part.strip() and not (equals and name.strip() and value.strip()):
            raise SettingError(setting, given, FORM)
        if part.strip():
            pairs.append((name.strip().lower(), value.strip()))
    return pairs
