"""Settings: where their values come from, and what is refused. The only reader of the environment.

Later wins: default, `.env` file, process environment, command line. An empty value means
"not set". Wrong values are refused wherever they come from; unknown names are refused in
`.env` and on the command line, and in the environment when they start like ours.
"""

from __future__ import annotations

import difflib
import os
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import PrivateAttr, SecretStr, ValidationError

from sdr_lab.errors import BadInput, NotFound, SettingError
from sdr_lab.own_class import OWN_CLASS
from sdr_lab.phase_overrides import GREETING, THINKING, read_overrides
from sdr_lab.records import Agent, CallSettings, EndpointSettings, InterruptSettings
from sdr_lab.settings_table import OwnClass, SettingsTable

ENV_FILE = Path(".env")

ALIASES = {"AGENT_DATABASE_URL": "DATABASE_URL"}
"""Names of the seed that mean a setting of ours."""

IGNORED = {
    "CHROMA_PATH": "CHROMA_PATH is ignored: knowledge lies in DuckDB files under SDR_LAB_HOME."
}
"""Names of the seed that are accepted without effect, and what the user is told."""

OUR_PREFIXES = ("SDR_LAB_", "INTERRUPT_", "ENDPOINT_", "INTERIM_", "SILENCE_")
"""An unknown variable of the process environment that starts so is a spelling mistake.
Prefixes that other programs use as well (OLLAMA_, TWILIO_, DEEPGRAM_) are not here."""

SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS")
"""A misspelled name that holds one of these may hold a secret: its value is not printed."""

TEST_PREFIX = "SDR_LAB_TEST_"
"""Variables that only the test suite reads."""

