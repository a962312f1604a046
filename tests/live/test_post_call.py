"""What follows a call: analysis kept, webhooks told, once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdr_lab.config import Settings
from sdr_lab.lab import Lab
from sdr_lab.live.hooks import Hooks
from sdr_lab.live.post_call import PostCall
from tests.live.finished_call import JOE, TALK, make_call


@pytest.fixture
def lab(tmp_path: Path):
    lab = Lab(Settings.load(None, {"SDR_LAB_HOME": tmp_path}, environ={}))
    lab.agents.save(JOE)
    lab.hooks.create("https://crm.example.com/hook", ["*"])
    yield lab
    lab.database.close()


@pytest.fixture
def post_call(lab: Lab) -> PostCall:
    return PostCall(lab, Hooks(lab))


def told(lab: Lab) -> list[dict]:
    """Return what webhooks will be told, in order."""
    return [json.loads(d.body) for d in reversed(lab.deliveries.list().deliveries)]


async def test_a_finished_call_is_judged_and_told(lab: Lab, post_call: PostCall):
    lab.calls.add_from_folder(make_call(lab.calls.calls_dir))

    await post_call.run("conv_1")

    kept = lab.calls.get("conv_1").analysis
    assert kept["disposition"] == "booked"
    (event,) = told(lab)
    assert event["type"] == "post_call_transcription"
    assert event["data"]["conversation_id"] == "conv_1"
    assert event["data"]["status"] == "done"
    assert event["data"]["analysis"] == kept
    assert event["data"]["transcript"][2]["interrupted"] is True


async def test_it_happens_once(lab: Lab, post_call: PostCall):
    lab.calls.add_from_folder(make_call(lab.calls.calls_dir))

    await asyncio.gather(post_call.run("conv_1"), post_call.run("conv_1"))
    await post_call.run("conv_1")

    assert len(told(lab)) == 1


async def test_a_call_that_never_was_is_told_as_failed(lab: Lab, post_call: PostCall):
    row = lab.calls.create(JOE, "+13125550100")
    lab.calls.fail(row.id, "twilio: refused")

    await post_call.run(row.id)

    failed, after = told(lab)
    assert failed["type"] == "call.failed"
    assert failed["data"]["ended_reason"] == "twilio: refused"
    assert after["data"]["analysis"]["call_successful"] == "failure"


async def test_a_call_that_broke_off_is_told_as_failed(lab: Lab, post_call: PostCall):
    folder = make_call(lab.calls.calls_dir, events=TALK[:-1])
    call = json.loads((folder / "call.json").read_text())
    (folder / "call.json").write_text(json.dumps({**call, "pid": 0}))
    lab.calls.add_from_folder(folder)

    await post_call.run("conv_1")

    assert [event["type"] for event in told(lab)] == ["call.failed", "post_call_transcription"]
    assert told(lab)[0]["data"]["call_status"] == "broken-off"


async def test_a_call_that_goes_on_is_left_alone(lab: Lab, post_call: PostCall):
    lab.calls.add_from_folder(make_call(lab.calls.calls_dir, events=TALK[:-1]))

    await post_call.run("conv_1")

    assert told(lab) == []
    assert lab.calls.get("conv_1").analysis == {}


async def test_an_unknown_call_is_no_error(post_call: PostCall, caplog: pytest.LogCaptureFixture):
    await post_call.run("conv_9")

    assert "conv_9" in caplog.text


async def test_what_an_earlier_start_has_left_is_taken_up(lab: Lab, post_call: PostCall):
    today = datetime.now(UTC) - timedelta(minutes=5)
    for name, line, started in (
        ("conv_1", "twilio", today),
        ("conv_2", "twilio", today - timedelta(days=3)),
        ("conv_3", "simulated", today),
    ):
        path = make_call(lab.calls.calls_dir, name, line=line, started_at=started.isoformat())
        lab.calls.add_from_folder(path)

    await post_call.take_up()

    assert [event["data"]["conversation_id"] for event in told(lab)] == ["conv_1"]
    assert lab.calls.get("conv_2").analysis == {}
