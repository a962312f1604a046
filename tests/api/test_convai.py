from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elevenlabs import ElevenLabs
from elevenlabs.conversational_ai.conversation import (
    AudioInterface,
    Conversation,
    ConversationInitiationData,
)
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from sdr_lab.api.app import create_app
from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.octave import Doubler
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.simulate.caller import speech_like
from sdr_lab.store.folder import Status
from sdr_lab.stt.scripted import Said
from tests.live.served import AGENT, ScriptedLab, call_over, scripted_lab, served

KEY = "the-right-key"
LONG = "Our plan is the best plan that anybody in this town has ever had, and it costs very little."


@pytest.fixture
def lab(home: Path) -> ScriptedLab:
    return scripted_lab(home, API_KEYS=KEY)


@pytest.fixture
def client(lab: ScriptedLab) -> Iterator[TestClient]:
    with TestClient(create_app(lab=lab)) as client:
        yield client


def signed_path(client: TestClient, agent_id: str = "joe") -> str:
    reply = client.get(
        "/v1/convai/conversation/get-signed-url",
        params={"agent_id": agent_id},
        headers={"xi-api-key": KEY},
    )
    assert reply.status_code == 200
    return reply.json()["signed_url"].partition("://")[2].partition("/")[2]


def begin(**more: Any) -> str:
    return json.dumps({"type": "conversation_initiation_client_data", **more})


def metadata(ws: WebSocketTestSession) -> str:
    """Return the id of the conversation that has begun."""
    message = ws.receive_json()
    assert message["type"] == "conversation_initiation_metadata"
    event = message["conversation_initiation_metadata_event"]
    formats = (event["agent_output_audio_format"], event["user_input_audio_format"])
    assert formats == ("pcm_16000", "pcm_16000")
    return event["conversation_id"]


def until(ws: WebSocketTestSession, kind: str) -> dict[str, Any]:
    while (message := ws.receive_json())["type"] != kind:
        pass
    return message


def closed(ws: WebSocketTestSession) -> tuple[int, str]:
    while (message := ws.receive())["type"] != "websocket.close":
        pass
    return message["code"], message.get("reason") or ""


def refused(client: TestClient, path: str, headers: dict[str, str] | None = None) -> int:
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect(path, headers=headers or {}),
    ):
        pass
    return caught.value.code


# ---- who is let in


def test_a_link_needs_a_key(client: TestClient):
    for path in ("get-signed-url", "token"):
        reply = client.get(f"/v1/convai/conversation/{path}", params={"agent_id": "joe"})
        assert reply.status_code == 401


def test_a_link_to_nobody_is_not_made(client: TestClient):
    reply = client.get(
        "/v1/convai/conversation/get-signed-url",
        params={"agent_id": "nobody"},
        headers={"xi-api-key": KEY},
    )
    assert reply.status_code == 404


@pytest.mark.parametrize("by", ["link", "token", "header"])
def test_who_may_is_let_in(client: TestClient, lab: ScriptedLab, by: str):
    path, headers = "/v1/convai/conversation?agent_id=joe", {"xi-api-key": KEY}
    if by == "link":
        path, headers = signed_path(client), {}
    elif by == "token":
        reply = client.get("/v1/convai/conversation/token?agent_id=joe", headers=headers)
        path, headers = f"/v1/convai/conversation?token={reply.json()['token']}", {}

    with client.websocket_connect(path, headers=headers) as ws:
        ws.send_text(begin())
        key = metadata(ws)
        assert until(ws, "agent_response")["agent_response_event"]["agent_response"] == (
            AGENT.first_message
        )
        ws.close()

    call = call_over(lab, key)
    assert (call.line, call.agent_id, call.ended_reason) == ("convai", "joe", "caller")


def test_a_browser_puts_its_token_into_the_subprotocol(client: TestClient, lab: ScriptedLab):
    reply = client.get("/v1/convai/conversation/token?agent_id=joe", headers={"xi-api-key": KEY})
    path, token = "/v1/convai/conversation?agent_id=joe", reply.json()["token"]

    with client.websocket_connect(path, subprotocols=["convai", f"bearer.{token}"]) as ws:
        assert ws.accepted_subprotocol == "convai"
        ws.send_text(begin())
        metadata(ws)
        ws.close()

    with pytest.raises(WebSocketDisconnect):
        client.websocket_connect(path, subprotocols=["convai", "bearer.nonsense"]).__enter__()


