"""What calls may come to: answered by others, moved, taken by machines, refused, not answered.

They all go on at once, on one server, as calls do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_faults import StreamFaults
from sdr_lab.simulate.phone_subscriber import Subscriber
from tests.e2e.stage import Stage
from tests.e2e.world import INCOMING, OURS, World, eventually, says, told_of, world
from tests.live.receiver import Receiver, receiving

pytestmark = pytest.mark.asyncio(loop_scope="package")

AMYS = "+15550001112"
SALES, EMPTY_DESK = "+15550002222", "+15550002223"
MESSAGE = "Hi, this is Joe. Please call back."
DANA, BOB, CARL = "+14155550101", "+14155550102", "+14155550103"
MACHINE, FAX_LIKE = "+14155550104", "+14155550105"
BUSY, AWAY, DEAD = "+14155550106", "+14155550107", "+14155550108"
TIRED = "+14155550109"
SAYS_NOTHING = Subscriber(Caller().hangs_up(at=9), stream_faults=StreamFaults(has_start=False))


@dataclass
class Outcome:
    """A call that is over: as the phone network saw it, and as our server tells it."""

    call: PhoneCall
    account: dict[str, Any]

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(turn["role"], turn["message"]) for turn in self.account["transcript"]]


@dataclass
class Evening:
    """All the calls."""

    world: World
    receiver: Receiver
    agents: dict[str, str]
    outcomes: dict[str, Outcome | BaseException]

    def of(self, name: str) -> Outcome:
        outcome = self.outcomes[name]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


async def outcome(here: World, placing: Awaitable[PhoneCall]) -> Outcome:
    call = await placing
    return Outcome(call, await here.settled(call))


async def people(here: World) -> dict[str, str]:
    """Make the agents and numbers; return the agents' ids by name."""
    amy = await here.sdk.conversational_ai.agents.create(
        name="Amy",
        conversation_config={  # type: ignore[arg-type]
            "agent": {
                "first_message": "Hello, Amy speaking.",
                "prompt": {"prompt": "You are Amy of Elm Street Dental."},
            }
        },
    )
    agents = {
        "joe": await here.agent(),
        "amy": amy.agent_id,
        "leaver": await here.agent(
            name="Leaver", on_voicemail="leave_message", voicemail_message=MESSAGE
        ),
        "alone": await here.agent(name="Alone", departments={"sales": EMPTY_DESK}),
    }
    await here.post("/phone-numbers", {"phone_number": OURS, "agent_id": agents["joe"]})
    await here.post("/phone-numbers", {"phone_number": AMYS, "agent_id": agents["amy"]})
    return agents


def subscribers(here: World) -> None:
    """Say who answers, and how."""
    transfer = "Connect me to sales please."
    machine = says(Caller(), "Please leave a message after the tone.", at=0.2).hangs_up(at=15)
    given: dict[str, Subscriber] = {
        BOB: Subscriber(says(Caller(), transfer, after=0.3)),
        CARL: Subscriber(says(Caller(), transfer, after=0.3)),
        SALES: Subscriber(talks_s=0.2),
        EMPTY_DESK: Subscriber(outcome="busy"),
        MACHINE: Subscriber(machine, answered_by="machine_end_beep", amd_s=1.6),
        FAX_LIKE: Subscriber(machine, answered_by="machine_start", amd_s=0.5),
        BUSY: Subscriber(outcome="busy"),
        AWAY: Subscriber(outcome="no-answer"),
        DEAD: Subscriber(outcome="failed"),
        TIRED: Subscriber(Caller().presses("9", after=0.3).hangs_up(after=1.0)),
    }
    for number, subscriber in given.items():
        here.network.subscribe(number, subscriber)


@asynccontextmanager
async def all_calls(home: Path) -> AsyncIterator[Evening]:
    """Make all calls at once and wait until they are over."""
    async with receiving() as receiver, world(home) as here:
        agents = await people(here)
        events = ["call.ended", "call.failed", "post_call_transcription"]
        await here.post("/webhooks", {"url": receiver.url, "events": events})
        subscribers(here)
        joe, leaver, own = agents["joe"], agents["leaver"], {"from_number": OURS}
        dana = says(Caller(number=DANA), "Hello, who is this?", after=0.3).hangs_up(after=0.5)
        placings: dict[str, Awaitable[PhoneCall]] = {
            "inbound": here.network.ring(AMYS, dana, INCOMING),
            "transfer": here.place(joe, BOB, **own),
            "in vain": here.place(agents["alone"], CARL, **own),
            "message": here.place(leaver, MACHINE, **own),
            "machine": here.place(joe, FAX_LIKE, **own),
            "busy": here.place(joe, BUSY, **own),
            "away": here.place(joe, AWAY, **own),
            "dead": here.place(joe, DEAD, **own),
            "nine": here.place(joe, TIRED, **own),
            "mute": here.network.ring(OURS, SAYS_NOTHING, INCOMING),
        }
        ended = await asyncio.gather(
            *(outcome(here, placing) for placing in placings.values()), return_exceptions=True
        )
        yield Evening(here, receiver, agents, dict(zip(placings, ended, strict=True)))


PLAY = all_calls


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def evening(stage: Stage) -> Evening:
    return await stage.of(PLAY)


