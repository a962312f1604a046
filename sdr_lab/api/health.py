"""Is the server alive, can it take a call, what is missing and how to get it; its numbers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from sdr_lab import __version__
from sdr_lab.agents.tool_specs import SPECS
from sdr_lab.api.auth import KEY, refusal
from sdr_lab.api.errors import ERRORS
from sdr_lab.api.state import desk_of, lab_of, state_of
from sdr_lab.doctor import Check, Machine
from sdr_lab.errors import SdrLabError
from sdr_lab.lab import Lab
from sdr_lab.live.desk import Desk
from sdr_lab.live.metrics import CONTENT_TYPE

router = APIRouter(tags=["Server"])

DeskHere = Annotated[Desk, Depends(desk_of)]
LabHere = Annotated[Lab, Depends(lab_of)]


class Home(BaseModel):
    name: str
    version: str
    links: dict[str, str]


class Health(BaseModel):
    status: Literal["ok"]
    version: str
    uptime_s: float


class CheckReply(BaseModel):
    name: str
    state: Literal["ok", "missing", "optional"]
    detail: str
    remedy: str = Field(description="How to get it.")


class Ready(BaseModel):
    status: Literal["ready", "not_ready"]
    why: list[str] = Field(description="What stands in the way of a call.")
    running_calls: int | None = None
    max_calls: int | None = None
    checks: list[CheckReply] | None = Field(None, description="For those who may use the API.")


class Gpu(BaseModel):
    device: str
    cuda_available: bool
    gpu_name: str | None
    gpu_count: int
    torch_version: str | None


class ToolsStatus(BaseModel):
    tools_available: list[str]
    departments: dict[str, str] = Field(description="Of the agent that answers by default.")
    needs_confirmation: list[str]
    silence_threshold_sec: float
    utterance_end_ms: int


@router.get("/", response_model=Home, summary="What this is")
async def home() -> dict[str, Any]:
    """Its version, and where to go on."""
    links = {
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/health",
        "ready": "/ready",
        "metrics": "/metrics",
        "phone": "/phone",
    }
    return {"name": "sdr_lab", "version": __version__, "links": links}


@router.get("/health", response_model=Health, summary="Is it alive")
async def health(request: Request) -> dict[str, Any]:
    """Answers as long as the event loop does; looks at nothing else."""
    alive_s = round(time.time() - state_of(request).started_s, 1)
    return {"status": "ok", "version": __version__, "uptime_s": alive_s}


@router.get(
    "/ready",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "A call can't be taken."}},
    summary="Can it take a call",
)
async def ready(request: Request, response: Response, desk: DeskHere) -> dict[str, Any]:
    """503 when a call could not be taken now; `checks` say how to get what is missing."""
    state = state_of(request)
    async with state.looking:
        checks = [
            await asyncio.to_thread(_database, state.lab),
            *await asyncio.to_thread(state.examined),
        ]
    why = [f"{check.name}: {check.detail}" for check in checks if check.state == "missing"]
    if closed := desk.switchboard.why_closed:
        why.append(closed)
    reply: dict[str, Any] = {"status": "not_ready" if why else "ready"}
    response.status_code = 503 if why else 200
    if refusal(request) is not None:
        return reply | {"why": [name.partition(":")[0] for name in why]}
    return reply | {
        "why": why,
        "running_calls": len(desk.switchboard.running),
        "max_calls": desk.settings.max_calls,
        "checks": [asdict(check) for check in checks],
    }


def _database(lab: Lab) -> Check:
    """Ask the database something small: it may have gone since the start."""
    from sqlalchemy import text

    try:
        lab.database.read(lambda session: session.execute(text("SELECT 1")).scalar())
    except SdrLabError as error:
        return Check("records", "missing", str(error), "see the message")
    return Check("records", "ok", "the database answers")


@router.get(
    "/metrics",
    dependencies=[KEY],
    responses={
        **ERRORS,
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "Prometheus' text.",
        },
    },
    response_class=Response,
    summary="Numbers for Prometheus",
)
async def metrics(desk: DeskHere) -> Response:
    """Calls by outcome, latency of each stage, barge-ins, errors, webhooks. Prometheus sends a key
    with `authorization: credentials`."""
    desk.metrics.running_now(call.kind for call in desk.switchboard.running.values())
    return Response(desk.metrics.text(), media_type=CONTENT_TYPE)


@router.get(
    "/gpu-status", response_model=Gpu, dependencies=[KEY], responses=ERRORS, summary="Graphics card"
)
async def gpu_status() -> dict[str, Any]:
    """Whether models could run on an NVIDIA card; torch itself is not loaded for the answer."""
    machine = Machine()
    names = await asyncio.to_thread(machine.gpus)
    return {
        "device": "cuda" if names else "cpu",
        "cuda_available": bool(names),
        "gpu_name": names[0] if names else None,
        "gpu_count": len(names),
        "torch_version": machine.version_of("torch"),
    }


@router.get(
    "/tools/status",
    response_model=ToolsStatus,
    dependencies=[KEY],
    responses=ERRORS,
    summary="Built-in tools",
)
async def tools_status(lab: LabHere) -> dict[str, Any]:
    """The tools that agents may have; those of one agent are below /v1/convai/agents."""
    agent = await asyncio.to_thread(lab.agent)
    return {
        "tools_available": list(SPECS),
        "departments": dict(agent.departments),
        "needs_confirmation": [spec.name for spec in SPECS.values() if spec.confirm],
        "silence_threshold_sec": lab.settings.silence_threshold_sec,
        "utterance_end_ms": lab.settings.utterance_end_ms,
    }
