"""streamdouble, which nobody here wrote, makes ten calls and finds nothing wrong with ours."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import httpx
import pytest

from eval.streamdouble_calls import CALLS, KEY, LONGEST_S, make_all, own_server
from tests.e2e.world import eventually


async def test_ten_calls_at_once_break_no_rule(home: Path, caplog: pytest.LogCaptureFixture):
    async with own_server(home) as url:
        made = await make_all(url, KEY)
        headers = {"xi-api-key": KEY}
        async with httpx.AsyncClient(base_url=url, headers=headers) as http:

            async def endings() -> Counter[str] | None:
                listed = (await http.get("/v1/convai/conversations")).json()["conversations"]
                found = Counter(call["status"] for call in listed)
                return found if found["done"] + found["failed"] == len(CALLS) else None

            ended = await eventually(endings, "calls go on without anybody")

    faults = {call.call.name: call.faults for call in made if call.faults}
    assert len(made) == 10
    assert faults == {}
    assert not [call.call.name for call in made if not call.report.spoke]
    assert max(call.seconds for call in made) < LONGEST_S + 10
    assert ended["failed"] <= 1  # the one that was cut off, if it counts
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors == []


def test_their_own_violations_would_be_found():
    """A double that finds nothing in anything proves nothing."""
    from streamdouble.protocol import ProtocolViolation, parse_outbound

    for text in ('{"event":"media","media":{"payload":"?"},"streamSid":"MZ1"}', "{}", "x"):
        with pytest.raises(ProtocolViolation):
            parse_outbound(text, expected_stream_sid="MZ1")
