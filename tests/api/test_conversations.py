"""Calls over HTTP: list, detail, sound, feedback, end, delete; by hand and by the official SDK."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from elevenlabs.core.api_error import ApiError
from fastapi.testclient import TestClient

from sdr_lab.api.conversation_schemas import ConversationDetail, ConversationPage
from sdr_lab.api.state import state_of
from sdr_lab.lab import Lab
from tests.api.data_server import data_server
from tests.live.finished_call import JOE, TALK, make_call

URL = "/v1/convai/conversations"


@pytest.fixture
def lab(client: TestClient) -> Lab:
    lab = state_of(client.app).lab  # type: ignore[arg-type]
    lab.agents.save(JOE)
    return lab


@pytest.fixture
def folder(lab: Lab) -> Path:
    """Of a finished call."""
    folder = make_call(lab.calls.calls_dir)
    lab.calls.add_from_folder(folder)
    return folder


def many(lab: Lab, count: int) -> None:
    for number in range(count):
        started = f"2026-11-24T10:{number:02d}:00+00:00"
        path = make_call(lab.calls.calls_dir, f"conv_{number}", started_at=started)
        lab.calls.add_from_folder(path)


def test_the_list_pages_through_all_calls_newest_first(client: TestClient, lab: Lab):
    many(lab, 5)
    seen, cursor = [], ""
    while True:
        page = client.get(URL, params={"page_size": 2, "cursor": cursor}).json()
        ConversationPage.model_validate(page)
        seen += [call["conversation_id"] for call in page["conversations"]]
        cursor = page["next_cursor"]
        assert page["has_more"] == bool(cursor)
        if not cursor:
            break

    assert seen == ["conv_4", "conv_3", "conv_2", "conv_1", "conv_0"]


def test_the_list_pages_as_the_seed_does(client: TestClient, lab: Lab):
    many(lab, 5)

    page = client.get(URL, params={"skip": 2, "limit": 2}).json()

    assert [call["conversation_id"] for call in page["conversations"]] == ["conv_2", "conv_1"]
    assert (page["total"], page["has_more"]) == (5, True)
    assert client.get(URL, params={"skip": 9}).json()["conversations"] == []


def test_the_list_of_a_users_calls_and_of_a_direction(client: TestClient, lab: Lab):
    mine = lab.calls.create(JOE, "+13125550100", "outbound", {}, {"user_id": "ann"}).id
    lab.calls.create(JOE, "+13125550100", "inbound", {}, {"user_id": "bob"})

    def listed(**params: str) -> list[str]:
        page = client.get(URL, params=params).json()
        return [call["conversation_id"] for call in page["conversations"]]

    assert listed(user_id="ann") == listed(direction="outbound") == [mine]
    assert listed(user_id="eve") == []


def test_the_version_of_a_call_is_that_of_its_agent(client: TestClient, folder: Path):
    (call,) = client.get(URL).json()["conversations"]

    agent = client.get(
        f"/v1/convai/agents/{call['agent_id']}", params={"version_id": call["version_id"]}
    )

    assert agent.json()["version_id"] == call["version_id"]


def test_the_list_counts_messages_and_hides_summaries_unless_asked(
    client: TestClient, lab: Lab, folder: Path
):
    lab.calls.set_analysis("conv_1", {"transcript_summary": "S", "call_successful": "success"})

    (call,) = client.get(URL).json()["conversations"]
    (full,) = client.get(URL, params={"summary_mode": "include"}).json()["conversations"]

    assert (call["message_count"], call["call_successful"]) == (5, "success")
    assert (call["transcript_summary"], full["transcript_summary"]) == (None, "S")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"agent_id": "joe"}, 1),
        ({"agent_id": "other"}, 0),
        ({"call_start_after_unix": 1795514400}, 1),
        ({"call_start_after_unix": 1795514401}, 0),
        ({"call_start_before_unix": 1795514400}, 0),
        ({"call_duration_min_secs": 10}, 1),
        ({"call_duration_min_secs": 11}, 0),
        ({"call_duration_max_secs": 9}, 0),
        ({"search": "STARTER PLAN"}, 1),
        ({"search": "100%_"}, 0),
        ({"call_successful": "unknown"}, 1),
        ({"call_successful": "success"}, 0),
        ({"status": "completed"}, 1),
        ({"status": "busy"}, 0),
        ({"phone_number": "+13125550100"}, 1),
        ({"phone_number": "(312) 555-0100"}, 1),
        ({"phone_number": " 13125550100"}, 1),  # `?phone_number=+13125550100`
        ({"phone_number": "+13125550101"}, 0),
        ({"phone_number": "anonymous"}, 0),
    ],
)
def test_the_list_is_filtered(
    client: TestClient, lab: Lab, folder: Path, params: dict, expected: int
):
    assert len(client.get(URL, params=params).json()["conversations"]) == expected


@pytest.mark.parametrize(
    "params",
    [
        {"page_size": 0},
        {"page_size": 101},
        {"cursor": "nonsense"},
        {"status": "nonsense"},
        {"call_successful": "maybe"},
        {"call_start_after_unix": 10**30},
        {"sort_direction": "asc"},
        {"tool_names": "end_call"},  # a filter of the SDK that this server does not have
    ],
)
def test_what_the_list_can_not_do_is_refused(client: TestClient, lab: Lab, params: dict):
    reply = client.get(URL, params=params)

    assert reply.status_code == 422
    assert next(iter(params)).split("_")[0] in reply.json()["error"]


@pytest.mark.parametrize("key", ["conv_1", "CAconv_1"])
def test_a_call_is_found_by_either_name(client: TestClient, folder: Path, key: str):
    reply = client.get(f"{URL}/{key}")

    told = ConversationDetail.model_validate(reply.json())
    assert told.conversation_id == "conv_1"
    assert told.transcript[2].original_message == "It is forty-nine dollars a month."


@pytest.mark.parametrize("path", ["", "/audio", "/recording"])
def test_an_unknown_call(client: TestClient, lab: Lab, path: str):
    reply = client.get(f"{URL}/conv_9{path}")

    assert reply.status_code == 404
    assert reply.json()["detail"]["status"] == "not_found"


def test_delete_removes_all_of_it(client: TestClient, folder: Path):
    assert client.delete(f"{URL}/CAconv_1").json() == {"success": True}
    assert not folder.exists()
    assert client.get(f"{URL}/conv_1").status_code == 404


def test_a_call_that_goes_on_is_not_deleted(client: TestClient, lab: Lab):
    lab.calls.add_from_folder(make_call(lab.calls.calls_dir, events=TALK[:4]))

    reply = client.delete(f"{URL}/conv_1")

    assert reply.status_code == 409
    assert "in progress" in reply.json()["error"]


# ---- sound


def test_the_recording_plays_everywhere(client: TestClient, folder: Path):
    reply = client.get(f"{URL}/conv_1/audio")

    assert reply.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(reply.content)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 8000, 2)
        assert sound.getnframes() == 80_000
    expected, _ = soundfile.read(folder / "audio.wav", dtype="int16")
    heard, _ = soundfile.read(io.BytesIO(reply.content), dtype="int16")
    assert np.array_equal(heard, expected)


def test_the_recording_as_it_was_made(client: TestClient, folder: Path):
    reply = client.get(f"{URL}/conv_1/audio", params={"format": "mulaw"})

    assert reply.content == (folder / "audio.wav").read_bytes()


@pytest.mark.parametrize("form", ["pcm", "mulaw"])
@pytest.mark.parametrize(
    ("start", "end"), [(0, 9), (0, 44), (40, 50), (43, 43), (44, 44), (45, 46), (1001, 70_007)]
)
def test_any_part_of_the_recording_is_a_part_of_the_whole(
    client: TestClient, folder: Path, form: str, start: int, end: int
):
    url = f"{URL}/conv_1/audio"
    whole = client.get(url, params={"format": form}).content

    reply = client.get(url, params={"format": form}, headers={"Range": f"bytes={start}-{end}"})

    assert reply.status_code == 206
    assert reply.content == whole[start : end + 1]
    assert reply.headers["content-range"] == f"bytes {start}-{end}/{len(whole)}"


def test_the_recording_has_a_version_and_a_head(client: TestClient, folder: Path):
    head = client.head(f"{URL}/conv_1/audio")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(44 + 2 * 160_000)
    known = {"If-None-Match": head.headers["etag"]}
    assert client.get(f"{URL}/conv_1/audio", headers=known).status_code == 304
    other = client.head(f"{URL}/conv_1/audio", params={"format": "mulaw"})
    assert other.headers["etag"] != head.headers["etag"]


def test_a_call_without_sound(client: TestClient, lab: Lab):
    row = lab.calls.create(JOE, "+13125550100")

    reply = client.get(f"{URL}/{row.id}/audio")

    assert reply.status_code == 404
    assert reply.json()["error"] == "this call has no recording"


def test_without_a_recording_of_twilio_ours_is_given(client: TestClient, folder: Path):
    reply = client.get(f"{URL}/conv_1/recording")

    assert reply.headers["x-recording-source"] == "own"
    assert len(reply.content) == 44 + 2 * 160_000


# ---- verdicts and ends


def test_the_last_verdict_counts(client: TestClient, folder: Path):
    for verdict in ("like", "dislike"):
        assert client.post(f"{URL}/conv_1/feedback", json={"feedback": verdict}).is_success

    told = client.get(f"{URL}/conv_1").json()["metadata"]["feedback"]
    assert (told["likes"], told["dislikes"]) == (0, 1)
    assert client.post(f"{URL}/conv_1/feedback", json={"feedback": "so so"}).status_code == 422


def test_a_call_that_is_over_can_not_be_ended(client: TestClient, folder: Path):
    reply = client.post(f"{URL}/conv_1/end")

    assert reply.status_code == 409
    assert "completed" in reply.json()["error"]


# ---- the official SDK


async def test_the_sdk_reads_calls(tmp_path: Path):
    async with data_server(tmp_path) as server:
        server.lab.agents.save(JOE)
        many(server.lab, 3)
        calls = server.sdk.conversational_ai.conversations

        page = await calls.list(agent_id="joe", page_size=2)
        rest = await calls.list(agent_id="joe", page_size=2, cursor=page.next_cursor)
        call = await calls.get(conversation_id="conv_1")
        audio = b"".join([piece async for piece in calls.audio.get(conversation_id="conv_1")])
        await calls.feedback.create(conversation_id="conv_1", feedback="like")
        liked = await calls.get(conversation_id="conv_1")
        await calls.delete(conversation_id="conv_1")
        with pytest.raises(ApiError) as gone:
            await calls.get(conversation_id="conv_1")

    assert [c.conversation_id for c in page.conversations] == ["conv_2", "conv_1"]
    assert (page.has_more, rest.has_more) == (True, False)
    assert call.status == "done"
    assert [turn.role for turn in call.transcript] == ["agent", "user", "agent", "user", "agent"]
    assert call.transcript[2].original_message == "It is forty-nine dollars a month."
    tools = call.transcript[4].tool_results
    assert tools is not None
    assert tools[0].tool_name == "book_appointment"  # type: ignore[union-attr]
    metrics = call.transcript[2].conversation_turn_metrics
    assert metrics is not None
    assert metrics.metrics is not None
    assert metrics.metrics["voice_to_voice"].elapsed_time == 0.6
    phone = call.metadata.phone_call
    assert phone is not None
    assert (phone.type, phone.call_sid) == ("twilio", "CAconv_1")  # type: ignore[union-attr]
    assert audio[:4] == b"RIFF"
    assert liked.metadata.feedback is not None
    assert liked.metadata.feedback.likes == 1
    assert gone.value.status_code == 404
