"""streamdouble, which nobody here wrote, makes ten calls and finds nothing wrong with ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from streamdouble.protocol import ProtocolViolation, parse_outbound

from eval.streamdouble_calls import CALLS, KEY, LONGEST_S, Made, make_all, own_server
from tests.e2e.stage import Stage
from tests.e2e.world import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")


@dataclass(frozen=True)
class Ten:
    made: list[Made]
    endings: Counter[str]
    """Statuses of the calls as our server tells them."""


@asynccontextmanager
async def ten_calls(home: Path) -> AsyncIterator[Ten]:
    """Make all ten at once, and wait until our server has seen that they are over."""
    async with own_server(home) as url:
        made = await make_all(url, KEY)
        headers = {"xi-api-key": KEY}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as http:

            async def endings() -> Counter[str] | None:
                listed = (await http.get("/v1/convai/conversations")).json()["conversations"]
                found = Counter(call["status"] for call in listed)
                return found if found["done"] + found["failed"] == len(CALLS) else None

            ended = await eventually(endings, "calls go on without anybody")
    yield Ten(made, ended)


PLAY = ten_calls


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def ten(stage: Stage) -> Ten:
    return await stage.of(PLAY)


async def test_ten_calls_at_once_break_no_rule(ten: Ten):
    assert len(ten.made) == 10
    assert {call.call.name: call.faults for call in ten.made if call.faults} == {}


async def test_all_of_them_were_calls(ten: Ten):
    assert [call.call.name for call in ten.made if not call.report.spoke] == []
    assert max(call.seconds for call in ten.made) < LONGEST_S + 10
    assert ten.endings["failed"] <= 1  # the one that was cut off, if it counts


async def test_they_leave_no_traceback(ten: Ten, stage: Stage):
    assert stage.tracebacks.texts == []


@pytest.mark.parametrize(
    "text", ['{"event":"media","media":{"payload":"?"},"streamSid":"MZ1"}', "{}", "x"]
)
async def test_it_would_find_something_wrong(text: str):
    """A double that finds nothing in anything proves nothing."""
    with pytest.raises(ProtocolViolation):
        parse_outbound(text, expected_stream_sid="MZ1")
