"""Plain values that travel between the steps of a call. Frozen, no behaviour beyond derivation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sdr_lab.thresholds import CallSettings as CallSettings
from sdr_lab.thresholds import EndpointSettings as EndpointSettings
from sdr_lab.thresholds import InterruptSettings as InterruptSettings

FRAME_MS = 20
"""Twilio sends one media message per 20 ms; everything in a call is counted in such frames."""

FRAME_BYTES = 160
"""20 ms of 8 kHz µ-law, one byte a sample."""

MOST_CHARS = 2000
"""What is looked at of one turn: nobody says more in one go, but a program can send it, and the
time that wordings take to be found grows with the square of the length."""

Role = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of audio.

    Attributes:
        pcm: Samples, shape (n,), int16, mono.
        rate_hz: Sampling rate, 1..384000.
    """

    pcm: NDArray[np.int16]
    rate_hz: int

    @property
    def duration_ms(self) -> float:
        return 1000 * len(self.pcm) / self.rate_hz


@dataclass(frozen=True, slots=True)
class Words:
    """What a transcriber has understood so far of the words since its last final result.

    An interim result (`is_final` false) replaces the interim result before it; a final one is
    appended to the turn and never changes. `end_ms` says how much of the caller's audio the
    text accounts for: the floor compares it with the caller's last voiced frame.
    """

    text: str
    is_final: bool
    start_ms: int
    """Stream time of the first sample that the text covers."""
    end_ms: int
    """Stream time up to which audio has been taken into account."""
    confidence: float = 1.0
    """0..1; 1 when the provider reports none."""


class Signal(StrEnum):
    """What a transcriber with an end-of-turn model of its own says about the caller's turn."""

    TURN_STARTED = "turn_started"
    TURN_ENDING = "turn_ending"
    """It may be over: a reply may be prepared, nothing of it said."""
    TURN_RESUMED = "turn_resumed"
    """It was not over."""
    TURN_ENDED = "turn_ended"
    """It is over, and its words are final."""


@dataclass(frozen=True, slots=True)
class TurnSignal:
    """A transcriber's judgement on the caller's turn, beside the words."""

    signal: Signal
    at_ms: int
    """Stream time up to which audio has been taken into account."""
    confidence: float = 1.0
    """0..1; 1 when the provider reports none."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the conversation as the caller experienced it."""

    role: Role
    text: str
    """For the agent: the words that were heard, not the words that were planned."""
    interrupted: bool = False
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the knowledge base that was found for a question."""

    id: str
    text: str
    source: str
    """File name of the document."""
    score: float
    """Fused score, higher is better. Only comparable within one search."""
    title: str = ""
    vector_score: float | None = None
    """Cosine similarity -1..1, None when only the keyword search found it."""
    keyword_score: float | None = None
    """BM25 score >= 0, None when only the vector search found it."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What the caller wants, as far as one sentence shows it."""

    name: str
    """One of `sdr_lab.agents.intent.INTENTS`."""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is shown to a language model."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments object."""
    confirm: bool = False
    """Ask the caller before running it."""


