"""What webhooks are told of a call: the seed's nine events, read from the events of the call."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sdr_lab.events import (
    AgentStopped,
    CallEnded,
    CallStarted,
    Event,
    Interrupted,
    ToolFinished,
    ToolStarted,
    TurnOver,
    WordsHeard,
)
from sdr_lab.records import CallConfig

CALL_EVENTS = (
    "call.initiated",
    "call.started",
    "call.ended",
    "call.failed",
    "transcript.partial",
    "transcript.final",
    "agent.response",
    "tool.called",
    "user.interrupted",
)

POST_CALL = "post_call_transcription"
"""The event of the official SDK: its `data` is the conversation as the API shows it."""

PING = "ping"
"""Sent on request, to see whether a webhook answers."""

HOOK_EVENTS = (*CALL_EVENTS, POST_CALL)
"""What a webhook may ask for."""

FAILED = frozenset({"error", "stalled", "cancelled"})
"""Reasons of `CallEnded` that nobody wanted: `call.failed` instead of `call.ended`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that webhooks are to be told."""

    event: str
    """One of `HOOK_EVENTS`."""
    agent_id: str
    conversation_id: str
    data: Mapping[str, Any]
    at_s: float = field(default_factory=time.time)
    """Unix time."""
    id: str = field(default_factory=lambda: f"evt_{secrets.token_hex(12)}")
    """The same in every delivery of it: receivers that see it twice have seen it already."""

    def body(self) -> str:
        """Return it as JSON, exactly as it is sent. `type`, `event_timestamp` and `data` are what
        the official SDK's `construct_event` is used for."""
        return json.dumps(
            {
                "type": self.event,
                "event": self.event,
                "id": self.id,
                "event_timestamp": int(self.at_s),
                "timestamp": datetime.fromtimestamp(self.at_s, UTC).isoformat(
                    timespec="milliseconds"
                ),
                "agent_id": self.agent_id,
                "conversation_id": self.conversation_id,
                "call_sid": self.data.get("call_sid"),
                "data": self.data,
            },
            ensure_ascii=False,
            default=str,
        )


class CallNotices:
    """A listener on one call that tells webhooks. It runs in the call's loop: it only notes.

    Args:
        tell: Takes what is to be told; must not block.
    """

    def __init__(self, config: CallConfig, tell: Callable[[Notice], None]) -> None:
        self._config = config
        self._tell = tell
        self._arguments: dict[str, dict[str, Any]] = {}
        """Of tools that run, by name."""

    def __call__(self, event: Event) -> None:
        match event:
            case WordsHeard(is_final=False):
                self._note("transcript.partial", event, text=event.text)
            case TurnOver():
                self._note("transcript.final", event, turn=event.turn, text=event.text)
            case AgentStopped() if event.text:
                self._note(
                    "agent.response", event, turn=event.turn, text=event.text, interrupted=False
                )
            case Interrupted():
                self._interrupted(event)
            case ToolStarted():
                self._arguments[event.name] = event.arguments
            case ToolFinished():
                self._tool(event)
            case CallStarted() | CallEnded():
                self._call(event)
            case _:
                return

    def _interrupted(self, event: Interrupted) -> None:
        said = {"turn": event.turn, "heard": event.heard, "planned": event.planned}
        self._note("user.interrupted", event, **said, onset_ms=event.onset_ms)
        if event.heard:
            self._note(
                "agent.response", event, turn=event.turn, text=event.heard,
                original_text=event.planned, interrupted=True,
            )  # fmt: skip

    def _tool(self, event: ToolFinished) -> None:
        self._note(
            "tool.called",
            event,
            turn=event.turn,
            tool_name=event.name,
            arguments=self._arguments.pop(event.name, {}),
            success=event.ok,
            result=event.content,
            result_data=event.data,
        )

    def _call(self, event: CallStarted | CallEnded) -> None:
        config = self._config
        about = {
            "direction": config.direction,
            "phone_number": config.caller_number,
            "line": config.line,
            "agent_name": config.agent.name,
            "agent_version": config.agent.version,
        }
        if isinstance(event, CallStarted):
            self._note("call.started", event, **about, dynamic_variables=dict(config.variables))
            return
        name = "call.failed" if event.reason in FAILED else "call.ended"
        duration_s = round(event.duration_ms / 1000, 3)
        self._note(name, event, **about, ended_reason=event.reason, duration_secs=duration_s)

    def _note(self, name: str, event: Event, **data: Any) -> None:
        config = self._config
        known = {"call_sid": config.call_sid or None, "time_in_call_secs": event.at_ms / 1000}
        ids = {"conversation_id": config.conversation_id, "agent_id": config.agent.id}
        self._tell(Notice(name, config.agent.id, config.conversation_id, ids | known | data))
