"""Calls that go on, over HTTP: seen while they run, ended by hand, told to webhooks."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sdr_lab.simulate.caller import Caller
from tests.live.receiver import receiving
from tests.live.served import HIS, INCOMING, OURS, Served, served

URL = "/v1/convai/conversations"


async def until(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for something to be so, and return it."""
    async with asyncio.timeout(20):
        while not (found := await ask()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return found


def client_of(server: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url)


@pytest.mark.parametrize(("goodbye", "last"), [(True, "Goodbye."), (False, "")])
async def test_a_call_is_seen_and_ended(tmp_path: Path, goodbye: bool, last: str):
    caller = Caller(number=HIS).says("how much is it", at=1.5).hangs_up(at=60)
    async with served(tmp_path, INSECURE_PRIVATE_WEBHOOKS=True) as server, receiving() as receiver:
        server.lab.hooks.create(receiver.url, ["*"])
        ringing = await server.network.ring(OURS, caller, INCOMING)
        async with client_of(server) as http:

            async def asked() -> dict[str, Any] | None:
                call = (await http.get(f"{URL}/{ringing.sid}")).json()
                roles = [turn["role"] for turn in call.get("transcript", [])]
                return call if "user" in roles else None

            running = await until(asked)
            wish = {"say_goodbye": goodbye, "reason": "agent"}
            reply = await http.post(f"{URL}/{ringing.sid}/end", json=wish)
            await server.network.settled(ringing)

            async def is_done() -> dict[str, Any] | None:
                call = (await http.get(f"{URL}/{ringing.sid}")).json()
                return call if call["status"] == "done" else None

            done = await until(is_done)
            sound = await http.get(f"{URL}/{ringing.sid}/audio", headers={"Range": "bytes=0-43"})
            again = await http.post(f"{URL}/{ringing.sid}/end")

        async def is_told() -> bool:
            return "post_call_transcription" in receiver.kinds

        await until(is_told)

    assert (running["status"], running["call_status"]) == ("in-progress", "in-progress")
    assert reply.json()["success"] is True
    assert (done["call_status"], done["ended_reason"]) == ("completed", "agent")
    assert done["transcript"][-1]["message"].endswith(last)
    assert done["analysis"]["method"] == "rules"
    assert (sound.status_code, sound.content[:4]) == (206, b"RIFF")
    assert again.status_code == 409
    assert receiver.kinds[-1] == "post_call_transcription"
    told = [kind for kind in receiver.kinds if kind.startswith("call.")]
    assert told == ["call.initiated", "call.started", "call.ended"]
    assert {event["conversation_id"] for event in receiver.events} == {done["conversation_id"]}
    assert receiver.events[-1]["data"]["transcript"] == done["transcript"]


async def test_twilio_s_recording_is_passed_on(tmp_path: Path):
    async with served(tmp_path) as server:
        server.network.subscribe(HIS, Caller().says("hello", at=0.5).hangs_up())
        async with client_of(server) as http:
            order = {"agent_id": "joe", "to_number": HIS, "call_recording_enabled": True}
            placed = await http.post("/v1/convai/twilio/outbound-call", json=order)
            call = server.network.calls[placed.json()["callSid"]]
            await server.network.settled(call)
            path = f"{URL}/{placed.json()['conversation_id']}"

            async def recorded() -> str | None:
                return (await http.get(path)).json()["recording_url"]

            await until(recorded)
            theirs = await http.get(f"{path}/recording")
            ours = await http.get(f"{path}/audio")

    assert theirs.headers["x-recording-source"] == "twilio"
    assert theirs.content[:4] == ours.content[:4] == b"RIFF"
