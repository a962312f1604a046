"""Settings of a recorded call, changed by `KEY=VALUE` pairs that a user gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sdr_lab.config import Settings, did_you_mean
from sdr_lab.errors import BadInput, SettingError
from sdr_lab.records import CallSettings


class _Place(NamedTuple):
    """Where a setting of the server is in the settings of a call."""

    field: str
    of_endpoint: bool = True
    convert: Callable[[Any], Any] = lambda value: value


PLACES: Mapping[str, _Place] = {
    "SILENCE_THRESHOLD_SEC": _Place("silence_ms", convert=lambda seconds: round(1000 * seconds)),
    "ENDPOINT_MODE": _Place("mode"),
    "ENDPOINT_COMPLETE_FACTOR": _Place("complete_factor"),
    "ENDPOINT_TRAILING_FACTOR": _Place("trailing_factor"),
    "ENDPOINT_MIN_MS": _Place("min_ms"),
    "ENDPOINT_STOPPED_MS": _Place("stopped_ms"),
    "ENDPOINT_TRANSCRIPT_WAIT_MS": _Place("transcript_wait_ms"),
    "SILENCE_PROMPT_S": _Place("silence_prompt_s", False),
    "AUDIO_FILTERS": _Place("filters", False, tuple),
}
"""All but those of interruptions that a floor decides by."""


def changed_turns(
    base: CallSettings, given: Mapping[str, str], known: Sequence[str] = ()
) -> CallSettings:
    """Return the settings with other values of `PLACES`, checked as settings of the server are.

    Args:
        base: What is changed.
        given: Name → value.
        known: Names of others that may have been meant.

    Raises:
        SettingError: a value that is not allowed, or a name that changes no decision.
    """
    for name, text in given.items():
        key = name.upper()
        if key not in PLACES:
            hint = did_you_mean(name, [*PLACES, *known])
            raise SettingError(name, text, f"INTERRUPT_…, {', '.join(PLACES)}{hint}")
        place = PLACES[key]
        read = getattr(Settings.load(None, {key: text}, environ={}), key.lower())
        value = {place.field: place.convert(read)}
        if place.of_endpoint:
            base = replace(base, endpoint=replace(base.endpoint, **value))
        else:
            base = replace(base, **value)
    return base


def sorted_pairs(
    pairs: Sequence[str], interrupts: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Sort `KEY=VALUE` pairs: those of interruptions as they are, all others by name.

    Args:
        pairs: As given.
        interrupts: Field names that mean a setting of interruptions; so does INTERRUPT_….

    Raises:
        BadInput: a pair without a name or `=`.
    """
    ours: list[str] = []
    others: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise BadInput(f"--set {pair!r}: expected KEY=VALUE, such as min_speech_ms=200")
        if name.upper() in PLACES or not (
            name.upper().startswith("INTERRUPT_") or name.lower() in interrupts
        ):
            others[name] = text
        else:
            ours.append(pair)
    return ours, others