@pytest.mark.parametrize(
    "query",
    [
        "agent_id=joe",
        "agent_id=joe&conversation_signature=nonsense",
        "agent_id=joe&token=a.b.c",
        "",
    ],
)
def test_who_may_not_is_refused(client: TestClient, lab: ScriptedLab, query: str):
    assert refused(client, f"/v1/convai/conversation?{query}") == 1008
    assert refused(client, f"/v1/convai/conversation?{query}", {"xi-api-key": "wrong"}) == 1008
    assert lab.calls.count() == 0


def test_a_link_leads_to_its_own_agent_only(client: TestClient):
    path = signed_path(client).replace("agent_id=joe", "agent_id=maplewood")

    assert refused(client, path) == 1008


def test_without_keys_programs_on_this_machine_are_let_in_and_nobody_else(home: Path):
    lab = scripted_lab(home)
    path = "/v1/convai/conversation?agent_id=joe"
    with TestClient(create_app(lab=lab)) as client:
        assert refused(client, path, {"X-Forwarded-For": "203.0.113.9"}) == 1008
        assert refused(client, path, {"Origin": "https://evil.example"}) == 1008
        with client.websocket_connect(path) as ws:
            ws.send_text(begin())
            metadata(ws)
            ws.close()


# ---- what is given with a conversation


def test_variables_and_overrides_are_used(client: TestClient, lab: ScriptedLab):
    path = "/v1/convai/conversation?agent_id=joe"
    override = {"agent": {"first_message": "Hi {{lead}}."}, "tts": {"voice_id": "another"}}
    with client.websocket_connect(path, headers={"xi-api-key": KEY}) as ws:
        ws.send_text(
            begin(dynamic_variables={"lead": "Dana"}, conversation_config_override=override)
        )
        key = metadata(ws)
        told = until(ws, "agent_response")
        ws.close()

    assert told["agent_response_event"]["agent_response"] == "Hi Dana."
    assert call_over(lab, key).overrides == {"first_message": "Hi {{lead}}.", "voice": "another"}


def test_a_link_changes_of_the_agent_only_what_the_agent_allows(
    client: TestClient, lab: ScriptedLab
):
    change = begin(conversation_config_override={"agent": {"first_message": "Hacked."}})
    with client.websocket_connect(signed_path(client)) as ws:
        ws.send_text(change)
        code, reason = closed(ws)
    assert code == 1008
    assert "first_message" in reason
    assert lab.calls.count() == 0

    allowed = {"conversation_config_override": {"agent": {"first_message": True}}}
    extra = {"platform_settings": {"overrides": allowed}}
    lab.agents.save(replace(lab.agent("joe"), extra=extra), author="test")
    with client.websocket_connect(signed_path(client)) as ws:
        ws.send_text(change)
        assert until(ws, "agent_response")["agent_response_event"]["agent_response"] == "Hacked."
        ws.close()


@pytest.mark.parametrize(
    "first",
    [
        "nonsense",
        begin(dynamic_variables=[]),
        begin(conversation_config_override={"agent": {"language": "xx"}}),
        begin(conversation_config_override={"agent": {"first_message": "Hi {{nobody_knows}}"}}),
        begin(x="x" * 70_000),
    ],
    ids=["no JSON", "kind", "value", "missing", "long"],
)
def test_a_conversation_that_can_not_begin_says_why(
    client: TestClient, lab: ScriptedLab, first: str
):
    path = "/v1/convai/conversation?agent_id=joe"
    with client.websocket_connect(path, headers={"xi-api-key": KEY}) as ws:
        ws.send_text(first)
        code, reason = closed(ws)

    assert code == 1008
    assert reason
    assert lab.calls.count() == 0


