"""What is done when an answering machine takes a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdr_lab.agents.variables import fill, values_for
from sdr_lab.call.inbox import EndNow, LeaveMessage, Order
from sdr_lab.records import Agent

MACHINES = ("machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax")
"""Twilio's `AnsweredBy` when nobody listens. `human` and `unknown` count as a person."""


def is_machine(answered_by: str) -> bool:
    """Say whether Twilio's `AnsweredBy` means that nobody listens."""
    return answered_by in MACHINES


def voicemail_order(
    agent: Agent, answered_by: str, variables: Mapping[str, Any] | None = None
) -> Order | None:
    """Return what the running call is to do, None to go on.

    A fax hears no message.
    """
    if not is_machine(answered_by) or agent.on_voicemail == "ignore":
        return None
    given = {name: str(value) for name, value in (variables or {}).items()}
    message, _ = fill(agent.voicemail_message, values_for(agent, given))
    if agent.on_voicemail == "leave_message" and message.strip() and answered_by != "fax":
        return LeaveMessage(message)
    return EndNow("voicemail")