@dataclass(frozen=True, slots=True)
class WebTool:
    """A tool of one agent that calls somebody's web service."""

    name: str
    """`[a-z][a-z0-9_]{0,63}`, not the name of a built-in tool."""
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments object."""
    url: str
    """https, to a public address."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """May hold secrets: never logged, never written to a call folder."""
    timeout_s: float = 10
    confirm: bool = False
    """Ask the caller before running it."""
    id: str = ""
    """`tool_…`, set by the store."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    confirm: bool = False
    """The model wants the caller's yes first (`[CONFIRM_TOOL:…]`)."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool did."""

    name: str
    ok: bool
    content: str
    """One or two plain sentences for the model (and, for `playbook`, for the caller)."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The same as values: `{"start": "2026-12-01T10:00:00-05:00", "title": …}`."""
    ends_call: bool = False
    """After this reply has been heard, hang up."""
    transfers_to: str | None = None
    """After this reply has been heard, connect the caller to this number or department."""


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment that is in the calendar."""

    id: str
    """`appt_…`."""
    start: datetime
    """With the agent's time zone."""
    minutes: int
    name: str
    email: str
    topic: str
    ics_path: str = ""
    """The iCalendar file of it; empty when none was written."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Values found in the caller's words (by rules, not by the model)."""

    when: datetime | None = None
    """A day and time in the agent's time zone, when both were said."""
    day: str | None = None
    """ISO date, when only a day was said (or with `when`)."""
    part_of_day: Literal["morning", "afternoon", "evening"] | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Playbook:
    """The agent's own lines, for the embedded model `playbook` (no language model needed).

    Lines may hold `{{variables}}`. Keys of `lines` are intent names and named moments; see
    docs/providers.md for the list and for what is used when one is missing.
    """

    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    """Short facts the agent may state without looking them up: topic words → sentence."""
    forbidden: tuple[str, ...] = ()
    """Topics the agent must decline to talk about."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a language model gets for one reply. Structured; each model renders it."""

    system: str
    """The agent's system prompt with variables filled, the speech rules and the date."""
    words: str
    """What the caller said in this turn. Empty when the agent speaks unprompted."""
    history: tuple[Message, ...] = ()
    """Earlier turns, oldest first, without `words`."""
    passages: tuple[Passage, ...] = ()
    intent: Intent = Intent("OTHER", 0.0)
    phase: Literal["CALL_START", "DISCOVERY", "ACTIVE"] = "CALL_START"
    variables: Mapping[str, str] = field(default_factory=dict)
    slots: Slots = Slots()
    tools: tuple[ToolSpec, ...] = ()
    results: tuple[ToolResult, ...] = ()
    """Results of tools already run for this reply, oldest first."""
    pending: ToolCall | None = None
    """A tool that waits for the caller's yes."""
    playbook: Playbook = Playbook()
    asked: bool = False
    """The agent's last sentence was a question."""
    now: datetime | None = None
    """The time in the agent's time zone."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent at one version. Made from YAML, the store or the API; never changed in place."""

    id: str
    name: str
    version: int
    system_prompt: str
    first_message: str
    voice: str = ""
    """Voice of the TTS provider; empty: the provider's default."""
    model: str = ""
    """Model of the LLM provider; empty: the provider's default."""
    stt_provider: str = "auto"
    llm_provider: str = "auto"
    tts_provider: str = "auto"
    language: str = "en"
    time_zone: str = "America/New_York"
    silence_threshold_s: float | None = None
    """None: the setting SILENCE_THRESHOLD_SEC."""
    interrupt: Mapping[str, Any] = field(default_factory=dict)
    """Overrides of `InterruptSettings`, by field name."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Default values of `{{variables}}`."""
    tools: tuple[str, ...] = ()
    """Names of built-in tools that are switched on."""
    knowledge: str = "default"
    """Name of the knowledge base."""
    playbook: Playbook = Playbook()
    vocabulary: tuple[str, ...] = ()
    """Names that callers will say (company, products): speech to text spells them right."""
    departments: Mapping[str, str] = field(default_factory=dict)
    """Transfer targets: department → phone number (E.164)."""
    apology: str = "I'm sorry, I'm having trouble right now. Could you say that again?"
    reprompt: str = "Are you still there?"
    goodbye: str = "Thanks for your time. Goodbye."
    not_heard: str = "Sorry, I didn't catch that. Could you say it again?"
    temperature: float = 0.2
    on_voicemail: Literal["hang_up", "leave_message", "ignore"] = "hang_up"
    """What to do when an answering machine takes an outbound call; `ignore` asks for no
    detection at all."""
    voicemail_message: str = ""
    """Said after the tone with `leave_message`."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """What a single key press does: digit → `mark_do_not_call`, `end_call` or
    `transfer_call:<department>`. Other keys are the caller's words."""
    max_call_s: float | None = None
    """Longest call; None: the setting MAX_CALL_S."""
    evaluation: Mapping[str, str] = field(default_factory=dict)
    """Success criteria: id → what must be true of a call that went well."""
    data_collection: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Values to take from a call: id → `{"type": "string", "description": …}`."""
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Parts of `conversation_config` and `platform_settings` that clients of the API send and
    this server keeps and gives back, but does not use."""


@dataclass(frozen=True, slots=True)
class CallConfig:
    """Frozen at the start of a call and written to `call.json`."""

    conversation_id: str
    agent: Agent
    settings: CallSettings
    stt: str
    llm: str
    tts: str
    line: str
    """`simulated`, `twilio`, `browser`, `replay`."""
    direction: Literal["inbound", "outbound"] = "inbound"
    caller_number: str = ""
    """E.164, empty when unknown."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values for this call; they win over the agent's defaults."""
    started_at: str = ""
    """ISO 8601 with offset, wall clock."""
    call_sid: str = ""
    knowledge_version: str = ""
