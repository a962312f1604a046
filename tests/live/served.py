"""A live server on loopback, with a workspace whose callers are understood by script."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI

from sdr_lab.agents.overrides import Overrides
from sdr_lab.agents.tools import Toolbox
from sdr_lab.api.app import create_app
from sdr_lab.api.state import state_of
from sdr_lab.call.parts import Parts
from sdr_lab.config import Settings
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.lab import Lab
from sdr_lab.live.desk import Desk
from sdr_lab.llm.base import LanguageModel
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.providers import Chosen
from sdr_lab.records import Agent
from sdr_lab.simulate.phone_network import ACCOUNT_SID, AUTH_TOKEN, PhoneNetwork
from sdr_lab.store.folder import Conversation
from sdr_lab.stt.base import Transcriber
from sdr_lab.stt.scripted import Said, ScriptedTranscriber
from sdr_lab.tts.tone import Tone

PUBLIC = "https://calls.example"
OURS = "+15550001111"
HIS = "+14155550137"
INCOMING = f"{PUBLIC}/voice/incoming"

Heard = Callable[[], Sequence[Said]]


class ScriptedLab(Lab):
    """A workspace whose calls need no weights: words and replies by script, a tone for a voice."""

    def __init__(self, settings: Settings, model: LanguageModel | None = None) -> None:
        super().__init__(settings)
        self.model: LanguageModel = model or ScriptedModel(lambda prompt: "I see. Go on.")
        self.heard: Heard = list
        """What the caller has said so far."""

    def parts(
        self,
        agent: Agent,
        chosen: Chosen,
        search: Search,
        overrides: Overrides | None = None,
    ) -> Parts:
        transcriber: Transcriber = ScriptedTranscriber(lambda: self.heard())
        toolbox = Toolbox(self.calendar, self.do_not_call, NoKnowledge())
        return Parts(transcriber, self.model, Tone(), toolbox)

    async def ready_knowledge(self, agent: Agent, say: Callable[[str], None]) -> Search:
        return NoKnowledge()


AGENT = Agent(
    id="joe",
    name="Joe",
    version=1,
    system_prompt="You sell dispatch software.",
    first_message="Hello, this is Joe.",
    goodbye="Goodbye.",
    tools=("end_call", "transfer_call", "mark_do_not_call"),
    departments={"sales": "+15550002222"},
)


def live_settings(home: object, **changes: Any) -> Settings:
    """Return settings of a server on loopback that knows a phone network."""
    given: dict[str, object] = {
        "SDR_LAB_HOME": home,
        "STT_PROVIDER": "whisper",
        "LLM_PROVIDER": "playbook",
        "TTS_PROVIDER": "tone",
        "TTS_CACHE_MB": 0,
        "EMBED_MODEL": "hash",
        "PUBLIC_URL": PUBLIC,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_PHONE_NUMBER": OURS,
        "SHUTDOWN_GRACE_S": 2,
    }
    return Settings.load(None, {**given, **changes}, environ={})


def scripted_lab(home: object, model: LanguageModel | None = None, **changes: Any) -> ScriptedLab:
    """Return a workspace in which the agent `joe` answers our number."""
    lab = ScriptedLab(live_settings(home, **changes), model)
    lab.agents.save(AGENT, author="test")
    lab.numbers.create(OURS, agent_id=AGENT.id)
    return lab


def call_over(lab: Lab, key: str, within_s: float = 10) -> Conversation:
    """Return a call when it is over. What follows the closing of its socket takes milliseconds."""
    end_s = time.monotonic() + within_s
    while not (call := lab.calls.get(key)).status.is_over:
        assert time.monotonic() < end_s, f"{key} is still {call.status}"
        time.sleep(0.01)
    return call


@dataclass
class Served:
    """A running server."""

    url: str
    app: FastAPI
    lab: ScriptedLab
    desk: Desk
    network: PhoneNetwork

    def listen_to(self, network: PhoneNetwork) -> None:
        """Understand whoever talks on the last stream of the network."""

        def heard() -> Sequence[Said]:
            streams = [stream for call in network.calls.values() for stream in call.streams]
            return streams[-1].handset.caller.spoken if streams else []

        self.lab.heard = heard


@asynccontextmanager
async def served(
    home: object, model: LanguageModel | None = None, **changes: Any
) -> AsyncIterator[Served]:
    """Run a server and a phone network that reach each other."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with PhoneNetwork(reach={PUBLIC: url}) as network:
            lab = scripted_lab(home, model, TWILIO_API_URL=network.base_url, **changes)
            app = create_app(lab=lab)
            config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="on")
            server = uvicorn.Server(config)
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(server.serve(sockets=[bound]))
                while not server.started:
                    assert not task.done(), "the server did not start"
                    await asyncio.sleep(0.01)
                made = Served(url, app, lab, await state_of(app).desk(), network)
                made.listen_to(network)
                try:
                    yield made
                finally:
                    await made.desk.stop_calls()
                    server.should_exit = True
