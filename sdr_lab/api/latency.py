"""Where the time of an answer goes: for one call, and over many."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from sdr_lab.api.auth import KEY
from sdr_lab.api.errors import ERRORS
from sdr_lab.api.state import lab_of
from sdr_lab.errors import NotFound
from sdr_lab.lab import Lab
from sdr_lab.trace.report import report_full_latency
from sdr_lab.trace.stages import ANSWER, STAGES, TOTAL, percentiles_of

router = APIRouter(
    prefix="/v1/convai/latency", tags=["Latency"], dependencies=[KEY], responses=ERRORS
)

MOST_CALLS = 1000

NAMES = {f"{stage.key}_ms": stage.words for stage in (*STAGES, ANSWER, TOTAL)}
"""Stage → in plain words."""

AnyLab = Annotated[Lab, Depends(lab_of)]


class Percentiles(BaseModel):
    """How long a stage took over many turns, milliseconds."""

    stage: str
    count: int
    p50: float
    p90: float
    p95: float
    p99: float


class LatencyAggregate(BaseModel):
    """Latency over many calls."""

    agent_id: str | None
    calls: int
    turns: int
    stages: dict[str, Percentiles]
    """By stage; `voice_to_voice_ms` is what callers feel."""


class CallLatencyReply(BaseModel):
    """Latency of one call."""

    model_config = ConfigDict(extra="allow")

    call_sid: str | None
    conversation_id: str
    turns: list[dict[str, Any]]
    barge_ins: list[dict[str, Any]]
    percentiles: dict[str, Any]


@router.get("", response_model=LatencyAggregate, summary="Latency over many calls")
async def aggregate(
    lab: AnyLab,
    agent_id: Annotated[str, Query(max_length=128, description="Id or name.")] = "",
    since_unix: Annotated[int | None, Query(ge=0, le=253_402_300_799)] = None,
    calls: Annotated[int, Query(ge=1, le=MOST_CALLS, description="The newest so many.")] = 100,
) -> JSONResponse:
    """Percentiles of each stage over the agent's answers in the newest calls."""
    from sdr_lab.store.call_rows import CallFilter

    since = None if since_unix is None else datetime.fromtimestamp(since_unix, UTC)
    which = CallFilter(agent=agent_id, since=since)

    def work() -> dict[str, Any]:
        count, metrics = lab.calls.turn_metrics(which, calls)
        answers = [turn for turn in metrics if f"{TOTAL.key}_ms" in turn]
        return {
            "agent_id": agent_id or None,
            "calls": count,
            "turns": len(answers),
            "stages": {
                name: {"stage": words, **found}
                for name, words in NAMES.items()
                if (found := percentiles_of([turn[name] for turn in answers if name in turn]))
            },
        }

    return JSONResponse(await asyncio.to_thread(work))


@router.get("/{call_sid}", response_model=CallLatencyReply, summary="Latency of one call")
async def of_call(
    call_sid: Annotated[str, Path(description="Call SID or conversation id.", max_length=128)],
    lab: AnyLab,
) -> JSONResponse:
    """The moments and stages of each turn, interruptions, and percentiles over the call."""

    def work() -> dict[str, Any]:
        call = lab.calls.get(call_sid)
        if call.folder is None or not (call.folder / "events.jsonl").is_file():
            raise NotFound(f"call {call.id} has no events: it was not answered")
        report = report_full_latency(call.folder)
        measured = report["calls"][0]
        return {
            "call_sid": call.call_sid,
            "conversation_id": call.id,
            "agent_id": call.agent_id,
            "call_status": str(call.status),
            "turns": measured["turns"],
            "barge_ins": measured["barge_ins"],
            "spoken": measured["spoken"],
            "percentiles": report["percentiles"],
        }

    return JSONResponse(await asyncio.to_thread(work))
