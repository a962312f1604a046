"""Interrupt settings from `KEY=VALUE` pairs, checked as settings of the server are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sdr_lab.config import Settings, did_you_mean
from sdr_lab.errors import BadInput, NotFound, SettingError
from sdr_lab.own_class import OWN_CLASS, is_own_class
from sdr_lab.records import InterruptSettings
from sdr_lab.turns.detectors.table import DETECTORS

PREFIX = "INTERRUPT_"
MOMENTS = ("greeting", "thinking")
"""Fields that hold overrides for a moment of a call; an agent's file has them."""

NAMES = tuple(f.name for f in fields(InterruptSettings) if f.name not in MOMENTS)
"""What a pair may set."""

NONE = ("", "none")


def settings_of(
    pairs: Sequence[str], detector: str = "", base: InterruptSettings | None = None
) -> InterruptSettings:
    """Make settings from `KEY=VALUE` pairs.

    Args:
        pairs: Names are fields of `InterruptSettings`, or settings `INTERRUPT_…`.
        detector: Name of the detector; empty: that of `base`.
        base: What is changed; None: the defaults.

    Raises:
        SettingError: an unknown name, or a value that is not allowed.
        NotFound: no such detector.
        BadInput: a pair that is none, or two detectors.
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise BadInput(f"--set {pair!r}: expected KEY=VALUE, such as min_speech_ms=200")
        given[setting_name(key.strip(), text)] = text.strip()
    if detector:
        if given.get("detector", detector) != detector:
            raise BadInput(
                f"--detector {detector} and --set detector={given['detector']} contradict each "
                "other; give one"
            )
        given["detector"] = detector
    return changed(base or InterruptSettings(), given)


def changed(base: InterruptSettings, given: Mapping[str, Any]) -> InterruptSettings:
    """Return settings with other values, by field name; texts are read.

    Raises:
        SettingError: a value that is not allowed.
        NotFound: no such detector.
    """
    values = {name: checked(name, value) for name, value in given.items()}
    return replace(base, **values)


def setting_name(key: str, value: object = "") -> str:
    """Return the field that a name means.

    Raises:
        SettingError: there is none.
    """
    name = key.upper().removeprefix(PREFIX).lower()
    if name not in NAMES:
        hint = did_you_mean(name, NAMES)
        raise SettingError(key, value, f"one of {', '.join(NAMES)}{hint}")
    return name


def checked(name: str, value: object) -> Any:
    """Return the value of one field as the settings table reads it.

    Raises:
        SettingError: it is not allowed.
        NotFound: it names no detector.
    """
    if name == "detector":
        return check_detector(str(value))
    if isinstance(value, str) and value.lower() in NONE:
        default = getattr(InterruptSettings(), name)
        if default is None:
            return None
    key = f"interrupt_{name}"
    if value == "":
        raise SettingError(key.upper(), value, Settings.describe(key).allowed)
    return getattr(Settings.load(None, {key: value}, environ={}), key)


def check_detector(name: str) -> str:
    """Return the name of a detector that exists.

    Raises:
        NotFound: there is none.
    """
    if name not in DETECTORS and not is_own_class(name):
        hint = did_you_mean(name, DETECTORS)
        known = ", ".join(DETECTORS)
        raise NotFound(f"detector {name!r}: unknown; allowed: {known}, {OWN_CLASS}{hint}")
    return name
