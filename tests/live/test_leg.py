"""The telephone leg of a call: what of a transfer is kept, whatever Twilio says and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sdr_lab.live.desk import Desk
from sdr_lab.live.leg import Leg
from sdr_lab.telephony.twilio_errors import TwilioError
from tests.live.served import AGENT, HIS, OURS, scripted_lab
from tests.telephony.twilio_server import ACCOUNT, CALL, TwilioServer, refusal, serving

SALES = AGENT.departments["sales"]


@asynccontextmanager
async def leg_of(
    home: Path, direction: str = "inbound"
) -> AsyncIterator[tuple[Leg, TwilioServer, Desk]]:
    async with serving() as server:
        lab = scripted_lab(home, TWILIO_API_URL=server.url, TWILIO_ACCOUNT_SID=ACCOUNT)
        desk = await Desk.open(lab.settings, lab, background=False)
        row = lab.calls.create(lab.agent("joe"), HIS, direction, agent_number=OURS, call_sid=CALL)
        try:
            yield Leg(desk, row.id), server, desk
        finally:
            await desk.close()


def transfer(leg: Leg) -> dict[str, object]:
    return leg.desk.lab.calls.get(leg.conversation_id).metadata["transfer"]


@pytest.mark.parametrize(("direction", "limit"), [("outbound", "14400"), ("inbound", None)])
async def test_a_call_of_ours_gets_time_for_the_talk_with_the_department(
    home: Path, direction: str, limit: str | None
):
    async with leg_of(home, direction) as (leg, server, _):
        await leg.transfer(CALL, SALES)

        assert SALES in server.form()["Twiml"]
        assert server.form().get("TimeLimit") == limit
        assert transfer(leg) == {"to": SALES, "status": "dialling"}


async def test_who_hangs_up_in_the_middle_is_not_transferred(home: Path):
    async with leg_of(home) as (leg, server, _):
        server.status = "completed"

        with pytest.raises(TwilioError):
            await leg.transfer(CALL, SALES)

        assert transfer(leg)["status"] == "canceled"


async def test_what_twilio_would_not_do_now_is_left_for_its_next_question(home: Path):
    async with leg_of(home) as (leg, server, _):
        server.fault = refusal(500, 20500)

        with pytest.raises(TwilioError):
            await leg.transfer(CALL, SALES)

        assert transfer(leg)["status"] == "asked"


async def test_a_number_that_nobody_can_have_is_for_twilio_to_refuse(home: Path):
    """The caller hears that nobody is available; an error here would just cut him off."""
    async with leg_of(home) as (leg, server, _):
        await leg.transfer(CALL, "+15550002")

        assert "+15550002<" in server.form()["Twiml"]
