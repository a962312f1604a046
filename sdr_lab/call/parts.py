"""What a call is made of, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdr_lab.agents.tools import Toolbox
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.llm.base import LanguageModel
from sdr_lab.records import ToolCall
from sdr_lab.stt.base import Transcriber
from sdr_lab.tts.base import Voice


@dataclass(frozen=True, slots=True)
class Parts:
    """What a call is made of."""

    transcriber: Transcriber
    model: LanguageModel
    voice: Voice
    toolbox: Toolbox
    search: Search = field(default_factory=NoKnowledge)
    reserve_voice: Voice | None = None
    """Speaks when `voice` fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    reason: str
    """See `events.CallEnded`."""
    duration_ms: int
    turns: int
    underruns: int
    """Times the caller heard a hole in the middle of a reply."""
    recording_error: str = ""
    """Why the recording stopped before the call did; empty: it is whole."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What an interruption left unsaid."""

    text: str
    planned: str
    """The whole of what was to be said."""
    ends_call: str
    transfers_to: str
    proposed: ToolCall | None = None
    """A tool whose question was not heard to its end: no yes can mean it."""