Source = Literal["default", ".env", "environment", "command line"]


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One row of the settings table, without its value."""

    name: str
    group: str
    meaning: str
    allowed: str
    default: str
    """As one would write it in `.env`; empty when there is none."""
    is_secret: bool


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name.upper(), [k.upper() for k in known], n=1, cutoff=0.6)
    spelled = {k.upper(): k for k in known}
    return f"; did you mean {spelled[near[0]]}?" if near else ""


class Settings(SettingsTable):
    """All settings of a process. Frozen; make one with `Settings.load` and hand it on."""

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _notices: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def load(
        cls,
        env_file: Path | None = ENV_FILE,
        overrides: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Read the settings.

        Args:
            env_file: File of NAME=value lines; None: none. Only the default one may be missing.
            overrides: Values of the command line by name, in either case; None values are skipped.
            environ: Variables to read instead of the process environment.

        Raises:
            SettingError: a name is unknown or a value is not allowed.
            BadInput: `env_file` can't be read.
        """
        environ = os.environ if environ is None else environ
        given = {k: v for k, v in (overrides or {}).items() if v is not None}
        layers: list[tuple[Source, Mapping[str, object]]] = [
            (".env", _read_env_file(env_file)),
            ("environment", _ours(environ)),
            ("command line", given),
        ]
        values: dict[str, object] = {}
        sources: dict[str, str] = {}
        notices: list[str] = []
        for source, layer in layers:
            named, ignored = _named(layer, source)
            values.update(named)
            sources.update(dict.fromkeys(named, source))
            notices += [note for note in ignored if note not in notices]
        return cls._checked(values, sources, tuple(notices))

    @classmethod
    def names(cls) -> list[str]:
        """Return the name of every setting, in the order of the table."""
        return [field.upper() for field in cls.model_fields]

    @classmethod
    def describe(cls, name: str) -> SettingInfo:
        """Return what there is to know about a setting."""
        key = cls._key(name)
        field = cls.model_fields[key]
        return SettingInfo(
            name=key.upper(),
            group=_extra(key, "group"),
            meaning=field.description or "",
            allowed=_allowed(key),
            default=_text(field.default),
            is_secret=isinstance(field.default, SecretStr),
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told once: settings that have no effect."""
        return self._notices

    @property
    def datasets(self) -> Path:
        """Folder of what ships with the lab: SDR_LAB_DATASETS, else the checkout's datasets/."""
        return self.sdr_lab_datasets or Path(__file__).parents[1] / "datasets"

    def source(self, name: str) -> str:
        """Say where the value of a setting comes from."""
        return self._sources.get(self._key(name), "default")

    def masked(self, name: str) -> str:
        """Return the value of a setting as text that may be shown: secrets hidden."""
        value = getattr(self, self._key(name))
        if isinstance(value, SecretStr):
            return "********" if value else ""
        return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:********@", _text(value))

    def secret(self, name: str) -> str:
        """Return the plain value of a secret; empty when it is not set."""
        return getattr(self, self._key(name)).get_secret_value()

    def accepted_keys(self) -> tuple[str, ...]:
        """Return the single keys of API_KEYS."""
        return tuple(k.strip() for k in self.secret("API_KEYS").split(",") if k.strip())

    def changed(self, source: str, **values: object) -> Self:
        """Return a copy with other values, checked in the same way.

        Raises:
            SettingError: a name is unknown or a value is not allowed.
        """
        named = {_known(name, value, source): value for name, value in values.items()}
        mine = {name: getattr(self, name) for name in self._sources}
        return self._checked(
            {**mine, **named},
            {**self._sources, **dict.fromkeys(named, source)},
            self._notices,
        )

    @classmethod
    def _key(cls, name: str) -> str:
        key = ALIASES.get(name.upper(), name).lower()
        if key not in cls.model_fields:
            hint = did_you_mean(name, cls.names()) or "; `sdr-lab settings` lists them"
            raise NotFound(f"setting {name}: there is none of that name{hint}")
        return key

    @classmethod
    def _checked(
        cls, values: Mapping[str, object], sources: dict[str, str], notices: tuple[str, ...]
    ) -> Self:
        for name, value in values.items():
            if isinstance(value, bool) and cls.model_fields[name].annotation is not bool:
                raise SettingError(name.upper(), value, _allowed(name))
        values = {**values, **_overrides(values)}
        try:
            made = cls.model_validate(values)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            raise SettingError(
                name.upper(), _shown(name, values.get(name)), _allowed(name)
            ) from None
        made._sources = sources
        made._notices = notices
        return made


def call_settings(settings: Settings, agent: Agent) -> CallSettings:
    """Return the thresholds of one call: the settings, changed by what the agent sets itself.

    Raises:
        SettingError: the agent's overrides hold an unknown name or a value that is not allowed.
    """
    owner = f"agent {agent.id!r}"
    fields = [name.removeprefix("interrupt_") for name in _fields("interrupt_")]
    for name in agent.interrupt:
        if name not in fields:
            hint = f"one of {', '.join(fields)}{did_you_mean(name, fields)}"
            raise SettingError(f"interrupt.{name} of {owner}", agent.interrupt[name], hint)
    own: dict[str, object] = {f"interrupt_{k}": v for k, v in agent.interrupt.items()}
    for key in (f"interrupt_{GREETING}", f"interrupt_{THINKING}"):
        if isinstance(given := own.get(key), Mapping):
            own[key] = {**getattr(settings, key), **given}
    if agent.silence_threshold_s is not None:
        own["silence_threshold_sec"] = agent.silence_threshold_s
    if agent.max_call_s is not None:
        own["max_call_s"] = agent.max_call_s
    try:
        s = settings.changed(owner, **own)
    except SettingError as error:
        raise SettingError(f"{error.name} of {owner}", error.value, error.allowed) from None
    return CallSettings(
        endpoint=_endpoint(s),
        interrupt=InterruptSettings(**{k: getattr(s, f"interrupt_{k}") for k in fields}),
        speculate=s.enable_interim_processing,
        interim_min_length=s.interim_min_length,
        ahead_ms=s.play_ahead_ms,
        max_sentences=s.max_sentences,
        max_call_s=s.max_call_s,
        silence_prompt_s=s.silence_prompt_s,
        silence_prompts=s.silence_prompts,
        reply_timeout_s=s.reply_timeout_s,
        stall_timeout_s=s.stall_timeout_s,
        filters=s.audio_filters,
    )


def _overrides(values: Mapping[str, object]) -> dict[str, object]:
    def check(key: str, value: object) -> object:
        return getattr(Settings.load(None, {key: value}, environ={}), key)

    return {
        key: read_overrides(phase, values[key], check, did_you_mean)
        for phase in (GREETING, THINKING)
        if (key := f"interrupt_{phase}") in values
    }


def _endpoint(s: Settings) -> EndpointSettings:
    return EndpointSettings(
        mode=s.endpoint_mode,
        silence_ms=round(1000 * s.silence_threshold_sec),
        complete_factor=s.endpoint_complete_factor,
        trailing_factor=s.endpoint_trailing_factor,
        min_ms=s.endpoint_min_ms,
        stopped_ms=s.endpoint_stopped_ms,
        transcript_wait_ms=s.endpoint_transcript_wait_ms,
    )


def _fields(prefix: str) -> list[str]:
    return [name for name in Settings.model_fields if name.startswith(prefix)]


def _known(name: str, value: object, source: str) -> str:
    key = ALIASES.get(name.upper(), name).lower()
    if key not in Settings.model_fields:
        shown = "********" if any(w in name.upper() for w in SECRET_WORDS) else value
        hint = did_you_mean(name, Settings.names()) or "; `sdr-lab settings` lists them"
        raise SettingError(name.upper(), shown, f"only known names ({source}){hint}")
    return key


def _named(layer: Mapping[str, object], source: str) -> tuple[dict[str, object], list[str]]:
    """Return the values by field name, and the notices for names without effect."""
    values: dict[str, object] = {}
    notices: list[str] = []
    for name, value in layer.items():
        if value == "":
            continue
        if name.upper() in IGNORED:
            notices.append(IGNORED[name.upper()])
            continue
        key = _known(name, value, source)
        if values.setdefault(key, value) != value:
            alias = ", ".join(a for a, real in ALIASES.items() if real == key.upper())
            raise SettingError(key.upper(), "two values", f"one; {alias} is the same setting")
    return values, notices


def _ours(environ: Mapping[str, str]) -> dict[str, str]:
    known = {*Settings.names(), *ALIASES, *IGNORED}
    return {
        name: value
        for name, value in environ.items()
        if name in known or (name.startswith(OUR_PREFIXES) and not name.startswith(TEST_PREFIX))
    }


def _read_env_file(path: Path | None) -> dict[str, str]:
    from dotenv.parser import parse_stream

    if path is None or (path == ENV_FILE and not path.exists()):
        return {}
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"settings file {path}: can't be read ({why}), give a text file") from None
    values: dict[str, str] = {}
    for line in bindings:
        if line.error or (line.key is not None and line.value is None):
            text = line.original.string.strip().split("=")[0]
            where = f"settings file {path}, line {line.original.line}"
            raise BadInput(f"{where}: {text!r} is not NAME=value; quote values with spaces or #")
        if line.key is not None and line.value is not None:
            values[line.key] = line.value
    return values