def test_a_client_that_begins_with_sound_is_heard(client: TestClient, lab: ScriptedLab):
    path = "/v1/convai/conversation?agent_id=joe"
    chunk = {"user_audio_chunk": base64.b64encode(bytes(8000)).decode()}
    with client.websocket_connect(path, headers={"xi-api-key": KEY}) as ws:
        ws.send_text(json.dumps(chunk))
        key = metadata(ws)
        until(ws, "audio")
        ws.close()

    assert call_over(lab, key).status is Status.COMPLETED


# ---- the official SDK


class Microphone(AudioInterface):
    """A caller with a script: 16 kHz, in real time, a quarter of a second at a time."""

    def __init__(self, lasts_s: float, **says: tuple[float, float]) -> None:
        self.pcm = np.zeros(int(16_000 * lasts_s), np.int16)
        for begins_s, talks_s in says.values():
            sound = Doubler().push(mulaw_to_pcm(speech_like(talks_s)))
            at = int(16_000 * begins_s)
            self.pcm[at : at + len(sound)] = sound
        self.heard = bytearray()
        self.interruptions = 0
        self._is_over = threading.Event()

    def start(self, input_callback: Callable[[bytes], None]) -> None:
        threading.Thread(target=self._talk, args=(input_callback,), daemon=True).start()

    def stop(self) -> None:
        self._is_over.set()

    def output(self, audio: bytes) -> None:
        self.heard += audio

    def interrupt(self) -> None:
        self.interruptions += 1

    def _talk(self, send: Callable[[bytes], None]) -> None:
        begun_s = time.monotonic()
        for at in range(0, len(self.pcm), 4000):
            if self._is_over.wait(max(0.0, begun_s + (at + 4000) / 16_000 - time.monotonic())):
                return
            send(self.pcm[at : at + 4000].tobytes())


class Log:
    """What the SDK calls back, from its thread; the test waits in the loop."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, ...]] = []
        self._loop = asyncio.get_running_loop()
        self._grew = asyncio.Event()

    def add(self, *entry: str) -> None:
        self.entries.append(entry)
        self._loop.call_soon_threadsafe(self._grew.set)

    async def until(self, *entry: str) -> None:
        async with asyncio.timeout(20):
            while entry not in self.entries:
                self._grew.clear()
                await self._grew.wait()


async def test_the_official_sdk_talks_to_our_agent(home: Path):
    model = ScriptedModel(lambda prompt: LONG if "plan" in prompt.words else "Goodbye then.")
    log = Log()
    async with served(home, model, API_KEYS=KEY) as server:
        said = [Said("Which plan do you have?", 1750, 2750), Said("Stop please.", 5250, 6250)]
        server.lab.heard = lambda: said
        microphone = Microphone(20, asks=(1.75, 1.0), cuts_in=(5.25, 1.0))
        client = ElevenLabs(base_url=server.url, api_key=KEY)
        conversation = Conversation(
            client,
            "joe",
            requires_auth=True,
            audio_interface=microphone,
            config=ConversationInitiationData(dynamic_variables={"lead": "Dana"}),
            callback_agent_response=lambda text: log.add("agent", text),
            callback_agent_response_correction=lambda a, b: log.add("corrected", a, b),
            callback_user_transcript=lambda text: log.add("user", text),
        )
        await asyncio.to_thread(conversation.start_session)
        await log.until("agent", "Goodbye then.")
        conversation.send_user_message("And the plan again?")
        await log.until("user", "And the plan again?")
        await asyncio.to_thread(conversation.end_session)
        key = await asyncio.to_thread(conversation.wait_for_session_end)
        assert key is not None
        call = await asyncio.to_thread(call_over, server.lab, key)

    told = log.entries
    assert told[:2] == [("agent", AGENT.first_message), ("user", "Which plan do you have?")]
    assert ("user", "Stop please.") in told
    [(_, planned, heard), *_] = [entry for entry in told if entry[0] == "corrected"]
    assert planned.startswith(heard)
    assert planned != heard
    assert microphone.interruptions >= 1
    assert len(microphone.heard) > 32_000
    spoken = [turn.text for turn in call.turns if turn.interrupted]
    assert spoken[0].startswith(heard)
    assert call.variables == {"lead": "Dana"}