async def test_the_network_has_nothing_to_complain_of(evening: Evening):
    mute = evening.of("mute").call
    calls = [call for call in evening.world.network.calls.values() if call is not mute]

    assert [warning for call in calls for warning in call.warnings] == []
    assert not evening.world.desk.switchboard.running


async def test_the_called_number_chooses_the_agent(evening: Evening):
    came = evening.of("inbound")

    assert came.account["agent_id"] == evening.agents["amy"]
    assert came.said[0] == ("agent", "Hello, Amy speaking.")
    assert came.said[1] == ("user", "Hello, who is this?")
    assert (came.account["direction"], came.account["phone_number"]) == ("inbound", DANA)
    assert (came.account["status"], came.account["ended_reason"]) == ("done", "caller")
    assert came.account["metadata"]["phone_call"]["agent_number"] == AMYS


async def test_a_transfer_connects_him_with_the_department(evening: Evening):
    moved = evening.of("transfer")
    (leg,) = moved.call.dialled
    transfer = moved.account["metadata"]["transfer"]

    assert (leg.to, leg.from_, leg.status) == (SALES, OURS, "completed")
    assert moved.account["ended_reason"] == "transfer"
    assert moved.account["call_status"] == "completed"
    assert (transfer["to"], transfer["status"]) == (SALES, "completed")
    assert transfer["call_sid"] == leg.sid
    assert "transfer_call" in moved.account["analysis"]["tool_names"]


async def test_a_transfer_in_vain_is_told_to_the_caller(evening: Evening):
    stuck = evening.of("in vain")

    assert [leg.status for leg in stuck.call.dialled] == ["busy"]
    assert "nobody is available" in stuck.call.said[-1]
    assert stuck.account["metadata"]["transfer"]["status"] == "busy"


async def test_a_machine_hears_the_message(evening: Evening):
    left = evening.of("message")

    assert left.account["call_status"] == "voicemail"
    assert left.account["status"] == "done"
    assert ("agent", MESSAGE) in left.said
    assert left.account["metadata"]["answered_by"] == "machine_end_beep"
    assert left.call.order is not None
    assert left.call.order.machine_detection == "DetectMessageEnd"
    assert left.call.status == "completed"
    assert left.call.duration_s < 12  # we hung up, not the machine


async def test_a_machine_is_hung_up_on(evening: Evening):
    left = evening.of("machine")

    assert left.account["call_status"] == "voicemail"
    assert left.account["ended_reason"] == "voicemail"
    assert MESSAGE not in left.account["transcript_text"]
    assert left.call.duration_s < 10  # the machine would have talked on


@pytest.mark.parametrize(
    ("name", "status"), [("busy", "busy"), ("away", "no-answer"), ("dead", "failed")]
)
async def test_nobody_answered(evening: Evening, name: str, status: str):
    vain = evening.of(name)
    key = vain.account["conversation_id"]

    assert (vain.account["call_status"], vain.account["status"]) == (status, "failed")
    assert vain.account["transcript"] == []
    assert not vain.account["has_audio"]
    assert vain.call.streams == []
    assert await eventually(lambda: told_of(evening.receiver, "call.failed", key), key)
    assert await eventually(lambda: told_of(evening.receiver, "post_call_transcription", key), key)
    reply = await evening.world.http.get(f"/v1/convai/conversations/{key}/audio")
    assert reply.status_code == 404


async def test_who_presses_nine_is_never_called_again(evening: Evening):
    asked = evening.of("nine")
    here = evening.world
    before = len(here.network.calls)

    assert asked.account["outcome"] == "do_not_call"
    assert await here.lab.do_not_call.contains(TIRED)
    refused = await here.post(
        "/twilio/outbound-call",
        {"agent_id": evening.agents["joe"], "to_number": TIRED, "from_number": OURS},
        403,
    )
    assert refused["detail"]["status"] == "do_not_call"
    assert TIRED in refused["error"]
    assert len(here.network.calls) == before


async def test_a_stream_that_does_not_say_what_it_is_is_closed(evening: Evening):
    mute = evening.of("mute")

    assert (mute.call.stream.ending, mute.call.stream.close_code) == ("server closed", 1008)
    assert 4 <= mute.call.duration_s < 9
    assert "we can't take your call" in mute.call.said[-1]
    assert mute.account["call_status"] == "failed"


async def test_every_call_is_listed_with_how_it_ended(evening: Evening):
    page = await evening.world.get("/conversations", page_size=100)
    listed = {call["call_sid"]: call["call_status"] for call in page["conversations"]}
    names = {name: evening.of(name).call.sid for name in evening.outcomes}

    assert {name: listed[sid] for name, sid in names.items()} == {
        "inbound": "completed",
        "transfer": "completed",
        "in vain": "completed",
        "message": "voicemail",
        "machine": "voicemail",
        "busy": "busy",
        "away": "no-answer",
        "dead": "failed",
        "nine": "completed",
        "mute": "failed",
    }
    for status in ("voicemail", "busy"):
        found = await evening.world.get("/conversations", status=status)
        assert {call["call_status"] for call in found["conversations"]} == {status}


async def test_no_play_leaves_a_traceback(evening: Evening, stage: Stage):
    assert stage.tracebacks.texts == []
