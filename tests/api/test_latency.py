"""Where the time of an answer goes."""

import pytest
from fastapi.testclient import TestClient

from sdr_lab.api.latency import LatencyAggregate
from sdr_lab.api.state import state_of
from sdr_lab.lab import Lab
from tests.live.finished_call import JOE, make_call

URL = "/v1/convai/latency"


@pytest.fixture
def lab(client: TestClient) -> Lab:
    lab = state_of(client.app).lab  # type: ignore[arg-type]
    lab.agents.save(JOE)
    for name in ("conv_1", "conv_2"):
        lab.calls.add_from_folder(make_call(lab.calls.calls_dir, name))
    return lab


@pytest.mark.parametrize("key", ["CAconv_1", "conv_1"])
def test_one_call(client: TestClient, lab: Lab, key: str):
    told = client.get(f"{URL}/{key}").json()

    assert (told["call_sid"], told["conversation_id"]) == ("CAconv_1", "conv_1")
    assert told["turns"][1]["stages"]["voice_to_voice_ms"] == 600.0
    assert told["barge_ins"][0]["heard"] == "It is forty-nine"
    assert told["percentiles"]["interrupted"]["voice_to_voice_ms"]["p50"] == 600.0


def test_over_many_calls(client: TestClient, lab: Lab):
    told = LatencyAggregate.model_validate(client.get(URL, params={"agent_id": "joe"}).json())

    assert (told.calls, told.turns) == (2, 4)
    total = told.stages["voice_to_voice_ms"]
    assert (total.count, total.p50) == (4, 650.0)  # 600 and 700 ms in each call
    assert total.stage == "voice to voice"


def test_of_an_agent_without_calls(client: TestClient, lab: Lab):
    told = client.get(URL, params={"agent_id": "nobody"}).json()

    assert (told["calls"], told["stages"]) == (0, {})


def test_of_a_call_that_was_not_answered(client: TestClient, lab: Lab):
    row = lab.calls.create(JOE, "+13125550100")

    reply = client.get(f"{URL}/{row.id}")

    assert reply.status_code == 404
    assert "was not answered" in reply.json()["error"]
