"""Settings of an interrupt detector that somebody chose, with a name and a reason.

A preset is one JSON file in the workspace's `presets/`: the settings that its detector looks at,
and where they come from (corpus, objective, figures).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sdr_lab import __version__
from sdr_lab.config import did_you_mean
from sdr_lab.errors import BadInput, Conflict, NotFound, StorageError, reason_of
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.interrupt_settings import MOMENTS, NAMES, checked
from sdr_lab.tune.labels import read_json, write_json
from sdr_lab.tune.sweep_space import RANGES

VERSION = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FOLDER = "presets"

ALSO = ("detector", "use_vad", "require_text", "hold", "hold_ms")
"""What every preset says beside what a sweep varies."""
OTHERS = ("enabled", "by_signal", "acknowledgements", "stop_words", *MOMENTS)
"""Not about a detector: a preset says nothing of them."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Named settings and where they come from."""

    name: str
    settings: Mapping[str, Any]
    """By field of `InterruptSettings`; None: the detector's own value."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """`date`, `sdr_lab`, and of a sweep: `corpus`, `objective`, `figures`, `held_out`, …"""

    @property
    def detector(self) -> str:
        return str(self.settings["detector"])

    def env_lines(self) -> dict[str, str]:
        """Return the settings as `.env` has them; an empty value means "not set"."""
        return {f"INTERRUPT_{name.upper()}": _text(v) for name, v in self.settings.items()}


class Presets:
    """The presets of a workspace."""

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER

    def names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def get(self, name: str) -> Preset:
        """Read a preset.

        Raises:
            NotFound: there is none of that name.
            BadInput: its file is damaged or holds a setting that is not allowed.
        """
        path = self._path(name)
        if not path.is_file():
            known = ", ".join(self.names()) or "there are none yet"
            hint = did_you_mean(name, self.names())
            raise NotFound(f"preset {name!r}: there is none of that name; there are: {known}{hint}")
        row = read_json(path)
        if not isinstance(row, dict) or row.get("version") != VERSION:
            raise BadInput(f"{path}: is no preset of version {VERSION}; save it again")
        settings, provenance = row.get("settings"), row.get("provenance", {})
        if not isinstance(settings, dict) or "detector" not in settings:
            raise BadInput(f"{path}: lacks settings with a detector; save it again")
        return Preset(name, _checked(settings, path), provenance)

    def save(self, preset: Preset, replace: bool = False) -> Path:
        """Write a preset, all of it or nothing.

        Raises:
            BadInput: the name is not allowed.
            Conflict: the name is in use, and it must not be replaced.
            StorageError: it can't be written.
        """
        path = self._path(preset.name)
        if path.exists() and not replace:
            raise Conflict(f"preset {preset.name!r} exists; use another name, or --replace")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.folder}: can't write: {reason_of(error)}") from None
        write_json(
            path,
            {
                "version": VERSION,
                "name": preset.name,
                "settings": dict(preset.settings),
                "provenance": dict(preset.provenance),
            },
        )
        return path

    def check_free(self, name: str, replace: bool = False) -> None:
        """Say before the work, not after it, that a name can't be used.

        Raises:
            BadInput: the name is not allowed.
            Conflict: it is in use.
        """
        if self._path(name).exists() and not replace:
            raise Conflict(f"preset {name!r} exists; use another name, or --replace")

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise BadInput(
                f"preset {name!r}: a name has up to 64 of a-z, 0-9, - and _, "
                "and begins with a letter or digit"
            )
        return self.folder / f"{name}.json"


def preset_of(
    name: str,
    settings: InterruptSettings,
    now: datetime,
    outcome: Mapping[str, Any] | None = None,
    corpus: str = "",
) -> Preset:
    """Make a preset of settings.

    Args:
        now: With its time zone.
        outcome: `SweepResult.to_dict()` of the sweep that chose them; None: chosen by hand.
        corpus: Where the calls lie.
    """
    provenance: dict[str, Any] = {
        "date": now.isoformat(timespec="seconds"),
        "sdr_lab": __version__,
        "source": "sweep" if outcome else "by hand",
    }
    if outcome:
        calls = {"id": outcome["corpus"], "path": corpus}
        provenance["corpus"] = calls | {key: outcome[key] for key in ("calls", "audio_s")}
        kept = ("objective", "settings", "figures", "intervals", "held_out", "notes")
        provenance |= {key: outcome[key] for key in kept}
    return Preset(name, relevant(settings), provenance)


def relevant(settings: InterruptSettings) -> dict[str, Any]:
    """Return the settings that a detector looks at, and whatever else is not the default."""
    default, values = asdict(InterruptSettings()), asdict(settings)
    wanted = {*ALSO, *RANGES.get(settings.detector, {})}
    wanted |= {name for name in NAMES if values[name] != default[name]}
    return {name: values[name] for name in NAMES if name in wanted and name not in OTHERS}


def merged(overrides: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
    """Return an agent's interrupt overrides with those of a preset; None takes one away."""
    values = {**overrides, **preset.settings}
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that differs; None: not set."""

    name: str
    old: Any
    new: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return what differs, in the order of `InterruptSettings`."""
    return [
        Difference(name, old.get(name), new.get(name))
        for name in NAMES
        if (name in old or name in new) and old.get(name) != new.get(name)
    ]


def _checked(settings: Mapping[str, Any], path: Path) -> dict[str, Any]:
    found = {}
    for name, value in settings.items():
        if name not in NAMES:
            raise BadInput(f"{path}: setting {name!r} is unknown{did_you_mean(name, NAMES)}")
        found[name] = None if value is None else checked(name, value)
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