def _shown(name: str, value: object) -> object:
    """Hide what must not be printed, even when it is wrong."""
    return "********" if isinstance(Settings.model_fields[name].default, SecretStr) else value


def _allowed(name: str) -> str:
    if told := _extra(name, "allowed"):
        return told
    field = Settings.model_fields[name]
    kind = field.annotation
    choices = _choices(kind)
    if choices:
        return ", ".join(choices[:-1]) + f" or {choices[-1]}" if len(choices) > 1 else choices[0]
    if kind is bool:
        return "true or false"
    if kind in (int, float, float | None):
        return ("a whole number" if kind is int else "a number") + _range(field.metadata)
    if kind == tuple[str, ...]:
        return "names separated by commas"
    return "a path" if "Path" in str(kind) else "text"


def _extra(name: str, key: str) -> str:
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra[key]) if isinstance(extra, dict) else ""


def _choices(kind: Any) -> list[str]:
    if OwnClass in typing.get_args(kind):
        return [*_choices(typing.get_args(kind)[0]), OWN_CLASS]
    return [str(c) for c in typing.get_args(kind)] if typing.get_origin(kind) is Literal else []


def _range(metadata: Iterable[Any]) -> str:
    limits: dict[str, Any] = {}
    for part in metadata:
        limits |= {k: v for k in ("ge", "gt", "le") if (v := getattr(part, k, None)) is not None}
    low = f"from {limits['ge']}" if "ge" in limits else f"above {limits.get('gt')}"
    return f" {low} to {limits['le']}" if "ge" in limits else f" {low}, up to {limits['le']}"


def _text(value: object) -> str:
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_text(inner)}" for name, inner in value.items())
    return str(value)
