"""A transcript in the SDK's shape: who said what and when, with what the agent did for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sdr_lab.call.transcript import Line, transcript
from sdr_lab.events import (
    CallStarted,
    Event,
    IntentFound,
    PassagesFound,
    ReplyBegun,
    ToolFinished,
    ToolStarted,
)
from sdr_lab.store.folder import Turn
from sdr_lab.trace.latency import measure
from sdr_lab.trace.turns import metrics_of

ROLES = {"caller": "user", "agent": "agent"}


@dataclass
class Work:
    """What the agent did in one turn."""

    intent: str = ""
    search: dict[str, Any] | None = None
    model: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    at_ms: int = 0
    """Of the first tool."""


def entries(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the transcript of a call, running or over, from its events."""
    work = work_of(events)
    metrics = {turn.turn: metrics_of(turn) for turn in measure(events).turns}
    start = next((event for event in events if isinstance(event, CallStarted)), None)
    rows = []
    told: set[int] = set()
    for line in transcript(events):
        entry = base_entry(line.role, line.text, line.at_ms)
        done = work.get(line.turn, Work())
        if line.role == "caller":
            entry["intent"] = done.intent or None
        elif line.turn not in told:  # a turn that was resumed has several lines
            told.add(line.turn)
            add_work(entry, done, metrics.get(line.turn, {}), start)
        if line.is_interrupted:
            entry["interrupted"] = True
            entry["original_message"] = original(line)
        rows.append(entry)
    for turn, done in work.items():  # tools of replies of which nothing was heard
        if turn not in told and done.calls:
            entry = base_entry("agent", None, done.at_ms)
            add_work(entry, done, {}, start)
            rows.append(entry)
    return sorted(rows, key=lambda entry: entry["at_ms"])


def stored_entries(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the transcript from the index, for calls whose folder is gone."""
    rows = []
    for turn in turns:
        entry = base_entry(turn.role, turn.text, turn.at_ms)
        entry["interrupted"] = turn.interrupted
        if turn.metrics:
            entry["conversation_turn_metrics"] = turn_metrics(turn.metrics, None)
        rows.append(entry)
    return rows


def base_entry(role: str, message: str | None, at_ms: int) -> dict[str, Any]:
    return {
        "role": ROLES[role],
        "message": message,
        "time_in_call_secs": at_ms // 1000,
        "at_ms": at_ms,
        "interrupted": False,
        "original_message": None,
        "tool_calls": [],
        "tool_results": [],
        "feedback": None,
        "conversation_turn_metrics": None,
        "rag_retrieval_info": None,
        "llm_usage": None,
        "source_medium": "audio",
    }


def add_work(
    entry: dict[str, Any], done: Work, metrics: dict[str, float], start: CallStarted | None
) -> None:
    entry["tool_calls"] = done.calls
    entry["tool_results"] = done.results
    entry["rag_retrieval_info"] = done.search
    entry["producing_llm"] = done.model or None
    if metrics:
        entry["conversation_turn_metrics"] = turn_metrics(metrics, start)


def turn_metrics(metrics: Any, start: CallStarted | None) -> dict[str, Any]:
    """Return latencies in the SDK's shape: seconds by the name of the stage."""
    return {
        "metrics": {
            name.removesuffix("_ms"): {"elapsed_time": round(ms / 1000, 4)}
            for name, ms in metrics.items()
        },
        "convai_asr_provider": start.stt if start else None,
        "convai_tts_model": start.tts if start else None,
    }


def original(line: Line) -> str:
    """Return what the agent had wanted to say."""
    return f"{line.text} {line.cut_off}".strip()


def work_of(events: Sequence[Event]) -> dict[int, Work]:
    """Return what was done in each turn."""
    found: dict[int, Work] = {}
    for event in events:
        match event:
            case IntentFound():
                found.setdefault(event.turn, Work()).intent = event.intent
            case PassagesFound():
                found.setdefault(event.turn, Work()).search = retrieval(event)
            case ReplyBegun():
                found.setdefault(event.turn, Work()).model = event.model
            case ToolStarted():
                start_tool(found.setdefault(event.turn, Work()), event)
            case ToolFinished():
                finish_tool(found.setdefault(event.turn, Work()), event)
            case _:
                continue
    return found


def retrieval(event: PassagesFound) -> dict[str, Any]:
    return {
        "chunks": [
            {
                "document_id": passage.get("source", ""),
                "chunk_id": passage.get("id", ""),
                "vector_distance": round(1 - float(passage.get("score", 0)), 4),
                "score": passage.get("score"),
                "source": passage.get("source"),
                "text": passage.get("text"),
            }
            for passage in event.passages
        ],
        "retrieval_query": event.query,
        "rag_latency_secs": round(event.took_ms / 1000, 4),
        "embedding_model": "local",
    }


def start_tool(done: Work, event: ToolStarted) -> None:
    done.at_ms = done.at_ms or event.at_ms
    done.calls.append(
        {
            "type": "system",
            "request_id": f"{event.turn}-{len(done.calls)}",
            "tool_name": event.name,
            "params_as_json": json.dumps(event.arguments, ensure_ascii=False, default=str),
            "tool_has_been_called": True,
            "clock_ms": event.clock_ms,
        }
    )


def finish_tool(done: Work, event: ToolFinished) -> None:
    answered = {result["request_id"] for result in done.results}
    begun = (
        call
        for call in done.calls
        if call["tool_name"] == event.name and call["request_id"] not in answered
    )
    call: dict[str, Any] = next(begun, {"request_id": f"{event.turn}-{len(done.results)}"})
    began_ms = call.get("clock_ms", event.clock_ms)
    done.results.append(
        {
            "type": "system",
            "request_id": call["request_id"],
            "tool_name": event.name,
            "result_value": event.content,
            "is_error": not event.ok,
            "tool_has_been_called": True,
            "tool_latency_secs": round(max(0.0, event.clock_ms - began_ms) / 1000, 4),
            "result_data": event.data,
        }
    )
