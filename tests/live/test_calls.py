"""Whole calls over the wire: the phone network's REST API, webhooks and streams, and our server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from sdr_lab.live.outbound import OutboundRequest, place_call
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_faults import RestFault
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.store.folder import Conversation, Status
from tests.live.served import AGENT, HIS, INCOMING, OURS, PUBLIC, Served, call_over, served

LONG = "Our plan is the best plan that anybody in this town has ever had, and it costs very little."
TRANSFER = "One moment. [TOOL:transfer_call:sales]"
SALES = AGENT.departments["sales"]


async def ring(server: Served, caller: Caller) -> PhoneCall:
    """Let somebody call, and wait for the end."""
    call = await server.network.ring(
        OURS, caller, INCOMING, from_=HIS, status_callback=f"{PUBLIC}/voice/status"
    )
    async with asyncio.timeout(30):
        await server.network.settled(call)
    return call


async def dial(server: Served, subscriber: Subscriber) -> PhoneCall:
    """Call somebody, and wait for the end."""
    server.network.subscribe(HIS, subscriber)
    placed = await place_call(server.desk, OutboundRequest("joe", HIS, recording=True))
    call = server.network.calls[placed.call_sid]
    async with asyncio.timeout(30):
        await server.network.settled(call)
    return call


async def kept(server: Served, call: PhoneCall) -> Conversation:
    return await asyncio.to_thread(call_over, server.lab, call.sid)


async def test_somebody_calls_cuts_in_and_hangs_up(home: Path):
    caller = Caller().says("Which plan?", after=0.3).cuts_in("Stop.", into=1.0).hangs_up(after=0.5)
    model = ScriptedModel(lambda prompt: LONG if "plan" in prompt.words else "Fine.")
    async with served(home, model) as server:
        call = await ring(server, caller)
        row = await kept(server, call)

    assert not call.warnings
    assert call.stream.ending == "hung up"
    assert (row.status, row.ended_reason, row.direction) == (Status.COMPLETED, "caller", "inbound")
    assert [turn.role for turn in row.turns][:3] == ["agent", "caller", "agent"]
    cut = [turn for turn in row.turns if turn.interrupted]
    assert len(cut) == 1
    assert LONG.startswith(cut[0].text)
    assert len(cut[0].text) < len(LONG)


async def test_the_agent_hangs_up_and_the_network_confirms_it(home: Path):
    model = ScriptedModel(lambda prompt: "Goodbye. [TOOL:end_call]")
    async with served(home, model) as server:
        call = await dial(server, Subscriber(Caller().says("Who is this?", at=0.3).hangs_up(at=60)))
        row = await kept(server, call)
        asked = [(kind, method) for kind, method, _ in server.network.requests]

    assert not call.warnings
    assert (row.status, row.ended_reason) == (Status.COMPLETED, "agent")
    assert ("update", "POST") in asked
    assert row.metadata["recording_sid"] == call.recordings[0].sid
    assert row.network["status"] == "completed"


async def test_a_machine_hears_the_message(home: Path):
    async with served(home) as server:
        message = "Joe called. Please call back."
        agent = replace(AGENT, on_voicemail="leave_message", voicemail_message=message)
        server.lab.agents.save(agent, author="test")
        greeting = Caller().says("Please leave a message.", at=0.2, lasts=1.0).hangs_up(at=60)
        call = await dial(server, Subscriber(greeting, answered_by="machine_end_beep", amd_s=1.3))
        row = await kept(server, call)

    assert not call.warnings
    assert (row.status, row.ended_reason) == (Status.VOICEMAIL, "voicemail")
    assert row.turns[-1].text == message
    assert not row.turns[-1].interrupted


async def test_a_caller_is_transferred(home: Path):
    async with served(home, ScriptedModel(lambda prompt: TRANSFER)) as server:
        call = await ring(server, Caller().says("Sales please.", after=0.3).hangs_up(at=60))
        row = await kept(server, call)

    assert not call.warnings
    assert [leg.to for leg in call.dialled] == [SALES]
    assert call.dialled[0].from_ == OURS
    assert row.ended_reason == "transfer"
    assert row.metadata["transfer"]["status"] == "completed"


async def test_a_transfer_that_rest_refuses_is_dialled_after_the_stream(home: Path):
    async with served(home, ScriptedModel(lambda prompt: TRANSFER)) as server:
        server.network.fail(RestFault(on="update", status=500))
        call = await ring(server, Caller().says("Sales please.", after=0.3).hangs_up(at=60))
        row = await kept(server, call)

    assert [leg.to for leg in call.dialled] == [SALES]
    assert row.metadata["transfer"]["status"] == "completed"


async def test_a_transfer_may_be_over_before_twilio_has_answered(home: Path):
    async with served(home, ScriptedModel(lambda prompt: TRANSFER)) as server:
        server.network.subscribe(SALES, Subscriber(outcome="busy"))
        server.network.fail(RestFault(on="update", delay_s=0.5, acts=True))
        call = await ring(server, Caller().says("Sales please.", after=0.3).hangs_up(at=60))
        row = await kept(server, call)

    assert call.said == ["We are sorry, nobody is available right now. Goodbye."]
    assert (row.ended_reason, row.metadata["transfer"]["status"]) == ("transfer", "busy")


async def test_when_the_server_stops_callers_hear_a_goodbye(home: Path):
    async with served(home, SHUTDOWN_GRACE_S=6) as server:
        call = await server.network.ring(OURS, Caller().hangs_up(at=60), INCOMING, from_=HIS)
        async with asyncio.timeout(10):
            await call.until(lambda call: bool(call.streams) and bool(call.stream.received))
        await server.desk.stop_calls()
        busy = await ring(server, Caller())
        row = await kept(server, call)

    assert (row.status, row.ended_reason) == (Status.COMPLETED, "stopping")
    assert row.turns[-1].text == AGENT.goodbye
    assert busy.status == "busy"
