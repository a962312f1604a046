"""The same call with the real ears, voice and memory: the shipped agent, a recorded caller."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.simulate.script import recording
from tests.e2e.world import OURS, World, eventually, world

pytestmark = pytest.mark.models

HIS = "+14155550123"
DANA = Path(__file__).parents[2] / "datasets" / "callers" / "dana"


def dana() -> Caller:
    """Dana in a hurry: the price, a demo, goodbye."""
    return (
        Caller()
        .says("How much does it cost?", after=0.3, sound=recording(DANA / "01.wav"))
        .cuts_in("Book me a demo.", into=1.5, sound=recording(DANA / "07.wav"))
        .says("No, that's all.", after=0.3, sound=recording(DANA / "08.wav"))
    )


async def is_warm(here: World) -> bool:
    """Say whether the models are loaded, so that the call measures none of it."""
    return not any(task.get_name() == "warm-up" for task in asyncio.all_tasks())


async def test_an_outbound_call_with_the_embedded_models(home: Path):
    async with world(
        home,
        STT_PROVIDER="whisper",
        TTS_PROVIDER="piper",
        PIPER_DETERMINISTIC=True,
        EMBED_MODEL="sentence-transformers/all-MiniLM-L6-v2",
        TWILIO_PHONE_NUMBER=OURS,
    ) as here:
        await eventually(lambda: is_warm(here), "the models do not load")
        here.network.subscribe(HIS, Subscriber(dana()))
        call = await here.place("maplewood", HIS)
        async with asyncio.timeout(90):
            await here.network.settled(call)
        told: dict[str, Any] = await here.done(call.sid)

    turns = told["transcript"]
    words = [turn["message"].lower() for turn in turns if turn["role"] == "user"]
    tools = [used["tool_name"] for turn in turns for used in turn["tool_calls"]]
    found = [turn["rag_retrieval_info"] for turn in turns if turn["rag_retrieval_info"]]
    (cut,) = [turn for turn in turns if turn["interrupted"]]
    assert call.warnings == []
    assert "how much does it cost" in words[0]
    assert "demo" in words[1]
    assert re.search("bye|thank", words[-1])
    assert found[0]["chunks"]
    assert "$129" in cut["original_message"]
    assert cut["original_message"].startswith(cut["message"])
    assert tools == ["book_appointment", "end_call"]
    assert (told["call_status"], told["outcome"]) == ("completed", "booked")
    assert told["metadata"]["providers"] == {"stt": "whisper", "llm": "playbook", "tts": "piper"}
