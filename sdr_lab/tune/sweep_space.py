"""Which settings a sweep tries: a grid that the user gives, or draws from sensible ranges."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from sdr_lab.errors import BadInput
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.interrupt_settings import checked, setting_name

MOST_SETTINGS = 100_000
"""More are a slip of the pen: the table of an hour of calls would not fit into memory."""
MOST_VALUES = 10_000
"""Of one range."""

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Range:
    """Where `--random` draws a setting from."""

    low: float
    high: float
    scale: Literal["linear", "log", "frames", "whole_log"] = "linear"
    """`log`: each factor is as likely as any other; `frames`: multiples of 20 ms, for what is
    counted in frames; `whole_log`: as `log`, whole numbers."""

    def draw(self, chance: random.Random) -> Value:
        if self.scale == "frames":
            return FRAME_MS * chance.randint(int(self.low) // FRAME_MS, int(self.high) // FRAME_MS)
        if self.scale == "linear":
            return round(chance.uniform(self.low, self.high), 4)
        value = math.exp(chance.uniform(math.log(self.low), math.log(self.high)))
        return round(value) if self.scale == "whole_log" else round(value, 4)


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting that `--random` draws from a list."""

    values: tuple[Value, ...]

    def draw(self, chance: random.Random) -> Value:
        return chance.choice(self.values)


DEBOUNCE = Range(0, 1500, "frames")
SCORES = {
    "hold_score": Range(0.05, 0.8),
    "stop_score": Range(0.2, 0.98),
    "debounce_ms": DEBOUNCE,
}
ACTIVITY = {
    "hold_activity_ms": Range(40, 400, "frames"),
    "activity_ms": Range(100, 1000, "frames"),
    "debounce_ms": DEBOUNCE,
}
VAD = {"hold_score": Range(0.2, 0.9), "stop_score": Range(0.3, 0.95), **ACTIVITY}

RANGES: Mapping[str, Mapping[str, Range | Choice]] = {
    "energy": {
        "min_energy": Range(100, 4000, "whole_log"),
        "baseline_factor": Range(1.2, 12, "log"),
        "min_speech_ms": Range(40, 800, "frames"),
        "debounce_ms": DEBOUNCE,
        "use_vad": Choice((False, True)),
    },
    "echo_gate": {
        "noise_margin_db": Range(3, 24),
        "echo_margin_db": Range(0, 18),
        **ACTIVITY,
    },
    "hybrid": SCORES,
    "webrtc": ACTIVITY,
    "silero": VAD,
    "pysilero": VAD,
    "ten": VAD,
}
"""What `--random` varies, by detector. Everything else keeps its default or `--set` value.

Levels and factors are drawn on a log scale, because 200 → 400 matters as much as 800 → 1600.
"""


@dataclass(frozen=True, slots=True)
class Space:
    """The settings of one sweep."""

    detector: str
    names: tuple[str, ...]
    """What is varied, in the order of the table's columns."""
    settings: tuple[InterruptSettings, ...]

    def values(self, index: int) -> dict[str, Value]:
        """Return what is varied of one of the settings."""
        return {name: getattr(self.settings[index], name) for name in self.names}


def grid_space(base: InterruptSettings, grid: Sequence[str]) -> Space:
    """Make every combination of `KEY=a,b,c` and `KEY=from:to:step` (the end included).

    Args:
        base: The detector, and what is not varied.
        grid: One text per key.

    Raises:
        BadInput: no grid, a key twice, a range without end, too many combinations.
        SettingError: an unknown key or a value that is not allowed.
    """
    axes: dict[str, list[Any]] = {}
    for text in grid:
        key, values = _axis(text)
        name = setting_name(key, values[0])
        if name == "detector":
            raise BadInput("--grid: one sweep is about one detector; run it again for another")
        if name in axes:
            raise BadInput(f"--grid: {name} is given twice; give all its values in one")
        axes[name] = list(dict.fromkeys(checked(name, value) for value in values))
    if not axes:
        raise BadInput("a sweep needs --grid KEY=a,b,c (once or more) or --random N")
    count = math.prod(map(len, axes.values()))
    if count > MOST_SETTINGS:
        sizes = " × ".join(f"{len(values)} {name}" for name, values in axes.items())
        raise BadInput(f"--grid: {sizes} = {count:,} settings; at most {MOST_SETTINGS:,}: thin it")
    rows = itertools.product(*axes.values())
    made = [replace(base, **dict(zip(axes, row, strict=True))) for row in rows]
    return Space(base.detector, tuple(axes), tuple(made))


def random_space(
    base: InterruptSettings, n: int, seed: int = 0, held: Collection[str] = ()
) -> Space:
    """Draw `n` settings from `RANGES`; the first is `base` itself.

    Args:
        base: The detector, and what is not varied.
        held: Names of fields that keep the value of `base`.

    Raises:
        BadInput: `n` is out of range, or nothing is known to be worth varying.
    """
    detector = base.detector
    if not 1 <= n <= MOST_SETTINGS:
        raise BadInput(f"--random: got {n}, allowed: 1 to {MOST_SETTINGS:,}")
    if detector not in RANGES:
        known = ", ".join(RANGES)
        raise BadInput(f"--random knows what to vary for {known}; use --grid for {detector!r}")
    axes = {name: axis for name, axis in RANGES[detector].items() if name not in held}
    if not axes:
        raise BadInput(f"--random: --set fixes all that is varied of {detector}; leave one free")
    chance = random.Random(seed)
    drawn = [{name: axis.draw(chance) for name, axis in axes.items()} for _ in range(n - 1)]
    made = [base, *(replace(base, **row) for row in drawn)]
    return Space(detector, tuple(axes), tuple(made))


def _axis(text: str) -> tuple[str, list[str]]:
    """Read one `KEY=…` of a grid."""
    key, equals, right = text.partition("=")
    values = [part.strip() for part in right.split(",")]
    if not equals or not key.strip() or not all(values):
        raise BadInput(f"--grid: got {text!r}, expected KEY=a,b,c or KEY=from:to:step")
    found = [value for part in values for value in (_steps(part, text) if ":" in part else [part])]
    return key.strip(), list(dict.fromkeys(found))


def _steps(part: str, text: str) -> list[str]:
    """Return the values of `from:to:step`, the end included; in decimal, so that 0.1 is 0.1."""
    try:
        low, high, step = (Decimal(number) for number in part.split(":"))
    except (ValueError, InvalidOperation):
        raise BadInput(f"--grid: got {text!r}, a range is from:to:step, as 400:1600:100") from None
    finite = low.is_finite() and high.is_finite() and step.is_finite()
    if not finite or step <= 0 or high < low:
        raise BadInput(f"--grid: got {text!r}, the step must be above 0 and the end not below from")
    count = int((high - low) / step) + 1
    if count > MOST_VALUES:
        raise BadInput(f"--grid: {text!r} are {count:,} values; at most {MOST_VALUES:,}")
    return [f"{low + i * step:f}" for i in range(count)]
