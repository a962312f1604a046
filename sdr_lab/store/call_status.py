"""What the status of a call is. Three sources know different things, at different times:

- the **folder** (`recorded_status`): how the conversation went. Nobody knows better: once it says
  that the call is over, its status stands, except that a completed call which the network found
  answered by a machine is a voicemail. While the call is being recorded it is in progress,
  whatever else is said: the transcript is not there yet.
- the **network** (`network`): what became of the telephone connection. Decides when there is no
  folder: nobody answered, or no stream came about. Reports may come in any order, repeated and
  late: each is merged by a rule that forgets nothing and prefers the same one in any order.
- this **server** (`given_up`): it could not dial, had no room, or stopped. There was no
  conversation then, whatever the network says of the connection; only that nobody was reached
  is more exact. A stream that comes after all takes it back.

All three are kept in the row; its status follows from them and is never set by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sdr_lab.errors import BadInput
from sdr_lab.store.folder import Status
from sdr_lab.store.models import ConversationRow

RANK = {Status.INITIATED: 0, Status.IN_PROGRESS: 1}
"""How far a call has got; every other status is its end."""

END = 2

UNREACHED = (Status.BUSY, Status.NO_ANSWER, Status.CANCELED, Status.FAILED)
"""Ends of calls that nobody answered."""

SERVER_STOPPED = "server stopped"
"""`ended_reason` of a call whose server ended without closing it."""

NO_REPORT = "no report"
"""`ended_reason` of a call that nothing was heard of any more."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the phone network says of a call at one moment."""

    status: Status
    at: datetime
    """With a time zone; when it happened, if the network says so, else when it was heard."""
    sequence: int | None = None
    """`SequenceNumber`; None for what is not counted."""
    reason: str = ""
    duration_s: int | None = None
    answered_by: str = ""
    """`human`, `machine_…`, `fax`, `unknown`; empty when nothing was said of it."""

    def __post_init__(self) -> None:
        if self.status is Status.BROKEN_OFF:
            raise BadInput("the phone network can't report that a call has broken off")
        if self.at.tzinfo is None:
            raise BadInput(f"time {self.at} of a report needs a time zone")


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What a report has changed. For one call only one caller ever sees a given change."""

    conversation_id: str
    before: Status
    after: Status

    @property
    def ends_call(self) -> bool:
        """Say whether the call was not over before and is now."""
        return self.after.is_over and not self.before.is_over


def merged(network: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Return what is known of the network with one more report.

    The order of reports does not matter, nor how often each comes.
    """
    is_voicemail = report.status is Status.VOICEMAIL
    said = {
        "status": str(Status.COMPLETED if is_voicemail else report.status),
        "at": report.at.astimezone(UTC).isoformat(),
        "sequence": report.sequence,
        "reason": report.reason,
    }
    known = {name: network[name] for name in said if name in network}
    best = max((entry for entry in (known, said) if entry), key=weight)
    result = {**network, **best}
    if report.duration_s is not None:
        result["duration_s"] = max(report.duration_s, network.get("duration_s", 0))
    answered_by = max(network.get("answered_by", ""), report.answered_by, key=certainty)
    if answered_by:
        result["answered_by"] = answered_by
    if is_voicemail or is_machine(answered_by):
        result["is_machine"] = True
    if report.status is Status.IN_PROGRESS:
        result["answered_at"] = min(said["at"], network.get("answered_at", said["at"]))
    return result


def weight(said: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order reports: the heaviest says where the call stands.

    Further is heavier. Of two different ends the counted one counts (a status callback), then the
    first: an end is never undone.
    """
    sequence = said["sequence"]
    return (
        RANK.get(Status(said["status"]), END),
        sequence is not None,
        -(sequence or 0),
        -datetime.fromisoformat(said["at"]).timestamp(),
        said["reason"],
        said["status"],
    )


def is_machine(answered_by: str) -> bool:
    """Say whether no person answered. `unknown` counts as a person."""
    return answered_by.startswith("machine") or answered_by == "fax"


def certainty(answered_by: str) -> tuple[bool, bool, str]:
    """Order what was found about who answered, the most telling last."""
    return is_machine(answered_by), answered_by not in ("", "unknown"), answered_by


def network_status(row: ConversationRow) -> Status:
    """Return where the network says that a call stands."""
    return Status(row.network["status"]) if row.network else Status.INITIATED


def settle(row: ConversationRow) -> None:
    """Work out the status of a row, and with it how and when the call ended."""
    recorded = Status(row.recorded_status) if row.recorded_status else None
    network, given_up = row.network, row.given_up
    reported = network_status(row)
    if recorded is not None and recorded.is_over:
        row.status = recorded
        if recorded is Status.COMPLETED and network.get("is_machine"):
            row.status = Status.VOICEMAIL
        if recorded is Status.BROKEN_OFF:
            complete_broken_off(row)
    elif given_up and not (reported in UNREACHED and reported != given_up["status"]):
        row.status = Status(given_up["status"])
        row.ended_reason = given_up["reason"]
        row.ended_at = datetime.fromisoformat(given_up["at"])
    elif recorded is Status.IN_PROGRESS and not given_up:
        row.status = recorded
    elif reported.is_over:
        end_by_network(row, reported)
    else:
        row.status = reported
    if row.status == Status.VOICEMAIL and not row.outcome:
        row.outcome = "voicemail"
    if network.get("answered_by"):
        row.details = {**row.details, "answered_by": network["answered_by"]}


def end_by_network(row: ConversationRow, reported: Status) -> None:
    """End a call as the network says; there is no folder to know better."""
    network = row.network
    machine = reported is Status.COMPLETED and network.get("is_machine")
    row.status = Status.VOICEMAIL if machine else reported
    row.ended_reason = network["reason"] or row.status.replace("-", "_")
    row.ended_at = datetime.fromisoformat(network["at"])
    if "duration_s" in network:
        row.duration_ms = 1000 * network["duration_s"]


def complete_broken_off(row: ConversationRow) -> None:
    """Fill in what a recording that breaks off can't say: why, and how long the call went on."""
    row.ended_reason = row.given_up.get("reason") or row.ended_reason
    if network_status(row).is_over:
        row.ended_at = datetime.fromisoformat(row.network["at"])
        if "duration_s" in row.network:
            row.duration_ms = 1000 * row.network["duration_s"]
