"""The account of a call: the SDK's shape with the seed's values beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import NotFound
from sdr_lab.lab import Lab
from sdr_lab.live.account import account, call_successful, sdk_status, summary
from sdr_lab.store.folder import Conversation, Status
from tests.live.finished_call import JOE, STARTED, TALK, make_call

CALL = Conversation(
    id="conv_1", agent_id="joe", agent_name="Joe", agent_version=1, status=Status.COMPLETED,
    started_at=STARTED, ended_at=STARTED + timedelta(seconds=10), line="twilio",
)  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path):
    lab = Lab(Settings.load(None, {"SDR_LAB_HOME": tmp_path}, environ={}))
    lab.agents.save(JOE)
    yield lab
    lab.database.close()


@pytest.fixture
def told(lab: Lab):
    lab.calls.add_from_folder(make_call(lab.calls.calls_dir))
    return account(lab, "CAconv_1")


def test_the_transcript_is_what_was_heard_with_what_was_meant(told: dict):
    turns = told["transcript"]

    assert [(turn["role"], turn["time_in_call_secs"]) for turn in turns] == [
        ("agent", 0), ("user", 4), ("agent", 4), ("user", 8), ("agent", 8)
    ]  # fmt: skip
    cut = turns[2]
    assert (cut["message"], cut["interrupted"]) == ("It is forty-nine", True)
    assert cut["original_message"] == "It is forty-nine dollars a month."
    assert turns[1]["intent"] == "QUESTION"
    assert told["transcript_text"].startswith("00:00.1  Agent  Hi, this is Joe.")
    assert (told["message_count"], told["user_message_count"]) == (5, 2)


def test_what_the_agent_did_stands_at_its_turn(told: dict):
    looked_up, booked = told["transcript"][2], told["transcript"][4]

    found = looked_up["rag_retrieval_info"]
    assert found["retrieval_query"] == "How much is the starter plan?"
    assert found["chunks"][0]["document_id"] == "prices.md"
    assert found["chunks"][0]["vector_distance"] == 0.25
    assert found["rag_latency_secs"] == 0.008
    assert looked_up["producing_llm"] == "playbook"
    call, result = booked["tool_calls"][0], booked["tool_results"][0]
    assert call["tool_name"] == result["tool_name"] == "book_appointment"
    assert call["request_id"] == result["request_id"]
    assert "2026-12-01" in call["params_as_json"]
    assert (result["result_value"], result["is_error"]) == ("Booked for Tuesday at ten.", False)
    assert result["tool_latency_secs"] == 0.02


def test_latencies_are_seconds_by_stage(told: dict):
    metrics = told["transcript"][2]["conversation_turn_metrics"]["metrics"]

    assert metrics["voice_to_voice"]["elapsed_time"] == 0.6  # from 3.5 s to 4.1 s
    assert metrics["first_token"]["elapsed_time"] == 0.02


def test_names_of_the_sdk_and_the_seed_stand_side_by_side(told: dict):
    assert (told["status"], told["call_status"]) == ("done", "completed")
    assert (told["start_time_unix_secs"], told["started_at"]) == (
        1795514400, "2026-11-24T10:00:00.000+00:00"
    )  # fmt: skip
    assert (told["call_duration_secs"], told["duration_secs"]) == (10, 10.0)
    assert (told["termination_reason"], told["ended_reason"]) == ("caller", "caller")
    assert (told["call_sid"], told["phone_number"]) == ("CAconv_1", "+13125550100")
    data = told["conversation_initiation_client_data"]
    assert data["dynamic_variables"] == told["dynamic_variables"] == {"lead_name": "Pat"}
    assert told["has_audio"] is True


def test_the_telephone_s_side_names_our_number(lab: Lab):
    number = lab.numbers.create("+15550001111")
    row = lab.calls.create(
        JOE, "+13125550100", metadata={"campaign": "fall"}, agent_number="+15550001111",
        overrides={"prompt": "Be brief.", "first_message": "Hi!", "voice": "aura"},
    )  # fmt: skip
    lab.calls.note(row.id, stream_sid="MZ1", user_id="u1")

    told = account(lab, row.id)

    phone = told["metadata"]["phone_call"]
    assert phone["type"] == "twilio"
    assert (phone["phone_number_id"], phone["agent_number"]) == (number.id, "+15550001111")
    assert (phone["external_number"], phone["stream_sid"]) == ("+13125550100", "MZ1")
    assert told["metadata"]["campaign"] == "fall"
    assert told["conversation_initiation_client_data"]["conversation_config_override"] == {
        "agent": {"prompt": {"prompt": "Be brief."}, "first_message": "Hi!"},
        "tts": {"voice_id": "aura"},
    }
    assert (told["status"], told["transcript"], told["has_audio"]) == ("initiated", [], False)


def test_a_failed_call_says_why(lab: Lab):
    row = lab.calls.create(JOE, "+13125550100")
    lab.calls.fail(row.id, "twilio: number not verified")

    told = account(lab, row.id)

    assert (told["status"], told["call_status"]) == ("failed", "failed")
    assert told["metadata"]["error"]["reason"] == "twilio: number not verified"
    assert told["call_successful"] == "failure"


def test_a_running_call_shows_what_was_said_so_far(lab: Lab):
    lab.calls.add_from_folder(make_call(lab.calls.calls_dir, events=TALK[:4]))

    told = account(lab, "conv_1")

    assert (told["status"], told["call_status"]) == ("in-progress", "in-progress")
    assert [turn["message"] for turn in told["transcript"]] == [
        "Hi, this is Joe.", "How much is the starter plan?"
    ]  # fmt: skip
    assert told["analysis"] is None


def test_a_call_whose_folder_is_gone_is_told_from_the_index(lab: Lab):
    folder = make_call(lab.calls.calls_dir)
    lab.calls.add_from_folder(folder)
    for path in folder.iterdir():
        path.unlink()

    told = account(lab, "conv_1")

    assert len(told["transcript"]) == 5
    assert told["transcript"][2]["interrupted"] is True
    assert told["has_audio"] is False


def test_an_unknown_call(lab: Lab):
    with pytest.raises(NotFound, match="conv_9"):
        account(lab, "conv_9")


def test_a_call_is_being_processed_until_its_analysis_is_there():
    soon = STARTED + timedelta(seconds=20)
    late = STARTED + timedelta(hours=1)

    assert sdk_status(CALL, soon) == "processing"
    assert sdk_status(CALL, late) == "done"  # nobody has analysed it
    assert sdk_status(replace(CALL, analysis={"call_successful": "success"}), soon) == "done"
    assert sdk_status(replace(CALL, line="simulated"), soon) == "done"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.INITIATED, "initiated"),
        (Status.IN_PROGRESS, "in-progress"),
        (Status.VOICEMAIL, "done"),
        (Status.BUSY, "failed"),
        (Status.NO_ANSWER, "failed"),
        (Status.BROKEN_OFF, "failed"),
    ],
)
def test_status_in_the_sdk_s_words(status: Status, expected: str):
    assert sdk_status(replace(CALL, status=status), datetime(2027, 1, 1, tzinfo=UTC)) == expected


def test_a_call_that_was_not_analysed_is_neither_success_nor_failure():
    assert call_successful(CALL) == "unknown"
    assert summary(CALL)["transcript_summary"] is None
