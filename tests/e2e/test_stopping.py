"""A server that ends in the middle of calls: as it should, and by kill -9."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio

from sdr_lab.config import Settings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_network import PhoneNetwork
from sdr_lab.store.folder import Conversation
from tests.e2e.stage import Stage
from tests.e2e.world import (
    INCOMING,
    JOE,
    KEY,
    OURS,
    PUBLIC,
    SETTINGS,
    WAIT_S,
    World,
    eventually,
    free_socket,
    says,
    serving,
    told_of,
    url_of,
    world,
)
from tests.live.receiver import Receiver, receiving

pytestmark = pytest.mark.asyncio(loop_scope="package")

REPOSITORY = Path(__file__).parents[2]
HIS = "+14155550137"


def talker() -> Caller:
    """Somebody who does not think of hanging up."""
    return says(Caller(number=HIS), "I am just thinking about it.", after=0.2).hangs_up(at=15)


async def has_begun(call: PhoneCall) -> None:
    """Wait until he has spoken."""
    async with asyncio.timeout(WAIT_S):
        await call.until(lambda c: bool(c.streams) and bool(c.stream.handset.caller.spoken))


@dataclass
class Stopped:
    """A call whose server was told to stop."""

    call: PhoneCall
    told: Conversation
    late: PhoneCall
    """One that came when it was stopping."""


async def stop(home: Path) -> Stopped:
    async with world(home, SHUTDOWN_GRACE_S=3) as here:
        await here.post("/phone-numbers", {"phone_number": OURS, "agent_id": await here.agent()})
        call = await here.network.ring(OURS, talker(), INCOMING)
        await has_begun(call)
        here.server.should_exit = True
        await eventually(lambda: is_stopping(here), "it takes calls for ever")
        late = await here.network.ring(OURS, Caller(), INCOMING)
        async with asyncio.timeout(WAIT_S):
            await here.network.settled(late)
            await here.network.settled(call)
        lab = here.lab
    return Stopped(call, await asyncio.to_thread(lab.calls.get, call.sid), late)


async def is_stopping(here: World) -> bool:
    return not here.desk.switchboard.is_open


@asynccontextmanager
async def process(
    home: Path, network: PhoneNetwork, bound: socket.socket
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python server.py` in a process of its own."""
    given = {**SETTINGS, "SDR_LAB_HOME": home, "TWILIO_API_URL": network.base_url}
    names = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "HF_HUB_OFFLINE")
    env = {name: os.environ[name] for name in names if name in os.environ}
    env |= {name: str(value) for name, value in given.items()} | {"PYTHONPATH": str(REPOSITORY)}
    port = str(bound.getsockname()[1])
    bound.close()
    arguments = ("server.py", "--port", port, "--env-file", os.devnull)
    with (home / "server.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=REPOSITORY, env=env, stdout=log, stderr=log
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def is_up(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health")).is_success
    except httpx.TransportError:
        return False


@dataclass
class Crashed:
    """A call whose server was killed, as the next server tells it."""

    call: PhoneCall
    before: dict[str, Any]
    told: dict[str, Any]
    sound: bytes
    receiver: Receiver


async def crash(home: Path) -> Crashed:
    first, second = free_socket(), free_socket()
    url = url_of(first)
    async with (
        receiving() as receiver,
        PhoneNetwork(reach={PUBLIC: url}) as network,
        httpx.AsyncClient(base_url=url, headers={"xi-api-key": KEY}, timeout=WAIT_S) as http,
    ):
        async with process(home, network, first) as child:
            await eventually(lambda: is_up(http), f"see {home / 'server.log'}")
            agent = (await http.post("/v1/convai/agents", json=JOE)).json()
            number = {"phone_number": OURS, "agent_id": agent["agent_id"]}
            (await http.post("/v1/convai/phone-numbers", json=number)).raise_for_status()
            hook = {"url": receiver.url, "events": ["call.failed", "post_call_transcription"]}
            (await http.post("/v1/convai/webhooks", json=hook)).raise_for_status()
            call = await network.ring(OURS, talker(), INCOMING)
            await has_begun(call)
            before = (await http.get(f"/v1/convai/conversations/{call.sid}")).json()
            child.send_signal(signal.SIGKILL)
            await child.wait()
            async with asyncio.timeout(WAIT_S):
                await network.settled(call)
        with second:
            given = {**SETTINGS, "SDR_LAB_HOME": home, "TWILIO_API_URL": network.base_url}
            async with serving(Settings.load(None, given, environ={}), second, network) as here:
                told = await here.done(call.sid)
                sound = await here.http.get(f"/v1/convai/conversations/{call.sid}/audio")
                await eventually(lambda: told_of(receiver, "post_call_transcription"), "no webhook")
    return Crashed(call, before, told, sound.content, receiver)


@asynccontextmanager
async def two_servers(home: Path) -> AsyncIterator[tuple[Stopped, Crashed]]:
    """Both at once."""
    homes = home / "stop", home / "crash"
    for path in homes:
        path.mkdir()
    stopped, crashed = await asyncio.gather(stop(homes[0]), crash(homes[1]))
    yield stopped, crashed


PLAY = two_servers


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def both(stage: Stage) -> tuple[Stopped, Crashed]:
    return await stage.of(PLAY)


async def test_when_the_server_stops_he_hears_a_goodbye(both: tuple[Stopped, Crashed]):
    stopped, _ = both
    last = stopped.told.turns[-1]

    assert stopped.call.warnings == []
    assert (str(stopped.told.status), stopped.told.ended_reason) == ("completed", "stopping")
    assert (last.role, last.text) == ("agent", "Goodbye.")
    assert stopped.call.duration_s < 15  # he would have stayed


async def test_when_the_server_stops_new_callers_hear_that_it_is_busy(
    both: tuple[Stopped, Crashed],
):
    stopped, _ = both

    assert (stopped.late.status, stopped.late.streams) == ("busy", [])


async def test_after_a_crash_the_call_is_broken_off(both: tuple[Stopped, Crashed]):
    _, crashed = both

    assert crashed.before["status"] == "in-progress"
    assert crashed.call.stream.ending == "server closed"
    assert (crashed.told["call_status"], crashed.told["status"]) == ("broken-off", "failed")
    assert crashed.told["ended_reason"] == "server stopped"
    assert crashed.told["transcript"][0]["message"] == "Hi, this is Joe."


async def test_after_a_crash_the_recording_can_be_heard(both: tuple[Stopped, Crashed]):
    _, crashed = both
    with wave.open(io.BytesIO(crashed.sound)) as recording:
        seconds = recording.getnframes() / 8000
        loudest = np.abs(np.frombuffer(recording.readframes(10**6), "<i2").astype(int)).max()

    length_s = crashed.call.stream.handset.at_ms / 1000
    assert length_s - 1.5 <= seconds <= length_s + 0.5
    assert loudest > 1000


async def test_after_a_crash_webhooks_are_told_once(both: tuple[Stopped, Crashed]):
    _, crashed = both

    assert sorted(crashed.receiver.kinds) == ["call.failed", "post_call_transcription"]
