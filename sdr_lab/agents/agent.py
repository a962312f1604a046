"""Agents from YAML and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from sdr_lab.agents.tool_specs import BUILT_IN
from sdr_lab.errors import BadInput, NotFound
from sdr_lab.records import Agent, Playbook

_PHONE = r"^\+[1-9]\d{6,14}$"


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    """Numbers are welcome where text is spoken; true, lists and mappings are not."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_as_text), Field(max_length=20_000)]
Line = Annotated[str, Field(min_length=1, max_length=1_000)]
KeyAction = Annotated[
    str, Field(pattern=r"^(mark_do_not_call|end_call|transfer_call:[a-z0-9 _-]{1,64})$")
]
Phrases = Annotated[list[Annotated[str, Field(min_length=1, max_length=80)]], Field(max_length=500)]
Lines = Annotated[list[Line], BeforeValidator(_as_list), Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ThinkingFile(_Model):
    """Overrides of `records.InterruptSettings` while a reply is in preparation."""

    enabled: StrictBool | None = None
    min_speech_ms: int | None = Field(None, ge=20, le=5_000)


class GreetingFile(_Model):
    """Overrides of `records.InterruptSettings` while the first message is spoken."""

    enabled: StrictBool | None = None
    min_energy: int | None = Field(None, ge=0, le=32_124)
    baseline_factor: float | None = Field(None, ge=1, le=20)
    min_speech_ms: int | None = Field(None, ge=20, le=5_000)
    debounce_ms: int | None = Field(None, ge=0, le=10_000)
    require_text: StrictBool | None = None
    use_vad: StrictBool | None = None
    by_signal: StrictBool | None = None
    hold: StrictBool | None = None
    hold_ms: int | None = Field(None, ge=100, le=5_000)
    hold_score: float | None = Field(None, ge=0, le=1)
    stop_score: float | None = Field(None, ge=0, le=1)
    hold_activity_ms: int | None = Field(None, ge=20, le=5_000)
    activity_ms: int | None = Field(None, ge=20, le=5_000)
    noise_margin_db: float | None = Field(None, ge=0, le=60)
    echo_margin_db: float | None = Field(None, ge=0, le=60)
    acknowledgements: Phrases | None = None
    stop_words: Phrases | None = None


class InterruptFile(GreetingFile):
    """Overrides of `records.InterruptSettings`."""

    detector: str | None = Field(None, min_length=1, max_length=200)
    greeting: GreetingFile | None = None
    thinking: ThinkingFile | None = None


class PlaybookFile(_Model):
    """The agent's own lines, for the embedded model."""

    lines: dict[str, Lines] = Field(default_factory=dict)
    facts: dict[str, Line] = Field(default_factory=dict)
    forbidden: list[Line] = Field(default_factory=list)


class AgentFile(_Model):
    """An agent as it is written in YAML or sent over REST."""

    id: str = Field("", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$|^$")
    name: str = Field(min_length=1, max_length=100)
    version: int = Field(1, ge=1)
    system_prompt: str = Field(min_length=1, max_length=20_000)
    first_message: str = Field(min_length=1, max_length=1_000)
    voice: str = ""
    model: str = ""
    stt_provider: str = "auto"
    llm_provider: str = "auto"
    tts_provider: str = "auto"
    language: Literal["en"] = "en"
    time_zone: str = "America/New_York"
    silence_threshold_s: float | None = Field(None, ge=0.2, le=5)
    interrupt: InterruptFile = Field(default_factory=InterruptFile)  # pyright: ignore[reportArgumentType]
    variables: dict[str, Text] = Field(default_factory=dict)
    tools: list[Literal[BUILT_IN]] = Field(default_factory=list)  # pyright: ignore
    knowledge: str = Field("default", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    playbook: PlaybookFile = PlaybookFile()
    vocabulary: list[Text] = Field(default_factory=list, max_length=50)
    departments: dict[str, Annotated[str, Field(pattern=_PHONE)]] = Field(default_factory=dict)
    apology: Line = Agent.__dataclass_fields__["apology"].default
    reprompt: Line = Agent.__dataclass_fields__["reprompt"].default
    goodbye: Line = Agent.__dataclass_fields__["goodbye"].default
    not_heard: Line = Agent.__dataclass_fields__["not_heard"].default
    temperature: float = Field(0.2, ge=0, le=2)
    on_voicemail: Literal["hang_up", "leave_message", "ignore"] = "hang_up"
    voicemail_message: str = Field("", max_length=1_000)
    keys: dict[Annotated[str, Field(pattern=r"^[0-9*#]$")], KeyAction] = Field(default_factory=dict)
    max_call_s: float | None = Field(None, ge=5, le=14_400)
    evaluation: dict[str, Text] = Field(default_factory=dict, max_length=50)
    data_collection: dict[str, dict[str, Any]] = Field(default_factory=dict, max_length=50)
    tags: list[Text] = Field(default_factory=list, max_length=50)
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("keys")
    @classmethod
    def _departments_exist(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        names = [name.lower() for name in info.data.get("departments", {})]
        wanted = [action.partition(":")[2] for action in value.values() if ":" in action]
        if missing := [name for name in wanted if name not in names]:
            there = ", ".join(names) or "there are none"
            raise ValueError(f"transfer_call:{missing[0]} needs a department; {there}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in _time_zones():
            raise ValueError("a time zone such as America/Chicago")
        ZoneInfo(value)
        return value


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks through a folder: 16 ms


def load_agent(path: Path | str) -> Agent:
    """Read an agent from a YAML file. Without an `id` the file's name is the id.

    Raises:
        NotFound: there is no such file.
        BadInput: the file is no YAML mapping, or a key or value is not allowed; the message
            names file, line, key, value and what is allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{path}: there is no such agent file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: can't be read as text: {error}") from error
    return parse_agent(text, str(path), default_id=path.stem)


def parse_agent(text: str, source: str = "agent", default_id: str = "") -> Agent:
    """Read an agent from YAML text; see `load_agent`."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"{source}: not YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise BadInput(f"{source}: got {type(data).__name__}, allowed: a mapping with name, …")
    return agent_from(data, source, default_id, _lines_of(node) if node else {})


def agent_from(
    data: Mapping[str, Any],
    source: str = "agent",
    default_id: str = "",
    lines: Mapping[tuple[str, ...], int] | None = None,
) -> Agent:
    """Make an agent of a mapping (REST, database, YAML).

    Args:
        data: The keys of `AgentFile`.
        source: Names the origin in errors.
        default_id: Used when `data` has no `id`.
        lines: Line numbers by key path, for errors.

    Raises:
        BadInput: a key or value is not allowed.
    """
    try:
        read = AgentFile.model_validate(dict(data))
    except ValidationError as error:
        raise BadInput(_message(error, source, lines or {})) from error
    values = read.model_dump(exclude={"playbook", "interrupt", "tools", "vocabulary", "tags"})
    values["id"] = read.id or default_id or _slug(read.name)
    playbook = Playbook(
        lines={key: tuple(choices) for key, choices in read.playbook.lines.items()},
        facts=dict(read.playbook.facts),
        forbidden=tuple(read.playbook.forbidden),
    )
    interrupt = read.interrupt.model_dump(exclude_none=True)
    return Agent(
        **values,
        playbook=playbook,
        interrupt=interrupt,
        tools=tuple(read.tools),
        vocabulary=tuple(read.vocabulary),
        tags=tuple(read.tags),
    )


def agent_to_dict(agent: Agent) -> dict[str, Any]:
    """Return an agent as plain values; `agent_from` makes the same agent of them."""
    values = dataclasses.asdict(agent)
    values["tools"] = list(agent.tools)
    values["vocabulary"] = list(agent.vocabulary)
    values["tags"] = list(agent.tags)
    lines = agent.playbook.lines
    values["playbook"] = {
        "lines": {key: list(choices) for key, choices in lines.items()},
        "facts": dict(agent.playbook.facts),
        "forbidden": list(agent.playbook.forbidden),
    }
    return values


def dump_agent(agent: Agent) -> str:
    """Return an agent as YAML, keys in the order of `Agent`."""
    return yaml.safe_dump(agent_to_dict(agent), sort_keys=False, allow_unicode=True, width=96)


def agent_schema() -> dict[str, Any]:
    """Return the JSON schema of an agent's YAML."""
    return AgentFile.model_json_schema()


def _slug(name: str) -> str:
    slug = "".join(char if char.isalnum() else "-" for char in name.lower()).strip("-")
    return slug.encode("ascii", "ignore").decode()[:64] or "agent"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _lines_of(node: yaml.Node, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Return the line of each key and item by its path."""
    found = {path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            found.update(_lines_of(value, inner))
            found[inner] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found.update(_lines_of(value, (*path, str(index))))
    return found


def _message(error: ValidationError, source: str, lines: Mapping[tuple[str, ...], int]) -> str:
    """Return the first problem as one line, and how many more there are."""
    problems = error.errors()
    first = problems[0]
    path = tuple(str(part) for part in first["loc"] if part != "[key]")
    line = lines.get(path) or lines.get(path[:-1])
    place = f"{source}, line {line}" if line and lines else source
    value = repr(first["input"])
    shown = value if len(value) <= 80 else f"{value[:77]}…"
    if first["type"] == "missing":
        text = f"{'.'.join(path)} is missing"
    elif first["type"] == "extra_forbidden":
        text = f"{'.'.join(path)}: unknown key, allowed: {', '.join(_keys_at(path[:-1]))}"
    else:
        text = f"{'.'.join(path)}: got {shown}, allowed: {_allowed(first['msg'])}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{place}: {text}{more}"


def _allowed(message: str) -> str:
    for prefix in (
        "Value error, ",
        "Input should be a valid ",
        "Input should be ",
        "String should ",
    ):
        message = message.removeprefix(prefix)
    return message


MODELS: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("interrupt",): InterruptFile,
    ("interrupt", "greeting"): GreetingFile,
    ("interrupt", "thinking"): ThinkingFile,
    ("playbook",): PlaybookFile,
}


def _keys_at(path: tuple[str, ...]) -> list[str]:
    model = MODELS.get(path, AgentFile)
    return list(model.model_fields)
