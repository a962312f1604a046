from __future__ import annotations

from dataclasses import replace

import pytest

from sdr_lab.call.inbox import EndNow, LeaveMessage
from sdr_lab.live.voicemail import voicemail_order
from tests.live.served import AGENT

LEAVES = replace(
    AGENT, on_voicemail="leave_message", voicemail_message="Hi {{lead|there}}, Joe here."
)


@pytest.mark.parametrize("answered_by", ["human", "unknown", ""])
def test_a_person_is_talked_to(answered_by: str):
    assert voicemail_order(LEAVES, answered_by) is None


def test_a_machine_ends_the_call_by_default():
    assert voicemail_order(AGENT, "machine_start") == EndNow("voicemail")


def test_a_message_is_left_with_its_variables_filled():
    assert voicemail_order(LEAVES, "machine_end_beep") == LeaveMessage("Hi there, Joe here.")
    assert voicemail_order(LEAVES, "machine_end_beep", {"lead": "Dana"}) == LeaveMessage(
        "Hi Dana, Joe here."
    )


def test_a_fax_hears_no_message():
    assert voicemail_order(LEAVES, "fax") == EndNow("voicemail")


def test_without_a_message_there_is_nothing_to_leave():
    assert voicemail_order(replace(LEAVES, voicemail_message=" "), "machine_end_other") == EndNow(
        "voicemail"
    )


def test_an_agent_may_talk_to_machines():
    assert voicemail_order(replace(AGENT, on_voicemail="ignore"), "machine_start") is None
