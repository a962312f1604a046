"""The API on a loopback socket, for clients that want one: the official SDK."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from elevenlabs.client import AsyncElevenLabs
from fastapi import FastAPI

from sdr_lab.api.app import create_app
from sdr_lab.api.state import state_of
from sdr_lab.config import Settings
from sdr_lab.lab import Lab
from sdr_lab.live.desk import Desk

KEY = "test-key-of-the-data-server"


@dataclass
class DataServer:
    """A running server and two clients of it."""

    url: str
    lab: Lab
    desk: Desk
    sdk: AsyncElevenLabs
    http: httpx.AsyncClient


def data_settings(home: Path, **changes: object) -> Settings:
    given: dict[str, object] = {
        "SDR_LAB_HOME": home,
        "API_KEYS": KEY,
        "STT_PROVIDER": "whisper",
        "LLM_PROVIDER": "playbook",
        "TTS_PROVIDER": "tone",
        "EMBED_MODEL": "hash",
        "INSECURE_PRIVATE_WEBHOOKS": True,
        "RATE_LIMIT_PER_MINUTE": 0,
        "SHUTDOWN_GRACE_S": 0,
    }
    return Settings.load(None, {**given, **changes}, environ={})


@asynccontextmanager
async def data_server(home: Path, **changes: object) -> AsyncIterator[DataServer]:
    """Run a server with its background work."""
    app: FastAPI = create_app(data_settings(home, **changes))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        async with (
            asyncio.TaskGroup() as tasks,
            httpx.AsyncClient(base_url=url, headers={"xi-api-key": KEY}) as http,
        ):
            task = tasks.create_task(server.serve(sockets=[bound]))
            while not server.started:
                assert not task.done(), "the server did not start"
                await asyncio.sleep(0.01)
            state = state_of(app)
            sdk = AsyncElevenLabs(base_url=url, api_key=KEY)
            try:
                yield DataServer(url, state.lab, await state.desk(), sdk, http)
            finally:
                server.should_exit = True
